"""Records a VMM's memslot, GET, CLEAR and ring ioctls with their bitmaps, in the format that the monitor reads.

Begin is noted before the kernel sees the ioctl and end after it returned, so a recorded interval contains the real one.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Sequence
from typing import Any, BinaryIO

from model.monitor.bitmap import MAX_PAGES, spell
from model.monitor.ptrace import Stop, Tracer, peek
from model.monitor.recording import VERSION

KINDS = {
    0xAE01: "vm",  # KVM_CREATE_VM
    0xAE41: "vcpu",  # KVM_CREATE_VCPU
    0x4010AE42: "get",  # KVM_GET_DIRTY_LOG
    0x4020AE46: "region",  # KVM_SET_USER_MEMORY_REGION
    0x40A0AE49: "region",  # KVM_SET_USER_MEMORY_REGION2
    0x4068AEA3: "cap",  # KVM_ENABLE_CAP
    0xC018AEC0: "clear",  # KVM_CLEAR_DIRTY_LOG
    0xAEC7: "reset",  # KVM_RESET_DIRTY_RINGS
}
PAGE = 4096


class Recorder:
    """Writes one line for each ioctl that returns.

    Args:
        out: where to write; flushed when the VMM has ended.
        argv: the VMM's command line, for the header.
    """

    def __init__(self, out: BinaryIO, pid: int, argv: Sequence[str]) -> None:
        self.out, self.pid, self.position = out, pid, 0
        self.open: dict[int, dict[str, Any]] = {}
        self.pointer: dict[int, int] = {}  # where each thread's GET puts its bitmap
        self.pages: dict[tuple[int, int, int], int] = {}
        head = {"t": "hdr", "v": VERSION, "rec": "ptrace", "clock": "monotonic-ns", "page": PAGE}
        self.write(head | {"pid": pid, "argv": list(argv)})

    def write(self, record: dict[str, Any]) -> None:
        self.out.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")

    def take(self) -> int:
        """The next position in the order of begins and ends."""
        self.position += 1
        return self.position - 1

    def __call__(self, stop: Stop) -> None:
        now = time.monotonic_ns()
        if stop.result is None:
            self.open[stop.tid] = self.begun(stop, now)
        elif stop.tid in self.open:
            self.returned(stop, self.open.pop(stop.tid), now)

    def begun(self, stop: Stop, now: int) -> dict[str, Any]:
        kind = KINDS[stop.request]
        record = {"q": [self.take(), 0], "b": now, "e": 0, "tid": stop.tid, "fd": stop.fd, "rc": 0, "t": kind}
        if stop.pid != self.pid:
            record["pid"] = stop.pid
        return record | self.arguments(kind, stop)

    def arguments(self, kind: str, stop: Stop) -> dict[str, Any]:
        """What the VMM handed over; zeros where it handed over memory that cannot be read."""
        match kind:
            case "get":
                slot, _, self.pointer[stop.tid] = self.peeked(stop, "<IIQ")
                return {"slot": slot}
            case "clear":
                slot, count, first, mask = self.peeked(stop, "<IIQQ")
                return {"slot": slot, "first": first, "n": count, "bm": self.bitmap(stop, slot, mask, count)}
            case "region":
                slot, flags, gpa, size, hva = self.peeked(stop, "<IIQQQ")
                return {"slot": slot, "flags": flags, "gpa": gpa, "npages": size // PAGE, "hva": hva}
            case "cap":
                cap, _, *args = self.peeked(stop, "<II4Q")
                return {"cap": cap, "args": args}
            case "vcpu":
                return {"id": stop.argument}
        return {}

    def peeked(self, stop: Stop, layout: str) -> tuple[Any, ...]:
        size = struct.calcsize(layout)
        return struct.unpack(layout, peek(stop.tid, stop.argument, size).ljust(size, b"\0"))

    def bitmap(self, stop: Stop, slot: int, address: int, pages: int) -> str:
        """A bitmap in the VMM's memory: whole words, as many as the slot has."""
        known = self.pages.get((stop.pid, stop.fd, slot), min(pages, MAX_PAGES))
        size = -(-min(pages, known) // 64) * 8
        found = peek(stop.tid, address, size)
        return spell(found[: len(found) // 8 * 8])

    def returned(self, stop: Stop, record: dict[str, Any], now: int) -> None:
        result = stop.result or 0
        record["q"][1], record["e"] = self.take(), now
        record["rc"] = max(result, -1)
        if result < 0:
            record["errno"] = -result
        key = stop.pid, stop.fd, record.get("slot", 0)
        if record["t"] == "region" and result >= 0:
            self.pages[key] = record["npages"]
        if record["t"] == "get":
            address = self.pointer.pop(stop.tid, 0)
            if result >= 0:
                record["bm"] = self.bitmap(stop, record["slot"], address, self.pages.get(key, 0))
        self.write(record)


def record(argv: Sequence[str], out: BinaryIO) -> int:
    """Run a VMM to its end and record its dirty-log ioctls; returns its exit status.

    Raises:
        MissingTool: ptrace cannot be used here.
        CannotRun: there is no such program.
    """
    tracer = Tracer(argv, list(KINDS))
    try:
        return tracer.run(Recorder(out, tracer.pid, argv))
    finally:
        out.flush()
