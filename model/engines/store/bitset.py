"""The set of packed states that were seen: a bit for each, in blocks that exist only where states are.

The low bits of a state's first word number a bit within a block, all its other bits name the block. States that
differ only in what no guard looks at lie in one block, so that a state costs a byte or two, and a sorted frontier
finds its blocks in the cache.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.engines.store.packing import Columns, Words

LOW = 12  # bits of a state within its block
LANES = 1 << (LOW - 6)  # words of a block
ROOT, DIGIT = 18, 12  # most bits of the first and of every other digit of a block's name
SLAB = 1 << 12  # blocks that are unfolded at a time
FEW = 1 << 8  # the same where memory is limited
NORESERVE = 0x4000  # Linux; the name is in Python from 3.13 on
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Digit:
    """Some bits of one word of a name."""

    word: int
    shift: int
    bits: int
    highest: bool  # of its word: nothing to mask

    def of(self, names: Columns) -> Numbers:
        high = names[self.word] >> np.uint64(self.shift) if self.shift else names[self.word]
        return (high if self.highest else high & np.uint64((1 << self.bits) - 1)).view(np.int64)


def digits(bits: Sequence[int], root: int, digit: int) -> list[Digit]:
    """The digits of a name, highest first: the first of at most `root` bits, the others alike, at most `digit`.

    Args:
        bits: bits of a name in each word, the last word being the highest.
    """
    found: list[Digit] = []
    for word in reversed(range(len(bits))):
        high = bits[word]
        if not found:
            found.append(Digit(word, high - min(high, root), min(high, root), True))
            high -= found[0].bits
        for left in range(-(-high // digit), 0, -1):
            size = -(-high // left)
            high -= size
            found.append(Digit(word, high, size, high + size == bits[word]))
    return found


class Full(Exception):
    """The set may not take the memory that it needs; nothing of what was to be added is in it."""


class Tree:
    """From names of blocks to the position of a block's first word, 0 where there is no block: a page table.

    A digit of the name indexes a node, and the entry found is where the next node stands. Node 0 stands for every
    node that is not there: its entries are 0. One writer may work beside readers.
    """

    def __init__(self, bits: Sequence[int], root: int = ROOT, digit: int = DIGIT) -> None:
        self.digits = digits(bits, root, digit)
        self.root = 1 << max(d.bits for d in self.digits)  # node 0 is as large as any
        self.nodes = np.zeros(self.root + (1 << self.digits[0].bits), dtype=np.int64)
        self.used = self.nodes.size
        self.limit: int | None = None  # of entries

    def find(self, names: Columns) -> Numbers:
        """Positions of these names; equal neighbours are looked up once where the tree is deep."""
        if len(self.digits) < 3:
            return self._find(names)
        starts = beginnings(names)
        lengths = np.diff(starts, append=names[0].size)
        return np.repeat(self._find(tuple(n.take(starts) for n in names)), lengths)

    def _find(self, names: Columns) -> Numbers:
        nodes = self.nodes
        found = nodes[self.root :].take(self.digits[0].of(names), mode="wrap")
        for digit in self.digits[1:]:
            found += digit.of(names)
            found = nodes.take(found, mode="wrap")
        return found

    def put(self, names: Columns, positions: Numbers) -> None:
        """Add names that are distinct and not in the tree yet."""
        entries = self.digits[0].of(names) + self.root
        for digit in self.digits[1:]:
            missing = np.unique(entries[self.nodes[entries] == 0])
            fresh = self.used + (np.arange(missing.size) << digit.bits)
            self._reserve(missing.size << digit.bits)
            self.nodes[missing] = fresh
            entries = self.nodes[entries] + digit.of(names)
        self.nodes[entries] = positions

    def _reserve(self, count: int) -> None:
        if self.limit is not None and self.used + count > self.limit:
            raise Full
        self.used += count
        while self.used > self.nodes.size:
            self.nodes = _doubled(self.nodes)


class Visited:
    """A growing set of states; those added since the last `turn` are the next frontier.

    Args:
        bits: bits that are in use in each word of a state.
        root, digit: bits of the first and of the other digits of a block's name.
        room: bytes that it may take, or None; it is set aside at once if the system lets it, so that growing copies
            nothing, and `add` raises Full before it takes more.

    Attributes:
        fixed: bytes up to which the arrays stay where they are, or 0.
    """

    sparing = False

    def __init__(
        self, bits: Sequence[int], root: int = ROOT, digit: int = DIGIT, room: int | None = None, *, aged: bool = True
    ) -> None:
        self.words = len(bits)
        self.slab = SLAB if room is None else FEW
        self.room, self.block = room, 8 * (LANES * (1 + aged) + len(bits)) + 1
        self.directory = Tree([max(0, bits[0] - LOW), *bits[1:]], root, digit)
        self.lock = Lock()
        self.blocks = 1  # number 0 stands for every block that is not there, and stays empty
        space = 1 << 6
        self.bits = np.zeros(LANES * space, dtype=np.uint64)
        self.old = np.zeros(self.bits.size, dtype=np.uint64)  # as of the last turn
        self.names = np.zeros((space, len(bits)), dtype=np.uint64)
        self.touched = np.zeros(space, dtype=np.bool_)
        self.most = 0  # at most so many states were added since the last turn
        self.fixed = 0
        if room is not None:
            with suppress(OSError):  # then growing takes more for a moment
                self.fix(room)

    @property
    def taken(self) -> int:
        """Bytes that are in use."""
        return self.blocks * self.block + 8 * self.directory.used

    def fix(self, room: int) -> None:
        """Give the arrays the size that they may grow to within so many bytes; from then on they stay where they are.

        Raises:
            OSError: the system does not let so much address space be set aside.
        """
        space, there = max(room // self.block + 2, self.blocks), self.blocks
        bits, old = (_set_aside(a[: there * LANES], space * LANES) for a in (self.bits, self.old))
        names, touched = _set_aside(self.names[:there], space), _set_aside(self.touched[:there], space)
        tree = self.directory
        tree.nodes = _set_aside(tree.nodes[: tree.used], max(room // 8, tree.used))
        self.bits, self.old, self.names, self.touched, self.room = bits, old, names, touched, room
        self.fixed = room

    def unseen(self, columns: Columns) -> Numbers:
        """Positions of the states that are not in the set; may run beside `add`, and may miss what that adds."""
        words = self._words(columns)
        found = self.bits.take(words, mode="wrap")
        found >>= columns[0] & np.uint64(63)
        found &= np.uint64(1)
        return np.flatnonzero(found == 0)

    def add(self, columns: Columns) -> None:
        """Add states; that some of them are equal or in the set already does no harm."""
        with self.lock:
            words = self._words(columns)
            missing = np.flatnonzero(words < LANES)
            if missing.size:
                self._create(tuple(c.take(missing) for c in self._names(columns)))
                words = self._words(columns)
            self.touched[words >> (LOW - 6)] = True
            self.most += words.size
            _join(self.bits, words, np.uint64(1) << (columns[0] & np.uint64(63)))

    def fresh(self) -> int:
        """How many states were added since the last turn."""
        self.most = sum(ones(new) for _, new in self._changes(np.flatnonzero(self.touched[: self.blocks])))
        return self.most

    def counted(self) -> int:
        """How many states were added since the last turn."""
        return self.fresh()

    @property
    def memory(self) -> Visited:
        """All of it is in memory."""
        return self

    def make_room(self, nothing_done: bool = False) -> None:
        """There is none besides memory.

        Raises:
            Full: always.
        """
        raise Full

    def hold(self, frontier: object) -> None:
        """It takes no more room than it takes."""

    def close(self) -> None:
        """Nothing but memory."""

    def next_level(self) -> Words:
        """The states added since the last turn, sorted."""
        return np.concatenate([np.zeros((self.words, 0), dtype=np.uint64), *self.turn()], axis=1)

    def recent(self) -> Numbers:
        """Numbers of the blocks that got states since the last turn, sorted by name."""
        numbers = np.flatnonzero(self.touched[: self.blocks])
        return numbers.take(np.lexsort(self.names[numbers].T))

    def turn(self) -> Iterator[Words]:
        """The states added since the last turn, sorted, as blocks of shape (words, n)."""
        numbers = self.recent()
        old = self.old.reshape(-1, LANES)
        for slab, new in self._changes(numbers):
            yield unfolded(new, self.names[slab].T)
            old[slab] |= new
        self.touched[numbers] = False
        self.most = 0

    def rows(self, *, old: bool, most: int = FEW) -> Iterator[Words]:
        """The blocks, sorted by name, some at a time: each a row of its name and its bits.

        Args:
            old: the bits as of the last turn, else what has been added since; blocks without any are left out.
        """
        numbers = np.arange(1, self.blocks) if old else self.recent()
        numbers = numbers.take(np.lexsort(self.names[numbers].T)) if old else numbers
        bits, before = self.bits.reshape(-1, LANES), self.old.reshape(-1, LANES)
        for begin in range(0, numbers.size, most):
            slab = numbers[begin : begin + most]
            found = before[slab] if old else bits[slab] & ~before[slab]
            some = found.any(axis=1)
            yield np.hstack([self.names[slab[some]], found[some]])

    def load(self, rows: Words) -> None:
        """Add blocks that are not there, as old ones."""
        begin = self.blocks
        self._append(rows[:, :-LANES].T)
        self.bits.reshape(-1, LANES)[begin : self.blocks] = rows[:, -LANES:]
        self.old.reshape(-1, LANES)[begin : self.blocks] = rows[:, -LANES:]

    def store(self, frontier: Iterator[Words], count: int) -> Words:
        """A frontier that is handed in by parts."""
        return np.concatenate([np.zeros((self.words, 0), dtype=np.uint64), *frontier], axis=1)

    def _changes(self, numbers: Numbers) -> Iterator[tuple[Numbers, Words]]:
        """These blocks, some at a time, and in them the bits of states that were added since the last turn."""
        bits, old = self.bits.reshape(-1, LANES), self.old.reshape(-1, LANES)
        for begin in range(0, numbers.size, self.slab):
            slab = numbers[begin : begin + self.slab]
            yield slab, bits[slab] & ~old[slab]

    def _names(self, columns: Columns) -> Columns:
        return (columns[0] >> np.uint64(LOW), *columns[1:])

    def _words(self, columns: Columns) -> Numbers:
        """Where the word is that has each state's bit: below LANES where its block is not there."""
        words = self.directory.find(self._names(columns))
        lane = columns[0] >> np.uint64(6)
        lane &= np.uint64(LANES - 1)
        words += lane.view(np.int64)
        return words

    def _create(self, names: Columns) -> None:
        """Make blocks of these names, which may repeat."""
        self._append(np.unique(np.stack(names), axis=1) if len(names) > 1 else np.unique(names[0]).reshape(1, -1))

    def _append(self, distinct: Words) -> None:
        """Make blocks of these names, none of which is there yet, numbered in the order given."""
        count = distinct.shape[1]
        if self.room is not None:
            self.directory.limit = (self.room - (self.blocks + count) * self.block) // 8
            if self.directory.limit < self.directory.used:
                raise Full
        while self.blocks + count > self.touched.size:
            self._grow()
        numbers = np.arange(self.blocks, self.blocks + count)
        self.directory.put(tuple(distinct), numbers * LANES)
        self.names[numbers] = distinct.T
        self.blocks += count

    def _grow(self) -> None:
        self.names, self.touched = _doubled(self.names), _doubled(self.touched)
        self.bits, self.old = _doubled(self.bits), _doubled(self.old)


