"""Recordings of a VMM's dirty-log ioctls: JSON lines, read as a stream, each line judged on its own.

The format: a header, then one line for each ioctl, written when it returns; `q` gives the positions of its begin and
end in one global order, and decides which ioctls overlapped. Version 2 ends with a trailer, so that a recording that
was cut off can be told from a whole one; version 1 does not say where it ends.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, cast

from model.errors import ModelError

VERSION = 2  # what the recorder writes
VERSIONS = (1, 2)
LONGEST_LINE = 64 << 20  # bytes; the bitmap of a slot of 1 TiB with no two words alike is 100 MB
LONGEST_REST = 1 << 20  # bytes of a line without its bitmap
LARGEST = (1 << 64) - 1

BITMAP = re.compile(rb'"bm"\s*:\s*"([^"\\]*)"')
TRACE = re.compile(  # the first line of ftrace's `trace`, of `trace-cmd report`, of QEMU's -trace
    rb"# tracer: |cpus=\d|version = \d| {0,32}\S.{0,32}?-\d+ {1,16}(?:\(.{7}\) )?\[\d+\] .{0,24}?\d+: +\w+:"
    rb"|\d+@\d+\.\d+:\w+ |kvm_\w+ "
)
FIELDS = {
    "vm": (),
    "vcpu": ("id",),
    "cap": ("cap",),
    "region": ("slot", "flags", "gpa", "npages", "hva"),
    "get": ("slot",),
    "clear": ("slot", "first", "n"),
    "reset": (),
    "read": ("slot", "first", "n"),
}
END = "end"
ALL = "*"  # the bitmap of a read that gives none: all of its pages
UNKNOWN = "?"  # the bitmap of a GET whose slot the recorder did not see made


class NotARecording(ModelError):
    """A file cannot be opened, or does not begin with the header of a recording."""


@dataclass(frozen=True)
class Damage:
    """A line that cannot be used, and why; what it would have said is unknown."""

    line: int
    problem: str


@dataclass(frozen=True)
class Gap(Damage):
    """Positions that no line has: lines are missing, and nothing that ended after position `first` is certain."""

    first: int = 0


@dataclass(frozen=True)
class End:
    """The trailer: the recorder saw the end, and this is what it had written by then.

    Attributes:
        lines: ioctls that were written.
        positions: how many places of the order were given out.
        unreturned: those of them at which an ioctl began that never returned.
        why: `exited`, or `detached` where the VMM went on unrecorded.
        unseen: programs that ran and whose ioctls could not be recorded, and why.
    """

    line: int
    lines: int
    positions: int
    unreturned: frozenset[int]
    why: str
    unseen: tuple[str, ...] = ()


@dataclass(slots=True)
class Ioctl:
    """One line: an ioctl that returned.

    Attributes:
        begin, end: positions in the global order; this one happened before another iff its end < the other's begin.
        time: CLOCK_MONOTONIC nanoseconds just before it, or None.
        vm: which VM it is about: one key, whatever descriptor and process it came through.
        process, fd: the process that made it, and the descriptor there.
        values: what its kind has by FIELDS; `args` of a cap; `ring` of a reset: slot -> bitmap of the pages harvested.
        bm: the bitmap as written; "" where the kind has none, ALL where a `read` has none.
        ran: a vCPU was in KVM_RUN between the ioctl before it and this one; None if the recording does not say.
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
    process: int = 0
    fd: int = 0
    ran: bool | None = None
    doubtful: bool = False

    @property
    def worked(self) -> bool:
        return self.rc >= 0


Item = Ioctl | Damage | End


@dataclass
class Recording:
    """A recording that is open for one pass; iterating yields `Ioctl`, `Damage` and at last `End`, line by line.

    Attributes:
        end: the trailer, once it was read.
        trace: the first line where it is the text of a trace, which `tracelines` reads; else empty.
    """

    name: str
    stream: BinaryIO
    header: dict[str, Any] = field(default_factory=dict)
    end: End | None = None
    trace: bytes = b""

    @property
    def has_trailer(self) -> bool:
        """Its version promises one; without it the recording is not whole."""
        return bool(self.header.get("v", 1) > 1)

    @property
    def attached(self) -> bool:
        """The recorder came to a VMM that ran already: what it had set up before is not recorded."""
        return bool(self.header.get("attached"))

    def __iter__(self) -> Iterator[Item]:
        process, ioctls = self.header.get("pid", 0), 0
        for number, line in numbered(self.stream, 2):
            if isinstance(line, bytes) and not line.strip():
                continue
            item = line if isinstance(line, Damage) else read_line(number, line, process)
            if self.end:
                yield Damage(number, f"a line after the trailer (line {self.end.line}): two recordings in one file?")
                return
            ioctls += not isinstance(item, End)
            if isinstance(item, End):
                self.end = item
                if item.lines != ioctls:
                    yield Damage(number, f"the trailer counts {item.lines:,} lines, and there are {ioctls:,}")
            yield item


