"""How many states each orbit stands for: the order of the group over that of the stabiliser.

A search that keeps one state of each orbit knows from it what the whole space has. Orders of pages and orders of
elements do not interfere, so a state is left where it is by as many changes as there are orders of the elements that
the pages can undo, times the orders of those pages that stand in the same sets. That is read off the kept state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import groupby
from math import factorial, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.engines.packed.least import Orders
from model.engines.packed.symmetry import Symmetry
from model.engines.store.packing import Columns, Packing, Words

DIRECT = 12  # bits of a code up to which there is a row for each, whether it occurs or not


class Orbits:
    """Counts what the kept states of a search stand for; numbers are Python's, so none is too large.

    A state's orbit is as large as its code says: a bit for each page that stands in the same sets as the one before
    it, and above them how many orders of the elements, but one, lead back to the state.

    Attributes:
        exact: a code fits a word; where it does not, nothing may be counted here.
    """

    def __init__(self, found: Symmetry, packing: Packing) -> None:
        self.pages = packing.instance.pages if found.pages else 1
        self.orders = prod(factorial(len(numbers)) for _, numbers in found.classes)
        bits = self.pages - 1 + (self.orders - 1).bit_length()
        self.exact = bits <= 64
        self.rows = 1 << bits if bits <= DIRECT else 0
        self.code = _coder(found, packing, self.pages - 1) if self.exact else None
        self.size = cache(self._size)

    def _size(self, code: int) -> int:
        """States of an orbit whose kept state has this code."""
        alike, back = code & ((1 << self.pages - 1) - 1), (code >> self.pages - 1) + 1
        runs = "".join("1" if alike >> p & 1 else "0" for p in range(self.pages - 1))
        same = prod(factorial(len(list(run)) + 1) for bit, run in groupby(runs) if bit == "1")
        return factorial(self.pages) * self.orders // (same * back)

    def kinds(self, block: Words) -> tuple[list[int], NDArray[np.uint64]]:
        """The codes that may occur in a block, and for each state the position of its own."""
        assert self.code is not None, "nothing is counted where a code does not fit"
        codes = np.broadcast_to(self.code(*block), block.shape[1:])
        if self.rows:
            return list(range(self.rows)), codes
        different, where = np.unique(codes, return_inverse=True)
        return different.tolist(), where.astype(np.uint64)

    def total(self, codes: Sequence[int], times: Sequence[int]) -> int:
        """What states of these codes stand for, each so many times."""
        return sum(n * self.size(code) for code, n in zip(codes, times, strict=True) if n)

    def states(self, block: Words) -> int:
        """How many states these kept ones stand for."""
        codes, kinds = self.kinds(block)
        return self.total(codes, tally(kinds, len(codes)))


def tally(kinds: NDArray[np.uint64], count: int) -> list[int]:
    """How often each position below `count` occurs."""
    return np.bincount(kinds.view(np.int64), minlength=count).tolist()  # type: ignore[no-any-return]


def _coder(found: Symmetry, packing: Packing, above: int) -> Callable[..., Any]:
    """A function from the columns of kept states to their codes."""
    writer = Orders(found, packing)
    writer.line("code = uint64(0)")
    for p in range(above):
        same = " & ".join(f"((w{w} >> {p + 1} ^ w{w} >> {p}) & {mask} == 0)" for w, mask in writer.masks.items())
        writer.line(f"code = code | ({f'({same}).astype(uint64)' if same else 'uint64(1)'} << {p})")
    writer.line(f"{', '.join(f'k{w}' for w in writer.words)}, = {', '.join(writer.words)},")
    same = " & ".join(f"(k{w} == {w})" for w in writer.words)
    for _ in writer.exchanges():
        writer.line(f"code = code + (({same}).astype(uint64) << {above})")
    return writer.compiled("code")


def counting(counts: list[int], emit: Callable[[Columns], None]) -> Callable[[Columns], None]:
    """`emit` for columns behind which that of the kinds stands, which are added to `counts` and left out."""

    def counted(after: Columns) -> None:
        for kind, n in enumerate(tally(after[-1], len(counts))):
            counts[kind] += n
        emit(after[:-1])

    return counted