def _doubled(array: NDArray[Any]) -> NDArray[Any]:
    """Twice as long, with zeros at the end; what is not written yet takes no memory."""
    grown = np.zeros((2 * array.shape[0], *array.shape[1:]), dtype=array.dtype)
    grown[: array.shape[0]] = array
    return grown


def _set_aside(array: NDArray[Any], length: int) -> NDArray[Any]:
    """The array with zeros at the end, in address space that is not promised any memory before it is written."""
    shape = (length, *array.shape[1:])
    size = prod(shape) * array.itemsize
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", NORESERVE)
    space = mmap.mmap(-1, size, flags=flags)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # it is only faster
            space.madvise(mmap.MADV_HUGEPAGE)
    grown = np.frombuffer(space, dtype=array.dtype, count=prod(shape)).reshape(shape)
    grown[: array.shape[0]] = array
    return grown


def _join(bits: NDArray[np.uint64], words: Numbers, masks: NDArray[np.uint64]) -> None:
    """`bits[words] |= masks`, where words may repeat: who lost to a neighbour tries again."""
    while words.size:
        bits[words] = bits.take(words) | masks
        lost = np.flatnonzero((bits.take(words) & masks) == 0)
        words, masks = words.take(lost), masks.take(lost)


def beginnings(names: Columns) -> Numbers:
    """Where a name differs from the one before it."""
    other = np.ones(names[0].size, dtype=np.bool_)
    np.not_equal(names[0][1:], names[0][:-1], out=other[1:])
    for name in names[1:]:
        other[1:] |= name[1:] != name[:-1]
    return np.flatnonzero(other)


def ones(words: Words) -> int:
    return int(np.unpackbits(words[words != 0].view(np.uint8)).sum(dtype=np.int64))


def unfolded(new: Words, names: Words) -> Words:
    """The states whose bits are set in the blocks of these names."""
    full = np.flatnonzero(new.reshape(-1) != 0)
    bytes_ = new.reshape(-1).take(full).view(np.uint8)
    some = np.flatnonzero(bytes_ != 0)
    ones = np.flatnonzero(np.unpackbits(bytes_.take(some), bitorder="little").view(np.bool_))
    byte = some.take(ones >> 3)
    word = full.take(byte >> 3)
    states = names.take(word >> (LOW - 6), axis=1)
    states[0] <<= np.uint64(LOW)
    states[0] |= ((word & (LANES - 1)) << 6 | (byte & 7) << 3 | (ones & 7)).view(np.uint64)
    return states
