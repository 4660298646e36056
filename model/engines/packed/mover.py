"""What adds the states one move from others: NumPy on blocks of them, or compiled code (`packed.native`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ctypes import CDLL
from itertools import count
from typing import Protocol

import numpy as np

from model.engines.packed.kernel import Emit, Expand
from model.engines.packed.least import Canonical
from model.engines.packed.orbits import Orbits, counting
from model.engines.store.packing import Columns, Words
from model.engines.store.states import Blocks, Frontier, States

FOUND = 32  # moves whose new states wait to be added together
ASKED = 32  # moves after which the limits are looked at: they may have found gigabytes


class Mover(Protocol):
    """Makes the moves of a search and adds where they lead to its set of states.

    Attributes:
        ordered: `next_level` is sorted.
        counts_at_once: what is counted is right while `expand` runs, not only after `told`.
        library: the compiled code, or None.
    """

    ordered: bool
    counts_at_once: bool
    library: CDLL | None

    @property
    def states(self) -> States:
        """The set that it adds to."""
        ...

    @property
    def blocks(self) -> Blocks | None:
        """The set where it is one of blocks, else None."""
        ...

    def expand(self, block: Words) -> tuple[int, int]:
        """Add what one move leads to from these states; several threads may do so at a time.

        Returns:
            How many of them were done, fewer only where there was no room, and how many moves those have.
        """
        ...

    def update_set(self) -> None:
        """Let the set know what was added; while no `expand` runs."""
        ...

    def make_room(self, nothing_done: bool) -> None:
        """Make room where `expand` found none."""
        ...

    def fresh(self) -> int:
        """How many states were added since the last level."""
        ...

    def broken(self, block: Words) -> bool:
        """Whether an invariant may be broken in one of these states."""
        ...

    def next_level(self) -> Frontier:
        """The states added since the last level; they are old from now on."""
        ...


class NumpyMover:
    """Moves by NumPy.

    Args:
        expands: functions that together make every move.
        least: takes states to one state of each orbit, or None.
        orbits: counts the moves of all states that the kept ones stand for, or None; `expands` hand on a column more.
        ask: called now and then while moves are made, for a few states may have a million; it may stop the search.
    """

    ordered, counts_at_once = True, True
    library: CDLL | None = None

    def __init__(
        self,
        states: Blocks,
        expands: Sequence[Expand],
        least: Canonical | None = None,
        orbits: Orbits | None = None,
        ask: Callable[[], None] = lambda: None,
    ) -> None:
        self.states, self.expands, self.least, self.orbits, self.ask = states, expands, least, orbits, ask

    @property
    def blocks(self) -> Blocks:
        return self.states

    def expand(self, block: Words) -> tuple[int, int]:
        """Add what one move leads to: all of them, and how many moves there are."""
        found: list[Columns] = []
        made = count(1)

        def emit(after: Columns) -> None:
            if not next(made) % ASKED:
                self.ask()
            if self.least is not None:
                after = self.least(after)
            new = self.states.unseen(after)
            if new.size:
                found.append(tuple(a.take(new) for a in after))
            if len(found) >= FOUND:
                self._add(found)

        moves = self._moves(block, emit)
        self._add(found)
        return block.shape[1], moves

    def _moves(self, block: Words, emit: Emit) -> int:
        """Make every move of these states; returns how many there are, of all states that these stand for."""
        if self.orbits is None:
            return sum(expand(block, emit) for expand in self.expands)
        codes, kinds = self.orbits.kinds(block)
        block, counts = np.vstack([block, kinds]), [0] * len(codes)
        for expand in self.expands:
            expand(block, counting(counts, emit))
        return self.orbits.total(codes, counts)

    def _add(self, found: list[Columns]) -> None:
        """Add what was found, and leave nothing in the list."""
        if found:
            self.states.add(tuple(np.concatenate(column) for column in zip(*found, strict=True)))
            found.clear()

    def update_set(self) -> None:
        """It knows already."""

    def make_room(self, nothing_done: bool) -> None:
        """Never needed: `add` makes room."""
        self.states.make_room(nothing_done)

    def fresh(self) -> int:
        return self.states.fresh()

    def broken(self, block: Words) -> bool:
        """It may be: nobody has looked."""
        return True

    def next_level(self) -> Frontier:
        return self.states.next_level()
