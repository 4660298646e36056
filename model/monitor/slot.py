"""What the monitor keeps of a VM and of a logged slot of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from model.monitor.bitmap import NOTHING, WORD, Bits, union
from model.monitor.blindness import Act, Log, Standing
from model.monitor.judgement import Moment
from model.monitor.recording import Ioctl

ENABLED, INITIALLY_SET = 1, 2
REMEMBERED, REMEMBERED_WEIGHT = 128, 1024  # ioctls of a slot, for naming the one that a blind CLEAR follows


@dataclass
class Machine:
    """A VM: what its descriptor has enabled, and what it showed us.

    Attributes:
        name: the descriptor that it was made as, or first met as.
        process: whose descriptor that is.
        manual: the argument of capability 168, None if it is not known.
        ring: the line that turned dirty rings on, or None.
        seen: the recording shows its creation.
        reads: it emits markers of the pages that it reads.
        rings_seen: the entries that its RESETs took are in the recording, so far as there were any.
        given_up: a log with pages that were reported and not cleared was dropped: a client has given up.
    """

    name: int = 0
    process: int = 0
    manual: int | None = None
    ring: int | None = None
    seen: bool = False
    reads: bool = False
    resets: int = 0
    rings_seen: bool = True
    given_up: bool = False

    @property
    def legacy(self) -> bool:
        """GET itself clears what it reports."""
        return self.manual is not None and not self.manual & ENABLED


@dataclass
class Slot:
    """A logged slot.

    Attributes:
        log: what stands reported.
        taken: pages that were taken out of the log, until a read is marked.
        owed: from then on, what was taken and is not read since.
        ends: the position where a delete of it ended: later ioctls are not about this log.
        known: its creation is in the recording, and every line since then can be read.
        initially_set: the log began all ones.
        reported: pages that some GET reported, ever.
        untold: pages that were cleared on the strength of INITIALLY_SET, before any GET reported them; the first CLEAR.
        unasked: pages that were taken and that no GET has asked about since.
        asked: the position where the last GET began.
        recent: the last ioctls, newest last.
    """

    pages: int
    log: Log
    taken: Bits = NOTHING
    owed: Log | None = None
    ends: int | None = None
    known: bool = True
    initially_set: bool = False
    reported: Bits = NOTHING
    untold: Bits = NOTHING
    untold_by: Act | None = None
    unasked: Bits = NOTHING
    asked: int = -1
    last_take: Act | None = None
    recent: deque[Act] = field(default_factory=deque)
    recent_weight: int = 0
    forgotten: bool = False

    @property
    def weight(self) -> int:
        own = self.reported.weight + self.untold.weight + self.unasked.weight
        return own + self.log.weight + (self.owed.weight if self.owed else self.taken.weight) + self.recent_weight

    def take(self, act: Act) -> None:
        """Pages left the log: their newest content has to be read after that."""
        self.last_take = act
        if self.owed is None:
            self.taken |= act.bits
        else:
            self.owed.tell(Act("get", act.bits, act.ioctl))

    def read(self, bits: Bits, ioctl: Ioctl) -> None:
        """A mark that these pages are being read."""
        mark = Act("clear", bits, ioctl)
        if self.owed is None:
            beside = [Act("get", a.bits, a.ioctl) for a in self.recent if a.kind != "get" and not a.before(mark)]
            self.owed = Log(Standing(self.taken - union(a.bits for a in beside)))
            for act in beside:
                self.owed.tell(act)
        self.owed.tell(mark)

    def unread(self) -> Standing:
        """What was taken and not read since, once all is said."""
        if self.owed is None:
            return Standing(self.taken)
        return self.owed.finished

    def remember(self, act: Act) -> None:
        self.recent.append(act)
        self.recent_weight += act.bits.weight
        while self.recent and (len(self.recent) > REMEMBERED or self.recent_weight > REMEMBERED_WEIGHT):
            self.recent_weight -= self.recent.popleft().bits.weight
            self.forgotten = True

    def history(self, act: Act, page: int) -> tuple[Moment | None, Moment | None]:
        """The last GET before `act` that reported the page, and the CLEAR that took it away since."""
        cleared = None
        for other in reversed(self.recent):
            if other is act or act.before(other) or not other.bits.has(page):
                continue
            if other.kind == "get":
                return moment(other.ioctl), cleared
            cleared = cleared or moment(other.ioctl)
            if other.kind == "both":
                return moment(other.ioctl), cleared
        return None, cleared

    def overlapping(self, act: Act) -> Iterator[Act]:
        """CLEARs that ran while it did."""
        return (a for a in self.recent if a.kind == "clear" and not a.before(act) and not act.before(a))

    def overlapped(self, act: Act) -> bool:
        """Another ioctl of the slot ran at the same time."""
        return any(a is not act and not a.before(act) and not act.before(a) for a in self.recent)


def moment(ioctl: Ioctl) -> Moment:
    return Moment(ioctl.line, ioctl.tid, ioctl.time, ioctl.process)


def tail_of_a_word(blind: Bits, acts: Iterable[Act]) -> bool:
    """The blind pages are the end of one word of the bitmap, and a CLEAR took them with the page before them.

    So looks a range that ends within a word where whole words of its mask are copied.
    """
    runs = []
    for run in blind.ranges():
        runs.append(run)
        if len(runs) > 1:
            return False
    if not runs:
        return False
    first, last = runs[0]
    inside = first % WORD != 0 and last % WORD == WORD - 1 and last - first < WORD
    return inside and any(a.kind != "get" and a.bits.has(first) and a.bits.has(first - 1) for a in acts)
