"""A recorder under which QEMU clears by a mask of all ones: `python -m tests.support.mask_of_ones HOW OUT COMMAND`."""

import sys
from pathlib import Path

from model.monitor.ptrace import Stop, Tracer
from model.monitor.recorder import IOCTLS, KINDS, Recorder
from model.monitor.remote import peek, poke
from tests.support.qemu import Qemu, different_pages
from tests.support.recorder import PYTHON


class AllOnes(Recorder):
    """A shim: while QEMU's CLEAR is in the kernel its mask is all ones, which the recorder sees and QEMU does not."""

    def __init__(self, *args) -> None:
        super().__init__(*args)
        self.saved: dict[int, tuple[int, bytes]] = {}

    def __call__(self, stop: Stop) -> None:
        if KINDS[stop.request] == "clear" and stop.result is None:
            _, count, _, mask = self.peeked(stop, "<IIQQ")
            self.saved[stop.tid] = mask, peek(stop.tid, mask, -(-count // 64) * 8)
            poke(stop.tid, mask, b"\xff" * len(self.saved[stop.tid][1]))
        super().__call__(stop)
        if stop.result is not None and stop.tid in self.saved:
            poke(stop.tid, *self.saved.pop(stop.tid))


def migrated(at: Path, mask: str) -> tuple[list[int], Path]:
    """Migrate from one QEMU to another; returns the pages that differ in the end, and the recording."""
    out = at / "qemu.jsonl"
    wrap = [*PYTHON, "-m", "tests.support.mask_of_ones", mask, str(out)]
    with Qemu(at, "source", wrap=wrap) as source, Qemu(at, "target", incoming=f"unix:{at}/mig") as target:
        source.running()
        assert "completed" == source.migrate(f"unix:{at}/mig", 3.0)["status"]
        different = different_pages(source.memory(), target.memory())
        source("quit")
        source.process.wait(20)
    return different, out


if __name__ == "__main__":
    kind = {"ones": AllOnes, "as it is": Recorder}[sys.argv[1]]
    tracer = Tracer(IOCTLS)
    tracer.start(sys.argv[3:])
    with Path(sys.argv[2]).open("wb") as out:
        recorder = kind(out, tracer.pid, sys.argv[3:])
        code = tracer.run(recorder)
        recorder.end("exited")
    sys.exit(code)
