"""The blind-clear rule on ioctls that may overlap: which pages a CLEAR is blind on, and what stands reported.

Source: Linux virt/kvm/kvm_main.c, kvm_get_dirty_log_protect(), kvm_clear_dirty_log_protect().
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from model.monitor.bitmap import EVERY, NOTHING, Bits
from model.monitor.recording import Ioctl


@dataclass(frozen=True)
class Act:
    """An ioctl with its bitmap; `kind` is "get", "clear", or "both" for a GET in legacy mode."""

    kind: str
    bits: Bits
    ioctl: Ioctl

    def before(self, other: Act) -> bool:
        return self.ioctl.end < other.ioctl.begin


@dataclass(frozen=True)
class Standing:
    """What stands reported: `sure` in every order of the ioctls so far, `sure | doubt` in some."""

    sure: Bits = NOTHING
    doubt: Bits = NOTHING

    @property
    def maybe(self) -> Bits:
        return self.sure | self.doubt


class Judged(NamedTuple):
    """A CLEAR with the pages that it is blind on in every order of the ioctls, and in some but not all."""

    act: Act
    certain: Bits
    possible: Bits


@dataclass
class Side:
    """Pages that some order adds last: those of the latest addition, unless it ended before a removal began.

    A CLEAR sees an addition if that can come before it, so if it began before the CLEAR's end; a removal must come
    before it if it ended before the CLEAR's begin; and a removal must come after an addition if that ended before the
    removal began. So of additions the one that ended last decides, of removals the one that began last, and events
    taken in the order of these positions give the answer for all pages at once.

    Attributes:
        base: what the events say that every CLEAR from now on sees alike.
        events: (position, whether it adds, line, act), ascending.
    """

    base: Bits
    events: list[tuple[int, bool, int, Act]] = field(default_factory=list)

    def add(self, act: Act, adds: bool) -> None:
        position = act.ioctl.end if adds else act.ioctl.begin
        insort(self.events, (position, adds, act.ioctl.line, act), key=lambda event: event[:3])

    def seen_by(self, clear: Act) -> Bits:
        found = self.base
        for _, adds, _, act in self.events:
            if not adds:
                found = found - act.bits if act.before(clear) else found
            elif act is not clear and not clear.before(act):
                found |= act.bits
        return found

    def fold(self, oldest: int, now: int) -> None:
        """Take into the base what no CLEAR that began at `oldest` or later, and nothing from `now` on, can change."""
        done = 0
        for position, adds, _, act in self.events:
            if position >= now or (act.ioctl.begin if adds else act.ioctl.end) >= oldest:
                break
            self.base = self.base | act.bits if adds else self.base - act.bits
            done += 1
        del self.events[:done]


LAST = 1 << 65  # after every position


class Log:
    """What stands reported of a log, as its GETs and CLEARs come in, in the order in which they began.

    A page is spared in some order if `reported` has it, and hit in some order if `missed` has it; an order of the
    ioctls is one in which every ioctl that ended before another began comes first.
    """

    def __init__(self, standing: Standing) -> None:
        self.reported, self.missed = Side(standing.maybe), Side(EVERY - standing.sure)
        self.waiting: list[Act] = []

    def add(self, act: Act) -> Iterator[Judged]:
        """The CLEARs that nothing from now on can overlap, judged; then the act is taken in."""
        now = act.ioctl.begin
        yield from self._judged(now)
        self.reported.add(act, act.kind == "get")
        self.missed.add(act, act.kind != "get")
        if act.kind == "clear":
            self.waiting.append(act)

    def tell(self, act: Act) -> None:
        """The same for who wants no judgement, only what stands in the end."""
        for _ in self.add(act):
            pass

    @property
    def finished(self) -> Standing:
        """What stands in the end."""
        for _ in self.finish():
            pass
        return self.standing

    def finish(self) -> Iterator[Judged]:
        """The CLEARs that are left, judged: nothing overlaps what has come in."""
        yield from self._judged(LAST)

    def _judged(self, now: int) -> Iterator[Judged]:
        ready = [clear for clear in self.waiting if clear.ioctl.end < now]
        self.waiting = [clear for clear in self.waiting if clear.ioctl.end >= now]
        for clear in ready:
            certain = clear.bits - self.reported.seen_by(clear)
            yield Judged(clear, certain, (clear.bits & self.missed.seen_by(clear)) - certain)
        oldest = min((clear.ioctl.begin for clear in self.waiting), default=now)
        for side in (self.reported, self.missed):
            side.fold(oldest, now)

    @property
    def standing(self) -> Standing:
        """What stands reported, once it is finished."""
        sure = EVERY - self.missed.base
        return Standing(sure, self.reported.base - sure)

    def doubt(self) -> None:
        """Once it is finished: any page may have been reported since."""
        self.reported.base = EVERY

    @property
    def held(self) -> int:
        """How many ioctls it keeps."""
        return len(self.reported.events)

    @property
    def weight(self) -> int:
        bases = self.reported.base.weight + self.missed.base.weight
        return bases + sum(event[-1].bits.weight for event in self.reported.events)
