"""A search between two levels, in a file: written whole or not at all, and taken up only by the search it is of."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import IO, Any
from zlib import crc32

import numpy as np

from model.engines.store.bitset import FEW, LANES
from model.engines.store.packing import Words
from model.engines.store.states import Blocks, Frontier
from model.errors import UsageError

EVERY = 10.0  # seconds between two checkpoints at least, and ten times as long as the last one took
MAGIC = "clearorder checkpoint 1"
PART = 1 << 15  # states that are written or read at a time


@dataclass(frozen=True)
class Counts:
    """What was counted in the levels before the frontier, and how long it is; `exact` is of states behind orbits."""

    states: int = 0
    transitions: int = 0
    depth: int = 0
    frontier: int = 0
    exact: int = 0


class Stopped(Exception):
    """A search cannot go on; the text says why."""


class Checkpoint:
    """The file of one search.

    Args:
        path: where it is; its directory must exist.
        search: what the search is of (design, size, layout of states, properties), as text.

    The file is a line of JSON, then the frontier, a state after the other, then the blocks of all states seen, each
    its name and its bits, then a checksum. It is replaced in one go, so that a killed run leaves the last whole one.
    """

    def __init__(self, path: Path, search: str, states: Blocks) -> None:
        self.path, self.of, self.states = path, sha256(search.encode()).hexdigest(), states
        self.due = monotonic() + EVERY

    # -- saving

    def save_if_due(self, counts: Counts, frontier: Frontier) -> None:
        """Save, unless that was done a moment ago."""
        if monotonic() >= self.due:
            self.save(counts, frontier)

    def save(self, counts: Counts, frontier: Frontier) -> None:
        """Replace the file by one that says this.

        Raises:
            OSError: it cannot be written; the file that was there before is as it was.
        """
        begin = monotonic()
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                self._write(file, counts, frontier)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        finally:
            Path(name).unlink(missing_ok=True)
        self.due = monotonic() + max(EVERY, 10 * (monotonic() - begin))

    def _write(self, file: IO[bytes], counts: Counts, frontier: Frontier) -> None:
        head = json.dumps({"what": MAGIC, "of": self.of, **asdict(counts)})
        total = _put(file, f"{head}\n".encode(), 0)
        for begin in range(0, counts.frontier, PART):
            total = _put(file, np.ascontiguousarray(frontier[:, begin : begin + PART].T).tobytes(), total)
        for rows in self.states.rows(old=True):
            total = _put(file, np.ascontiguousarray(rows).tobytes(), total)
        file.write(total.to_bytes(8, "little"))

    # -- going on

    def load(self) -> tuple[Counts, Frontier] | None:
        """What was saved, with its states in the set; None where there is no file yet.

        Raises:
            UsageError: the file is of another search, or not a whole checkpoint.
        """
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return None
        except OSError as wrong:
            raise UsageError(f"cannot read {self.path}: {wrong.strerror}.") from None
        with file:
            counts = self._head(file)
            words = self.states.words
            width = 8 * (words + LANES)
            begin = file.tell()
            left = self.path.stat().st_size - begin - 8 * words * counts.frontier - 8
            if left < 0 or left % width or not _whole(file):
                raise UsageError(f"{self.path} is not a whole checkpoint; remove it to begin anew.")
            file.seek(begin + 8 * words * counts.frontier)
            for rows in _parts(file, words + LANES, left // width, FEW):
                self.states.load(rows)
            file.seek(begin)
            parts = (rows.T for rows in _parts(file, words, counts.frontier, PART))
            return counts, self.states.store(parts, counts.frontier)

    def _head(self, file: IO[bytes]) -> Counts:
        try:
            head: Any = json.loads(file.readline(4096))
            if head.pop("what") != MAGIC:
                raise ValueError
            of, counts = head.pop("of"), Counts(**head)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UsageError(f"{self.path} is not a checkpoint of ours; name another file.") from None
        if of != self.of:
            raise UsageError(
                f"{self.path} is the checkpoint of another search (design, property, size or options); "
                "name another file, or remove it to begin anew."
            )
        return counts

    def done(self) -> None:
        """The search has come to its end: nothing is left to go on with."""
        self.path.unlink(missing_ok=True)


class Saver:
    """Saves the level that was begun last, if there is a checkpoint at all."""

    def __init__(self, checkpoint: Checkpoint | None) -> None:
        self.checkpoint = checkpoint
        self.entered: tuple[Counts, Frontier] | None = None

    def load(self) -> tuple[Counts, Frontier] | None:
        """What was saved by an earlier run, or None."""
        return self.checkpoint.load() if self.checkpoint else None

    def enter(self, counts: Counts, frontier: Frontier) -> None:
        """A level begins: save it if that is due.

        Raises:
            Stopped: it cannot be written.
        """
        if not self.checkpoint:
            return
        try:
            self.checkpoint.save_if_due(counts, frontier)
        except OSError as wrong:
            raise Stopped(self._unwritten(wrong)) from None
        self.entered = counts, frontier

    def leave(self) -> None:
        """The level is no more."""
        self.entered = None

    def saved(self) -> str:
        """Save the level that was begun last, and say so; nothing where there is none."""
        if not self.checkpoint or not self.entered:
            return ""
        try:
            self.checkpoint.save(*self.entered)
        except OSError as wrong:
            return f"; {self._unwritten(wrong)}"
        return f"; {self.checkpoint.path} goes on from depth {self.entered[0].depth}"

    def done(self) -> None:
        """The search has come to its end."""
        if self.checkpoint:
            self.checkpoint.done()

    def _unwritten(self, wrong: OSError) -> str:
        assert self.checkpoint is not None
        return f"the checkpoint {self.checkpoint.path} cannot be written: {wrong.strerror}"


def _put(file: IO[bytes], data: bytes, total: int) -> int:
    """Write, and return the checksum so far."""
    file.write(data)
    return crc32(data, total)


def _whole(file: IO[bytes]) -> bool:
    """Whether the checksum at the end is that of all before it."""
    left, total = file.seek(-8, 2), 0
    file.seek(0)
    while left:
        data = file.read(min(left, 1 << 20))
        left, total = left - len(data), crc32(data, total)
    return file.read() == total.to_bytes(8, "little")


def _parts(file: IO[bytes], width: int, count: int, most: int) -> Iterator[Words]:
    for begin in range(0, count, most):
        rows = min(most, count - begin)
        yield np.frombuffer(file.read(8 * width * rows), dtype=np.uint64).reshape(rows, width)
