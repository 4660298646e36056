"""The set of packed states as a table of states, for states that lie so far apart that a block has few of them.

Open addressing with linear probing, a place for each state, never more than five eighths full. Only compiled code works
on it (`native.c`); a block of `store.bitset` takes a kilobyte even for a single state, a place here a word or
two.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np

from model.engines.store.bitset import Full, Visited
from model.engines.store.packing import Words

WIDEST = 62  # bits of the last word; what has more means an empty place
SMALLEST = 1 << 16  # places
FAR_APART = 128  # bytes of blocks a state from which a table takes less
WORTH = 256 << 20  # bytes of blocks


class Hashed:
    """A growing set of states.

    Args:
        states: (words, n) states to begin with.
        room: bytes that the table may take.

    Raises:
        Full: it would take more.
    """

    def __init__(self, library: ctypes.CDLL, states: Words, room: int) -> None:
        self.library, self.words, self.room = library, states.shape[0], room
        self.most = 0  # states added since the last turn
        self.kept = states.shape[1]
        self.table = self._empty(SMALLEST)
        while self.kept * 2 > self.table.shape[0]:
            self.table = self._empty(2 * self.table.shape[0])
        self._refill(states, states.strides[0] // 8, 1, states.shape[1])

    @property
    def limit(self) -> int:
        """States that the table may have before it is made larger."""
        return self.table.shape[0] * 5 // 8

    def fresh(self) -> int:
        """How many states were added since the last turn."""
        return self.most

    counted = fresh

    def close(self) -> None:
        """Nothing but memory."""

    def make_room(self, nothing_done: bool = False) -> None:
        """Make the table twice as large, unless a thread only found more than it could hand out.

        Raises:
            Full: it would take more than it may.
        """
        if self.kept < self.limit:
            return
        old, self.table = self.table, self._empty(2 * self.table.shape[0])
        self._refill(old, 1, self.words, old.shape[0])

    def _empty(self, places: int) -> Words:
        if 12 * self.words * places > self.room:  # beside one of half the size
            raise Full
        return np.full((places, self.words), ~np.uint64(0), dtype=np.uint64)

    def _refill(self, states: Words, apart: int, step: int, count: int) -> None:
        into = ctypes.c_void_p(self.table.ctypes.data), ctypes.c_int64(self.table.shape[0] - 1)
        numbers = (ctypes.c_int64(n) for n in (count, apart, step))
        self.library.refill(*into, ctypes.c_void_p(states.ctypes.data), *numbers)


def far_apart(visited: Visited, states: int, bits: Sequence[int]) -> bool:
    """Whether a table would take less than the blocks do, and it matters."""
    return bits[-1] <= WIDEST and visited.taken > max(WORTH, FAR_APART * states)
