"""Records a VMM's memslot, GET, CLEAR and ring ioctls with their bitmaps, in the format that the monitor reads.

Begin is noted before the kernel sees the ioctl and end after it returned, so a recorded interval contains the real one.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from model.monitor.bitmap import MAX_PAGES, spell
from model.monitor.ptrace import READV, Stop, Tracer
from model.monitor.recording import UNKNOWN, VERSION
from model.monitor.remote import PAGE, mappings, peek
from model.monitor.vms import Vms

READ = 0x4018AEEF  # a marker that a VMM may emit on the VM's descriptor: KVM refuses it, and the recorder notes it
KINDS = {
    0xAE01: "vm",  # KVM_CREATE_VM
    0xAE41: "vcpu",  # KVM_CREATE_VCPU
    0x4010AE42: "get",  # KVM_GET_DIRTY_LOG
    0x4020AE46: "region",  # KVM_SET_USER_MEMORY_REGION
    0x40A0AE49: "region",  # KVM_SET_USER_MEMORY_REGION2
    0x4068AEA3: "cap",  # KVM_ENABLE_CAP
    0xC018AEC0: "clear",  # KVM_CLEAR_DIRTY_LOG
    0xAEC7: "reset",  # KVM_RESET_DIRTY_RINGS
    READ: "read",
    READV: "readv",
}
IOCTLS = [request for request in KINDS if request != READV]
MOST_PIECES = 1024  # IOV_MAX
FLUSHED_EVERY = 500_000_000  # nanoseconds
ENCODE = json.JSONEncoder(separators=(",", ":")).encode
RING_AT = 64 * PAGE  # KVM_DIRTY_LOG_PAGE_OFFSET on x86
HARVESTED = 2  # KVM_DIRTY_GFN_F_RESET: the VMM is done with the entry


class Recorder:
    """Writes one line for each ioctl that returns, and a trailer.

    Args:
        out: where to write.
        argv: the VMM's command line, for the header.
        attached: the VMM ran already.
    """

    def __init__(self, out: BinaryIO, pid: int, argv: Sequence[str], *, attached: bool = False) -> None:
        self.out, self.pid, self.position, self.lines = out, pid, 0, 0
        self.open: dict[int, list[dict[str, Any]]] = {}
        self.pointer: dict[int, int] = {}  # where each thread's GET puts its bitmap
        self.pages: dict[tuple[int, int], int] = {}
        self.memory: dict[tuple[int, int], tuple[int, int, int]] = {}  # (vm, slot) -> process, address, pages
        self.runs: dict[int, tuple[int, int]] = {}
        self.vms = Vms(attached)
        head = {"t": "hdr", "v": VERSION, "rec": "ptrace", "clock": "monotonic-ns", "page": PAGE}
        self.write(head | {"pid": pid, "attached": attached, "argv": list(argv)})
        self.flushed = 0
        self.flush(time.monotonic_ns())

    def write(self, record: dict[str, Any]) -> None:
        self.out.write(ENCODE(record).encode() + b"\n")

    def flush(self, now: int) -> None:
        """Now and then: what was written so far is there if the recorder is killed."""
        if now - self.flushed > FLUSHED_EVERY:
            self.flushed = now
            self.out.flush()

    def take(self) -> int:
        """The next position in the order of begins and ends."""
        self.position += 1
        return self.position - 1

    def __call__(self, stop: Stop) -> None:
        now = time.monotonic_ns()
        if stop.result is None:
            self.open[stop.tid] = self.read_by_call(stop, now) if stop.request == READV else [self.begun(stop, now)]
        else:
            for record in self.open.pop(stop.tid, ()):
                self.returned(stop, record, now)
            self.flush(now)

    def end(self, why: str, unseen: Sequence[str] = ()) -> None:
        """The trailer, without which a recording is not whole."""
        open_ = sorted(record["q"][0] for records in self.open.values() for record in records)
        counts = {"lines": self.lines, "positions": self.position, "open": open_}
        self.write({"t": "end", "why": why, **counts, "unseen": list(unseen)})

    def read_by_call(self, stop: Stop, now: int) -> list[dict[str, Any]]:
        """A read for each slot whose memory process_vm_readv() copies, pages of which it copies a part included."""
        pieces = [*struct.iter_unpack("<QQ", peek(stop.tid, stop.argument, 16 * min(stop.count, MOST_PIECES)))]
        found = []
        for (vm, slot), (pid, address, pages) in self.memory.items():
            read = (
                [page for at, size in pieces for page in touched(at - address, size, pages)] if pid == stop.fd else []
            )
            if read:
                record = self.line("read", stop, now) | {"vm": vm, "ran": self.ran(stop)}
                found.append(record | {"slot": slot, "first": 0, "n": pages, "bm": spell(packed(read))})
        return found

    def line(self, kind: str, stop: Stop, now: int) -> dict[str, Any]:
        """What every line has; its end is filled in when the call returns."""
        record = {"q": [self.take(), 0], "b": now, "e": 0, "tid": stop.tid, "fd": stop.fd, "rc": 0, "t": kind}
        return record | ({"pid": stop.pid} if stop.pid != self.pid else {})

    def begun(self, stop: Stop, now: int) -> dict[str, Any]:
        kind = KINDS[stop.request]
        record = self.line(kind, stop, now)
        if kind != "vm":
            record["vm"] = self.vms.of(stop.pid, stop.fd)
        record["ran"] = self.ran(stop)
        return record | self.arguments(kind, stop, record.get("vm", 0))

    def ran(self, stop: Stop) -> int:
        """1 if a vCPU of the process was in KVM_RUN at some time since its ioctl before this one."""
        before = self.runs.get(stop.pid, (0, 0))
        self.runs[stop.pid] = stop.runs
        return int(stop.runs[0] > before[1])  # one has begun that had not ended then

    def arguments(self, kind: str, stop: Stop, vm: int) -> dict[str, Any]:
        """What the VMM handed over; zeros where it handed over memory that cannot be read."""
        match kind:
            case "get":
                slot, _, self.pointer[stop.tid] = self.peeked(stop, "<IIQ")
                return {"slot": slot}
            case "clear":
                slot, count, first, mask = self.peeked(stop, "<IIQQ")
                return {"slot": slot, "first": first, "n": count, "bm": self.mask(stop, vm, slot, mask, count)}
            case "read":
                slot, count, first, mask = self.peeked(stop, "<IIQQ")
                bm = {"bm": self.mask(stop, vm, slot, mask, count)} if mask else {}
                return {"slot": slot, "first": first, "n": count, **bm}
            case "region":
                slot, flags, gpa, size, hva = self.peeked(stop, "<IIQQQ")
                return {"slot": slot, "flags": flags, "gpa": gpa, "npages": size // PAGE, "hva": hva}
            case "cap":
                cap, _, *args = self.peeked(stop, "<II4Q")
                return {"cap": cap, "args": args}
            case "vcpu":
                return {"id": stop.argument}
            case "reset":
                return {"ring": harvested(stop.pid)}
        return {}

    def peeked(self, stop: Stop, layout: str) -> tuple[Any, ...]:
        size = struct.calcsize(layout)
        return struct.unpack(layout, peek(stop.tid, stop.argument, size).ljust(size, b"\0"))

    def mask(self, stop: Stop, vm: int, slot: int, address: int, pages: int) -> str:
        """A bitmap in the VMM's memory: whole words, as many as it has pages and no more than the slot has."""
        size = -(-min(pages, self.pages.get((vm, slot), MAX_PAGES)) // 64) * 8
        found = peek(stop.tid, address, size)
        return spell(found[: len(found) // 8 * 8])

    def returned(self, stop: Stop, record: dict[str, Any], now: int) -> None:
        result = stop.result or 0
        record["q"][1], record["e"] = self.take(), now
        record["rc"] = max(result, -1)
        if result < 0:
            record["errno"] = -result
        getattr(self, f"after_{record['t']}", lambda *_: None)(stop, record)
        self.lines += 1
        self.write(record)

    def after_vm(self, stop: Stop, record: dict[str, Any]) -> None:
        if record["rc"] >= 0:
            record["vm"] = self.vms.created(stop.pid, record["rc"])

    def after_region(self, stop: Stop, record: dict[str, Any]) -> None:
        key, pages = (record["vm"], record["slot"]), record["npages"]
        if record["rc"] >= 0:
            self.pages[key] = pages
            self.memory.pop(key, None)
            if pages:
                self.memory[key] = stop.pid, record["hva"], pages

    def after_get(self, stop: Stop, record: dict[str, Any]) -> None:
        """Its bitmap, as far as the slot's size is known."""
        address, pages = self.pointer.pop(stop.tid, 0), self.pages.get((record["vm"], record["slot"]))
        if record["rc"] >= 0:
            known = pages is not None
            record["bm"] = self.mask(stop, record["vm"], record["slot"], address, pages or 0) if known else UNKNOWN

    def after_reset(self, stop: Stop, record: dict[str, Any]) -> None:
        """The entries that were marked, if those are the entries that the kernel took."""
        marked = record.pop("ring")
        if sum(map(len, marked.values())) == record["rc"]:
            record["ring"] = {str(slot): spell(packed(pages)) for slot, pages in sorted(marked.items())}

    def after_read(self, stop: Stop, record: dict[str, Any]) -> None:
        """KVM refuses the marker, which means nothing."""
        if stop.request == READ:
            record["rc"] = 0
            record.pop("errno", None)


def harvested(pid: int) -> dict[int, list[int]]:
    """slot -> pages of the dirty-ring entries that the process has marked as done with, of all its vCPUs."""
    found: dict[int, list[int]] = {}
    for mapping in mappings(pid):
        if "kvm-vcpu" in mapping.path and mapping.offset == RING_AT:
            entries = peek(pid, mapping.start, mapping.end - mapping.start)
            for flags, slot, page in struct.iter_unpack("<IIQ", entries[: len(entries) // 16 * 16]):
                if flags & HARVESTED:
                    found.setdefault(slot, []).append(page)
    return found


def touched(offset: int, size: int, pages: int) -> range:
    """The pages of memory of so many pages in which `size` bytes from `offset` lie."""
    return range(max(offset, 0) // PAGE, min(-(-(offset + size) // PAGE), pages) if size else 0)


def packed(pages: Iterable[int]) -> bytes:
    """A bitmap of whole words with these pages set."""
    bits = 0
    for page in pages:
        bits |= 1 << page
    return bits.to_bytes(-(-bits.bit_length() // 64) * 8, "little")


def record(argv: Sequence[str], out: BinaryIO) -> tuple[int, list[str]]:
    """Run a VMM to its end and record its dirty-log ioctls; its exit status, and programs that were not seen.

    Raises:
        MissingTool: ptrace cannot be used here.
        CannotRun: there is no such program.
    """
    tracer = Tracer(IOCTLS)
    tracer.start(argv)
    try:
        recorder = Recorder(out, tracer.pid, argv)
    except OSError:
        tracer.abandon()
        raise
    code = tracer.run(recorder)
    recorder.end("exited", tracer.unseen)
    return code, tracer.unseen


def attach(pid: int, out: BinaryIO, ready: Callable[[], None]) -> tuple[bool, list[str]]:
    """Record a VMM that runs already, to its end or a ^C; whether it was left running, and what was not seen.

    Raises:
        MissingTool: ptrace cannot be used here.
        CannotRun: there is no such process, or it is not ours.
    """
    tracer = Tracer(IOCTLS)
    tracer.attach(pid)
    recorder = Recorder(out, pid, command_line(pid), attached=True)
    ready()
    tracer.watch(recorder)
    recorder.end("detached" if tracer.detached else "exited", tracer.unseen)
    return tracer.detached, tracer.unseen


def command_line(pid: int) -> list[str]:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
    return [word.decode("utf-8", "replace") for word in words]
