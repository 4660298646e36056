"""Recordings of a VMM's dirty-log ioctls: JSON lines, read as a stream, each line judged on its own.

The format, version 1: a header, then one line for each ioctl, written when it returns; `q` gives the
positions of its begin and end in one global order, and decides which ioctls overlapped.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from heapq import heappop, heappush
from pathlib import Path
from typing import Any, BinaryIO, cast

from model.errors import ModelError

VERSION = 1
LONGEST_LINE = 64 << 20  # bytes; the bitmap of a slot of 1 TiB with no two words alike is 100 MB
LONGEST_REST = 1 << 20  # bytes of a line without its bitmap
WINDOW, WINDOW_BYTES = 4096, 32 << 20  # how far a line may be from its place in the order of begins
LARGEST = (1 << 64) - 1

BITMAP = re.compile(rb'"bm"\s*:\s*"([^"\\]*)"')
FIELDS = {
    "vm": (),
    "vcpu": ("id",),
    "cap": ("cap",),
    "region": ("slot", "flags", "gpa", "npages", "hva"),
    "get": ("slot",),
    "clear": ("slot", "first", "n"),
    "reset": (),
}


class NotARecording(ModelError):
    """A file cannot be opened, or does not begin with the header of a recording."""


@dataclass(frozen=True)
class Damage:
    """A line that cannot be used, and why; what it would have said is unknown."""

    line: int
    problem: str


@dataclass(slots=True)
class Ioctl:
    """One line: an ioctl that returned.

    Attributes:
        begin, end: positions in the global order; this one happened before another iff its end < the other's begin.
        time: CLOCK_MONOTONIC nanoseconds just before it, or None.
        values: what its kind has by FIELDS, and `args` of a cap.
        bm: the bitmap as written; "" where the kind has none.
        doubtful: a damaged line stands before it whose ioctl may have ended after this one began.
    """

    line: int
    kind: str
    begin: int
    end: int
    tid: int
    vm: tuple[int, int]
    rc: int
    time: int | None
    values: dict[str, Any]
    bm: str
    doubtful: bool = False

    @property
    def worked(self) -> bool:
        return self.rc >= 0


@dataclass
class Recording:
    """A recording that is open for one pass; iterating yields `Ioctl` and `Damage`, line by line."""

    name: str
    stream: BinaryIO
    header: dict[str, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Ioctl | Damage]:
        for number, line in numbered(self.stream, 2):
            if isinstance(line, Damage):
                yield line
            elif line.strip():
                yield read_line(number, line)


@contextmanager
def opened(path: str) -> Iterator[Recording]:
    """Open a recording, plain or gzipped; `-` is standard input.

    Raises:
        NotARecording: it cannot be read, or its first line is not a header of version 1.
    """
    try:
        with _stream(path) as stream:
            first = next(iter(numbered(stream, 1)), (1, b""))[1]
            yield Recording(path, stream, _header(path, first))
    except OSError as error:
        raise NotARecording(f"{path}: {error.strerror or error}.") from None


def _stream(path: str) -> BinaryIO:
    if path == "-":
        return sys.stdin.buffer
    with Path(path).open("rb") as file:
        compressed = file.peek(2)[:2] == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path, "rb")) if compressed else Path(path).open("rb")


def _header(path: str, line: bytes | Damage) -> dict[str, Any]:
    try:
        found = json.loads(line) if isinstance(line, bytes) and len(line) < LONGEST_REST else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.get("t") != "hdr":
        raise NotARecording(
            f'{path}: line 1 is not the header of a recording, {{"t":"hdr","v":1,…}}; '
            "make one with clearorder record -o FILE -- qemu-system-x86_64 …"
        )
    if found.get("v") != VERSION or isinstance(found.get("v"), bool):
        raise NotARecording(f"{path}: a recording of version {found.get('v')!r:.40}; this program reads {VERSION}.")
    return found


def numbered(stream: BinaryIO, start: int) -> Iterator[tuple[int, bytes | Damage]]:
    """Lines with their numbers; one that is too long, or that the file breaks off in, is a Damage."""
    number = start
    while True:
        try:
            line = stream.readline(LONGEST_LINE)
            if not line:
                return
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                while (more := stream.readline(1 << 20)) and not more.endswith(b"\n"):
                    pass
                yield number, Damage(number, f"longer than {LONGEST_LINE >> 20} MiB")
            else:
                yield number, line
        except (EOFError, zlib.error, gzip.BadGzipFile):
            yield number, Damage(number, "the compressed file is broken off or damaged here")
            return
        number += 1


def read_line(number: int, line: bytes) -> Ioctl | Damage:
    """The ioctl of one line, or what is wrong with it."""
    try:
        text, line = _without_bitmap(line) if len(line) > 4096 else (None, line)
        record = json.loads(line)
        if text is not None:
            record["bm"] = text
        return _ioctl(number, record)
    except _Wrong as wrong:
        return Damage(number, str(wrong))
    except RecursionError:
        return Damage(number, "nested too deeply to be a recorded ioctl")
    except ValueError:
        return Damage(number, "not a JSON object" if line.endswith(b"\n") else "the file breaks off in this line")


def _without_bitmap(line: bytes) -> tuple[str | None, bytes]:
    """The bitmap of a long line, and the short line that is left."""
    found = BITMAP.search(line)
    short = line[: found.start(1)] + line[found.end(1) :] if found else line
    if len(short) > LONGEST_REST:
        raise _Wrong(f"{len(short):,} bytes without its bitmap; no recorded ioctl is longer than {LONGEST_REST:,}")
    return found and str(found[1], "utf-8", "replace"), short


class _Wrong(Exception):
    pass


def _ioctl(number: int, record: Any) -> Ioctl:
    """A decoded line, checked field by field."""
    if not isinstance(record, dict):
        raise _Wrong("not a JSON object")
    kind = record.get("t")
    if not isinstance(kind, str) or kind not in FIELDS:
        raise _Wrong(f"t is {kind!r:.40}; it is one of {', '.join(FIELDS)}")
    begin, end = _interval(record)
    rc = _whole(record, "rc", -(1 << 63))
    values: dict[str, Any] = {name: _whole(record, name) for name in FIELDS[kind]}
    if kind == "cap":
        values["args"] = _arguments(record)
    time = _whole(record, "b") if record.get("b") is not None else None
    pid = _whole(record, "pid") if "pid" in record else 0
    bm = _bitmap(record) if kind in ("get", "clear") and rc >= 0 else ""
    return Ioctl(number, kind, begin, end, _whole(record, "tid"), (pid, _whole(record, "fd")), rc, time, values, bm)


def _whole(record: dict[str, Any], name: str, least: int = 0) -> int:
    value = record.get(name)
    if type(value) is int and least <= value <= LARGEST:
        return value
    if name not in record:
        raise _Wrong(f"{name} is missing")
    raise _Wrong(f"{name} is {_short(value)}; it is a whole number from {least} to 2^64-1")


def _short(value: Any) -> str:
    """A wrong value as a message shows it, of bounded length."""
    if type(value) is int and abs(value) > LARGEST:
        return f"a number of {value.bit_length()} bits"
    return f"{value!r:.40}" if not isinstance(value, dict | list) else type(value).__name__


def _interval(record: dict[str, Any]) -> tuple[int, int]:
    q = record.get("q")
    if isinstance(q, list) and len(q) == 2 and all(type(x) is int for x in q) and 0 <= q[0] < q[1] <= LARGEST:
        return q[0], q[1]
    raise _Wrong("q is not [begin, end], two positions of which the first is smaller")


def _arguments(record: dict[str, Any]) -> list[int]:
    args = record.get("args")
    if isinstance(args, list) and args and all(type(a) is int for a in args):
        return args
    raise _Wrong("args is not a list of whole numbers")


def _bitmap(record: dict[str, Any]) -> str:
    bm = record.get("bm")
    if isinstance(bm, str):
        return bm
    raise _Wrong("bm is missing" if bm is None else f"bm is {_short(bm)}; it is text such as '0:ff,2:1*3'")


def in_order(items: Iterable[Ioctl | Damage]) -> Iterator[Ioctl | Damage]:
    """The same items in the order in which the ioctls began; a Damage stands where the line before it ended.

    Positions are dense, so an item leaves as soon as everything that began before it has returned; where positions
    are missing it leaves when WINDOW newer ones wait. One that comes later than that is a Damage.
    """
    waiting = _Waiting()
    for item in items:
        waiting.add(item)
        yield from waiting.ready()
    yield from waiting.rest()


class _Waiting:
    """Items that wait for what began before them.

    Attributes:
        complete: everything that began before this position is here.
        ahead: positions that are here and not yet part of that.
        gap: the newest position when a damaged line was read; what began before it may have lost a neighbour.
    """

    def __init__(self) -> None:
        self.queue: list[tuple[int, int, Ioctl | Damage]] = []
        self.ahead: set[int] = set()
        self.held: set[tuple[int, int]] = set()
        self.complete, self.newest, self.gap, self.size = 0, 0, -1, 0
        self.last = (-1, -1)

    def add(self, item: Ioctl | Damage) -> None:
        if isinstance(item, Ioctl) and self.seen(item.begin, item.end):
            item = Damage(item.line, f"position {item.begin} was taken, or its line is far from its place")
        if isinstance(item, Damage):
            self.gap = self.newest
            heappush(self.queue, (self.newest, item.line, item))
            return
        item.doubtful = item.begin < self.gap
        self.newest = max(self.newest, item.end)
        self.held.add((item.begin, item.end))
        self.size += len(item.bm)
        heappush(self.queue, (item.begin, item.line, item))
        self.ahead |= {item.begin, item.end}
        while self.complete in self.ahead:
            self.ahead.discard(self.complete)
            self.complete += 1

    def seen(self, begin: int, end: int) -> bool:
        """An ioctl of these positions has left already, or waits."""
        return (begin, end) <= self.last or (begin, end) in self.held

    def ready(self) -> Iterator[Ioctl | Damage]:
        """Those that wait for nothing any more, or for too long."""
        while self.queue and (self.queue[0][0] < self.complete or self.full):
            if self.queue[0][0] >= self.complete:
                self.skip_to(self.queue[0][0] + 1)
            yield self.leave()

    @property
    def full(self) -> bool:
        return len(self.queue) > WINDOW or self.size > WINDOW_BYTES

    def skip_to(self, position: int) -> None:
        """Go on without the positions before this one, which are missing."""
        self.complete = position
        if len(self.ahead) > 4 * WINDOW:
            self.ahead = {p for p in self.ahead if p >= position}

    def leave(self) -> Ioctl | Damage:
        begin, _, item = heappop(self.queue)
        if isinstance(item, Ioctl):
            self.last = begin, item.end
            self.held.discard(self.last)
            self.size -= len(item.bm)
        return item

    def rest(self) -> Iterator[Ioctl | Damage]:
        """All that still wait."""
        while self.queue:
            yield self.leave()