@contextmanager
def opened(path: str) -> Iterator[Recording]:
    """Open a recording or the text of a trace, plain or gzipped; `-` is standard input.

    Raises:
        NotARecording: it cannot be read, or its first line is not a header of a version that is known.
    """
    try:
        with _stream(path) as stream:
            first = next(iter(numbered(stream, 1)), (1, b""))[1]
            if isinstance(first, bytes) and TRACE.match(first):
                yield Recording(path, stream, trace=first)
            else:
                yield Recording(path, stream, _header(path, first))
    except OSError as error:
        raise NotARecording(f"{path}: {error.strerror or error}.") from None


def _stream(path: str) -> BinaryIO:
    if path == "-":
        stdin = sys.stdin.buffer
        packed = isinstance(stdin, BufferedReader) and _packed(stdin)
        return cast(BinaryIO, gzip.open(stdin, "rb")) if packed else stdin
    with Path(path).open("rb") as file:
        packed = _packed(file)
    return cast(BinaryIO, gzip.open(path, "rb")) if packed else Path(path).open("rb")


def _packed(stream: BufferedReader) -> bool:
    """Whether it begins as gzip does."""
    return stream.peek(2)[:2] == b"\x1f\x8b"


def _header(path: str, line: bytes | Damage) -> dict[str, Any]:
    try:
        found = json.loads(line) if isinstance(line, bytes) and len(line) < LONGEST_REST else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.get("t") != "hdr":
        raise NotARecording(
            f'{path}: line 1 is not the header of a recording, {{"t":"hdr","v":1,…}}; '
            "make one with clearorder record -o FILE -- qemu-system-x86_64 … "
            "(nor is it that of ftrace, trace-cmd report or QEMU's -trace)"
        )
    if found.get("v") not in VERSIONS or isinstance(found.get("v"), bool):
        known = " and ".join(map(str, VERSIONS))
        raise NotARecording(f"{path}: a recording of version {found.get('v')!r:.40}; this program reads {known}.")
    if type(found.get("pid", 0)) is not int:
        raise NotARecording(f"{path}: the header's pid is {found['pid']!r:.40}; it is the number of a process.")
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


def read_line(number: int, line: bytes, process: int = 0) -> Item:
    """The ioctl of one line, or what is wrong with it; `process` made those that name none."""
    try:
        text, line = _without_bitmap(line) if len(line) > 4096 else (None, line)
        record = json.loads(line)
        if text is not None:
            record["bm"] = text
        return _item(number, record, process)
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


def _item(number: int, record: Any, process: int) -> Item:
    """A decoded line, checked field by field."""
    if not isinstance(record, dict):
        raise _Wrong("not a JSON object")
    return _end(number, record) if record.get("t") == END else _ioctl(number, record, process)


def _end(number: int, record: dict[str, Any]) -> End:
    open_ = record.get("open", [])
    if not isinstance(open_, list) or any(type(at) is not int for at in open_):
        raise _Wrong("open is not a list of positions")
    unseen = record.get("unseen", [])
    if not isinstance(unseen, list):
        raise _Wrong("unseen is not a list of programs")
    why, lines, positions = str(record.get("why", "")), _whole(record, "lines"), _whole(record, "positions")
    return End(number, lines, positions, frozenset(open_), why, tuple(map(str, unseen)))


def _ioctl(number: int, record: dict[str, Any], process: int) -> Ioctl:
    kind = record.get("t")
    if not isinstance(kind, str) or kind not in FIELDS:
        raise _Wrong(f"t is {kind!r:.40}; it is one of {', '.join(FIELDS)}")
    begin, end = _interval(record)
    rc = _whole(record, "rc", -(1 << 63))
    values: dict[str, Any] = {name: _whole(record, name) for name in FIELDS[kind]}
    if kind == "cap":
        values["args"] = _arguments(record)
    time = _whole(record, "b") if record.get("b") is not None else None
    if kind == "reset":
        values["ring"] = _ring(record)
    bm = _bitmap(record) if kind in ("get", "clear") and rc >= 0 else ""
    if kind == "read":
        bm = _bitmap(record) if "bm" in record else ALL
    at = _whole(record, "pid") if "pid" in record else process
    tid, fd = _whole(record, "tid"), _whole(record, "fd")
    vm = (-1, _whole(record, "vm")) if "vm" in record else (at, rc if kind == "vm" else fd)
    ran = bool(record["ran"]) if "ran" in record else None
    return Ioctl(number, kind, begin, end, tid, vm, rc, time, values, bm, at, fd, ran)


def _ring(record: dict[str, Any]) -> dict[int, str] | None:
    """The pages whose entries a RESET takes, a bitmap a slot; None where the recorder did not see the ring."""
    ring = record.get("ring")
    if ring is None:
        return None
    if not isinstance(ring, dict) or not all(k.isdecimal() and isinstance(v, str) for k, v in ring.items()):
        raise _Wrong("ring is not an object of bitmaps, one for each slot")
    return {int(slot): bm for slot, bm in ring.items()}


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
