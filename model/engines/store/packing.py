"""States as words: where each field of an instance stands, and the way from tuples to columns and back.

What no guard looks at stands lowest, locations stand highest; no field straddles two words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.errors import UsageError
from model.expr import PAGES, PLACE, walk
from model.instance.instance import Instance
from model.instance.state import State

Words = NDArray[np.uint64]
Columns = tuple[NDArray[np.uint64], ...]


@dataclass(frozen=True)
class Place:
    """Where a field stands: `(word[shift:shift + width])`."""

    word: int
    shift: int
    width: int

    @property
    def mask(self) -> int:
        """The bits of the field, where they stand in the word."""
        return ((1 << self.width) - 1) << self.shift


class Packing:
    """The layout of one instance's states.

    Args:
        instance: whose `fields` are laid out.
        word_bits: bits of a word to use, 1 to 64; a state takes as many words as it needs.

    Raises:
        UsageError: a single field is wider than a word.

    Shapes: a block of n states is a (words, n) uint64 array, one state a column.
    """

    def __init__(self, instance: Instance, word_bits: int = 64) -> None:
        self.instance = instance
        self.places: dict[int, Place] = {}
        self.bits = [0]  # in use in each word
        for position in _order(instance):
            field = instance.fields[position]
            if field.width > word_bits:
                raise UsageError(f"{field.name} has {field.width} bits, and a word of the engine lanes {word_bits}.")
            if self.bits[-1] + field.width > word_bits:
                self.bits.append(0)
            self.places[position] = Place(len(self.bits) - 1, self.bits[-1], field.width)
            self.bits[-1] += field.width
        self.words = len(self.bits)

    def place(self, key: tuple[str, int | None]) -> Place:
        """Where the field of this name and number stands."""
        return self.places[self.instance.position[key]]

    def pack(self, states: Iterable[State]) -> Words:
        """States as tuples in the order of `instance.fields`, as a block."""
        rows = np.array(list(states), dtype=np.uint64).reshape(-1, len(self.places))
        block = np.zeros((self.words, len(rows)), dtype=np.uint64)
        for position, place in self.places.items():
            block[place.word] |= rows[:, position] << np.uint64(place.shift)
        return block

    def unpack(self, block: Words) -> list[State]:
        """The states of a block as tuples of ints, in the order of `instance.fields`."""
        columns: list[Any] = [None] * len(self.places)
        for position, place in self.places.items():
            shifted = block[place.word] >> np.uint64(place.shift)
            columns[position] = (shifted & np.uint64((1 << place.width) - 1)).tolist()
        return list(zip(*columns, strict=True))


def _order(instance: Instance) -> list[int]:
    """Positions of the fields, lowest first: sets that no guard looks at, other sets, registers, flags, locations."""
    guards = Counter(
        name for step in instance.program.steps for name in {e.args[0] for e in walk(*step.guards) if e.op == "var"}
    )

    def rank(position: int) -> tuple[object, ...]:
        field = instance.fields[position]
        return field.sort == PLACE, field.sort != PAGES, field.role == "register", guards[field.name], -position

    return sorted(range(len(instance.fields)), key=rank)
