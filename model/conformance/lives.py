"""The lives of dirty logs in a recording: which slot is logged from when to when, and by which kind of GET.

A log begins with the ioctl that switches it on and ends with the one that switches it off or deletes the slot; each
life is one run of the design from its start.

Source: Linux virt/kvm/kvm_main.c, kvm_prepare_memory_region(), kvm_get_dirty_log_protect(),
kvm_clear_dirty_log_protect(); Documentation/virt/kvm/api.rst 4.8, 4.117, 7.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import partial

from model.conformance.letters import Letter
from model.conformance.pages import Event, Pages
from model.monitor.bitmap import CHUNK, MAX_PAGES, NOTHING, WORD, Bits, parse
from model.monitor.recording import ALL, Ioctl
from model.monitor.slot import ENABLED, INITIALLY_SET
from model.monitor.watch import mask, within

RECENT = 64  # ioctls of a slot that are kept, for the history of a page

Vm = tuple[int, int]
SAYS = {"clear": (Letter.CLEAR_1, Letter.CLEAR_0), "read": (Letter.READ, Letter.NOTHING)}
REPORTED = {True: Letter.GET_1, False: Letter.TAKE_1, None: Letter.SOME_1}


@dataclass
class Machine:
    """A VM.

    Attributes:
        manual: the argument of capability 168, None if it is not known.
        created: the recording shows its creation.
        clears: a CLEAR worked, which says that capability 168 is enabled.
    """

    manual: int | None = None
    created: bool = False
    clears: bool = False

    @property
    def reported(self) -> Letter:
        """What a GET says of a page that it reports."""
        return REPORTED[self.clears or None if self.manual is None else bool(self.manual & ENABLED)]

    @property
    def starts_full(self) -> bool | None:
        """Whether a log begins with every page in it; None if it is not known."""
        return None if self.manual is None else bool(self.manual & ENABLED and self.manual & INITIALLY_SET)


@dataclass
class Life:
    """A log that is on: its pages, and the ioctls that overlap and were not taken yet.

    Attributes:
        reported: pages that some GET has reported.
        unseen: it began before the recording did, so that nobody knows how many pages it has, or what they were in.
        ends: position where the ioctl that ends it ended; None while it goes on.
    """

    vm: Vm
    slot: int
    pages: Pages
    reported: Bits = NOTHING
    unseen: bool = False
    ends: int | None = None
    group: list[Event] = field(default_factory=list)
    group_end: int = -1
    recent: deque[Event] = field(default_factory=partial(deque, maxlen=RECENT))

    def told(self, event: Event) -> None:
        """Take note of what a GET reports; a read counts where one has: what is read before is the first copy."""
        if event.kind == "get":
            self.reported |= event.bits
        elif event.kind == "read":
            event.bits &= self.reported

    def remember(self) -> None:
        """The group was taken."""
        self.recent += self.group
        self.group, self.group_end = [], -1


def least_pages(ioctl: Ioctl) -> int:
    """So many pages has a slot of which this ioctl worked.

    Raises:
        BadBitmap: the bitmap is not in the form of a recording.
    """
    if ioctl.kind != "get":
        return min(int(ioctl.values["first"] + ioctl.values["n"]), MAX_PAGES)
    last = max(parse(ioctl.bm)[0].chunks.items(), default=(0, 0))
    return -(-(last[0] * CHUNK + last[1].bit_length()) // WORD) * WORD


def as_event(ioctl: Ioctl, machine: Machine, pages: int) -> tuple[Event, bool]:
    """A GET, CLEAR or read as what it says of each page of a slot, and whether its bitmap fits the slot.

    Raises:
        BadBitmap: the bitmap is not in the form of a recording.
    """
    first, end, fits = ioctl.values.get("first", 0), pages, True
    yes, no = SAYS.get(ioctl.kind, (machine.reported, Letter.GET_0))
    if ioctl.kind == "get":
        bits, fits = parse(ioctl.bm, pages)
    else:
        end = min(first + ioctl.values["n"], pages)
        bits = within(ioctl, pages) if ioctl.bm == ALL else mask(ioctl, pages)
    made = Event(ioctl.line, ioctl.begin, ioctl.end, ioctl.tid, ioctl.time, ioctl.kind, bits, first, end, yes, no)
    return made, fits
