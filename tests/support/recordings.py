"""Recordings that tests write themselves: JSON lines as the recorder writes them."""

import io
import json

from model.monitor.bitmap import spell
from model.monitor.recording import Recording

HEADER = {"t": "hdr", "v": 1, "rec": "test", "clock": "monotonic-ns", "page": 4096, "pid": 1, "argv": ["vmm"]}
MANUAL, INITIALLY_SET = 1, 3


def bm(bits):
    """A bitmap, an integer with a bit a page, as a recording spells it."""
    words = max(1, -(-bits.bit_length() // 64))
    return spell(bits.to_bytes(8 * words, "little"))


class Lines:
    """A recording that is being written; positions are given out as lines are added."""

    def __init__(self, pages=64, manual=MANUAL, slot=0, attached=False):
        """`attached`: the VM was there before the recorder, which saw none of its ioctls until now."""
        self.lines, self.position, self.slot, self.pages = [json.dumps(HEADER | {"attached": attached})], 0, slot, pages
        if attached:
            return
        self.add("vm", fd=3, rc=5)
        if manual is not None:
            self.add("cap", cap=168, args=[manual, 0, 0, 0])
        self.region(pages)

    def add(self, kind, q=None, **values):
        q = q or [self.position, self.position + 1]
        self.position = max(self.position, q[1] + 1)
        self.lines.append(json.dumps({"q": q, "tid": 7, "fd": 5, "rc": 0, "t": kind} | values))

    def region(self, pages, flags=1):
        self.pages = pages
        self.add("region", slot=self.slot, flags=flags, gpa=0, npages=pages, hva=0)

    def get(self, bits, **values):
        self.add("get", **({"slot": self.slot, "bm": bm(bits)} | values))

    def clear(self, bits, first=0, count=None, **values):
        """`bits` are of the mask: bit 0 is page `first`."""
        self.add("clear", slot=self.slot, first=first, n=count or self.pages - first, bm=bm(bits), **values)

    def read(self, bits, first=0, count=None, **values):
        """A marker of the VMM: a client reads these pages."""
        self.add("read", slot=self.slot, first=first, n=count or self.pages - first, bm=bm(bits), **values)

    def trailer(self, **values):
        """The recording is whole, and of version 2."""
        self.lines[0] = json.dumps(HEADER | {"v": 2})
        end = {"t": "end", "lines": len(self.lines) - 1, "positions": self.position, "open": [], "why": "exited"}
        self.lines.append(json.dumps(end | values))

    @property
    def text(self):
        return "".join(f"{line}\n" for line in self.lines)

    def opened(self):
        """As `model.monitor.recording.opened` yields it."""
        stream = io.BytesIO(self.text.encode())
        return Recording("test.jsonl", stream, json.loads(stream.readline()))
