"""The set of packed states under a limit of memory: what does not fit lies in a directory, as sorted runs.

As long as everything fits this is `Visited`. From the moment that it does not, memory holds only what the present
level has led to, seen before or not; whenever that fills its share it is written out as a sorted run. At the end of
the level the runs and the one file of all older states are merged: what is new is the next frontier, kept in a file.

The files have no names: they lie in the directory where `tempfile` makes its own, take its room and are gone with the
process, however it ends.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from model.engines.store.bitset import DIGIT, FEW, LANES, ROOT, Full, Numbers, Visited, beginnings, ones, unfolded
from model.engines.store.packing import Columns, Words

MEGABYTE = 1 << 20
WORKING = 40 * MEGABYTE  # what a thread may need for the states that it works on
LEAST = 24 * MEGABYTE  # less than this for the set itself is not worth starting
BUFFERED = 1 << 11  # blocks of all runs together that a merge holds


class NoRoom(Exception):
    """States cannot be written out; the text says why."""


class Rows:
    """A file of rows of words, written at its end and read anywhere, by several threads if they like.

    Raises:
        NoRoom: it cannot be made, or written.
    """

    def __init__(self, width: int) -> None:
        self.width, self.size = width, 0
        try:
            self.file = tempfile.TemporaryFile(prefix="clearorder-", buffering=0)  # noqa: SIM115 - open as long as this is
        except OSError as wrong:
            raise no_room(wrong) from None

    def __len__(self) -> int:
        return self.size // (8 * self.width)

    def put(self, rows: Words) -> None:
        """Add rows, as an (n, width) array."""
        view = memoryview(np.ascontiguousarray(rows).tobytes())
        try:
            while len(view):
                written = os.pwrite(self.file.fileno(), view, self.size)
                self.size += written
                view = view[written:]
        except OSError as wrong:
            raise no_room(wrong) from None

    def at(self, begin: int, count: int) -> Words:
        """So many rows from there, fewer at the end."""
        size = 8 * self.width
        data: Any = np.frombuffer(os.pread(self.file.fileno(), count * size, begin * size), dtype=np.uint64)
        return data.reshape(-1, self.width)

    def close(self) -> None:
        self.file.close()


@contextmanager
def _making(width: int) -> Iterator[Rows]:
    """A file that is closed where it cannot be written to its end."""
    rows = Rows(width)
    try:
        yield rows
    except BaseException:
        rows.close()
        raise


def no_room(wrong: OSError) -> NoRoom:
    where = tempfile.gettempdir()
    return NoRoom(f"the states that do not fit into memory cannot be written to {where}: {wrong.strerror}")


class Stored:
    """A frontier in a file: it is sliced as the (words, n) array that it stands for."""

    def __init__(self, rows: Rows) -> None:
        self.rows, self.shape = rows, (rows.width, len(rows))

    def __getitem__(self, key: tuple[slice, slice]) -> Words:
        begin, end, _ = key[1].indices(self.shape[1])
        return np.ascontiguousarray(self.rows.at(begin, end - begin).T)


class Spilling:
    """The set of states within so many bytes; what it has of `Visited` means the same.

    Args:
        bits: bits that are in use in each word of a state.
        room: bytes for the set and the frontiers; at least LEAST.
    """

    sparing = True

    def __init__(self, bits: Sequence[int], root: int = ROOT, digit: int = DIGIT, *, room: int) -> None:
        self.layout, self.room, self.held = (bits, root, digit), room, 0
        self.words = len(bits)
        self.recent = Visited(*self.layout, room)
        self.lock = Lock()
        self.runs: list[Rows] = []  # of the present level
        self.past: Rows | None = None  # every state of the levels before
        self.frontier: Rows | None = None
        self.filed = 0  # states added since the last turn that are in runs, at most
        self.exact = 0  # the same as they were counted last

    @property
    def memory(self) -> Visited:
        """What is not in files."""
        return self.recent

    def make_room(self, nothing_done: bool = False) -> None:
        """Write out what is in memory.

        Raises:
            NoRoom: it cannot be written, or does not help.
        """
        if nothing_done:
            raise NoRoom("the limit of memory is too low for a single state")
        with self.lock:
            self._file()

    @property
    def most(self) -> int:
        """At most so many states were added since the last turn."""
        return self.filed + self.recent.most

    @property
    def taken(self) -> int:
        """Bytes of memory that are in use."""
        return self.recent.taken

    @property
    def files(self) -> list[Rows]:
        return [rows for rows in (self.past, self.frontier, *self.runs) if rows is not None]

    def unseen(self, columns: Columns) -> Numbers:
        """Positions of the states that are not in memory; may run beside `add`."""
        return self.recent.unseen(columns)  # whichever set this is: what a set once had is never lost

    def add(self, columns: Columns) -> None:
        """Add states; what is full is written out first.

        Raises:
            NoRoom: it cannot be written.
        """
        with self.lock:
            self._add(columns)

    def _add(self, columns: Columns) -> None:
        try:
            self.recent.add(columns)
        except Full:
            if self.recent.blocks > 1:
                self._file()
                self._add(columns)
                return
            half = columns[0].size // 2
            if not half:
                raise NoRoom("the limit of memory is too low for a single state") from None
            self._add(tuple(c[:half] for c in columns))
            self._add(tuple(c[half:] for c in columns))

    def _file(self) -> None:
        """Write out what is in memory, and begin with an empty set."""
        if self.past is None:
            self.past = self._written(self.recent.rows(old=True))
        self.runs.append(self._written(self.recent.rows(old=False)))
        self.filed += self.recent.most
        self.recent = Visited(*self.layout, self.room, aged=False)
        self.recent.room = self.left

    def _written(self, blocks: Iterator[Words]) -> Rows:
        with _making(self.words + LANES) as rows:
            for slab in blocks:
                rows.put(slab)
        return rows

    def fresh(self) -> int:
        """How many states were added since the last turn."""
        with self.lock:
            if self.past is None:
                return self.recent.fresh()
            self._file()
            self.exact = self.filed = sum(ones(new) for _, new, _ in self._merged())
            return self.filed

    def counted(self) -> int:
        """How many states were added since the last turn, of those in files only what is known without reading them."""
        return self.recent.fresh() if self.past is None else self.exact

    def turn(self) -> Words | Stored:
        """The states added since the last turn, sorted; the frontier before it is gone."""
        self.held = 0
        if self.past is None:
            needed = 8 * self.words * self.recent.fresh()
            if self.recent.taken + needed <= self.room:
                return self._turned(needed)
        self._file()
        return self._merge()

    def next_level(self) -> Words | Stored:
        """The states added since the last turn, sorted, with room left for them."""
        level = self.turn()
        self.hold(level)
        return level

    def _turned(self, size: int) -> Words:
        frontier = np.empty((self.words, size // (8 * self.words)), dtype=np.uint64)
        begin = 0
        for block in self.recent.turn():
            frontier[:, begin : begin + block.shape[1]] = block
            begin += block.shape[1]
        return frontier

    def hold(self, frontier: object) -> None:
        """Leave room for this frontier."""
        self.held = frontier.nbytes if isinstance(frontier, np.ndarray) else 0
        self.recent.room = self.left

    @property
    def left(self) -> int:
        """Bytes for the set beside the frontier."""
        return min(self.room, max(self.room - self.held, LEAST // 2))

    def _merge(self) -> Stored:
        """The next frontier, as a file; the runs become part of the past."""
        with _making(self.words) as frontier, _making(self.words + LANES) as past:
            for names, new, old in self._merged():
                past.put(np.hstack([names, new | old]))
                frontier.put(unfolded(new, names.T).T)
        self.close()
        self.runs, self.past, self.frontier = [], past, frontier
        self.filed = self.exact = 0
        return Stored(frontier)

    def _merged(self) -> Iterator[tuple[Words, Words, Words]]:
        """(names, bits that are new, bits that are old) of every block, sorted, some at a time."""
        files = [*([self.past] if self.past else []), *self.runs]
        each = max(16, BUFFERED // max(1, len(files)))
        buffers = [file.at(0, each) for file in files]
        done = [len(b) for b in buffers]
        while any(len(b) for b in buffers):
            ends = [b[-1, : self.words] for b, read, f in zip(buffers, done, files, strict=True) if read < len(f)]
            last = min(ends, key=lambda name: name[::-1].tolist()) if ends else None
            cuts = [len(b) if last is None else _up_to(b[:, : self.words], last) for b in buffers]
            yield self._together([b[:cut] for b, cut in zip(buffers, cuts, strict=True)])
            for i, (file, cut) in enumerate(zip(files, cuts, strict=True)):
                if cut:
                    more = file.at(done[i], cut)
                    done[i] += len(more)
                    buffers[i] = np.concatenate([buffers[i][cut:], more])

    def _together(self, parts: Sequence[Words]) -> tuple[Words, Words, Words]:
        """Blocks of the same name as one; the first part is the past."""
        rows = np.concatenate(parts)
        of_old = np.zeros(len(rows), dtype=np.bool_)
        of_old[: len(parts[0])] = True
        order = np.lexsort(rows[:, : self.words].T)
        rows, of_old = rows[order], of_old[order]
        names, bits = rows[:, : self.words], rows[:, self.words :]
        first = beginnings(tuple(np.ascontiguousarray(names.T)))
        old: Words = np.bitwise_or.reduceat(np.where(of_old[:, None], bits, np.uint64(0)), first, axis=0)
        found: Words = np.bitwise_or.reduceat(np.where(of_old[:, None], np.uint64(0), bits), first, axis=0)
        return np.ascontiguousarray(names[first]), found & ~old, old

    # -- as of the last turn, to be saved and to be had again

    def rows(self, *, old: bool, most: int = FEW) -> Iterator[Words]:
        """The blocks as of the last turn, some at a time: each a row of its name and its bits."""
        assert old, "what a level adds is not whole before its end"
        if self.past is None:
            yield from self.recent.rows(old=True, most=most)
            return
        for begin in range(0, len(self.past), most):
            yield self.past.at(begin, most)

    def load(self, rows: Words) -> None:
        """Add blocks that are not there, as old ones, sorted and after those that were loaded before."""
        if self.past is None:
            try:
                self.recent.load(rows)
                return
            except Full:
                self._file()
        assert self.past is not None
        self.past.put(rows)

    def store(self, frontier: Iterator[Words], count: int) -> Words | Stored:
        """A frontier that is handed in by parts: in memory if there is room."""
        size = 8 * self.words * count
        if self.past is None and self.recent.taken + size <= self.room:
            return np.concatenate([np.zeros((self.words, 0), dtype=np.uint64), *frontier], axis=1)
        with _making(self.words) as self.frontier:
            for part in frontier:
                self.frontier.put(part.T)
        return Stored(self.frontier)

    def close(self) -> None:
        """Give back what the files take."""
        for rows in self.files:
            rows.close()


def room_within(memory: int, threads: int) -> int:
    """Bytes that are left for the set of states when the process is to stay within `memory`; may be too few."""
    return memory - resident() - threads * WORKING


def resident() -> int:
    """Bytes of memory that the process has now."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 96 * MEGABYTE  # no such file outside Linux: what Python with NumPy takes, and a margin
    import resource

    return pages * resource.getpagesize()


def _up_to(names: Words, last: Words) -> int:
    """How many of these sorted names are not greater than `last`."""
    less = np.zeros(len(names), dtype=np.bool_)
    equal = np.ones(len(names), dtype=np.bool_)
    for column, bound in zip(names.T[::-1], last[::-1], strict=True):
        less |= equal & (column < bound)
        equal &= column == bound
    return int(np.count_nonzero(less | equal))
