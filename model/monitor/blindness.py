"""The blind-clear rule on a group of overlapping ioctls: which pages a CLEAR is blind on, and what stands reported.

Source: Linux virt/kvm/kvm_main.c, kvm_get_dirty_log_protect(), kvm_clear_dirty_log_protect().
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from model.monitor.bitmap import NOTHING, Bits, union
from model.monitor.recording import Ioctl


@dataclass(frozen=True)
class Act:
    """An ioctl of a group with its bitmap; `kind` is "get", "clear", or "both" for a GET in legacy mode."""

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

    @property
    def weight(self) -> int:
        return self.sure.weight + self.doubt.weight


def blindness(group: Sequence[Act], standing: Standing) -> list[tuple[Act, Bits, Bits]]:
    """For each CLEAR of a group of overlapping ioctls: the pages that it is certainly, and possibly, blind on.

    An order of the group is one in which every ioctl that ended before another began comes first.

    A page is spared in some order if a GET that can come before the CLEAR reports it, or it stood reported, and no
    other CLEAR of it must come between. It is hit in some order if it need not have stood reported, or another CLEAR
    of it can come first, and no GET that reports it must come between.
    """
    if len(group) == 1 and group[0].kind == "clear":
        hit = group[0].bits - standing.sure
        certain = hit - standing.doubt
        return [(group[0], certain, hit - certain)]
    gets = [a for a in group if a.kind == "get"]
    takes = [a for a in group if a.kind != "get"]
    found = []
    for clear in (a for a in takes if a.kind == "clear"):
        spared = standing.maybe - union(t.bits for t in takes if t.before(clear))
        for get in (g for g in gets if not clear.before(g)):
            spared |= get.bits - union(t.bits for t in takes if get.before(t) and t.before(clear))
        hit = clear.bits - standing.sure - union(g.bits for g in gets if g.before(clear))
        for take in (t for t in takes if t is not clear and not clear.before(t)):
            between = union(g.bits for g in gets if take.before(g) and g.before(clear))
            hit |= (take.bits & clear.bits) - between
        certain = clear.bits - spared
        found.append((clear, certain, hit - certain))
    return found


def after(group: Sequence[Act], standing: Standing) -> Standing:
    """What stands reported after a group: in every order of it, and in some."""
    if len(group) == 1:
        bits, sure = group[0].bits, standing.sure
        return Standing(sure | bits if group[0].kind == "get" else sure - bits, standing.doubt - bits)
    gets = [a for a in group if a.kind == "get"]
    takes = [a for a in group if a.kind != "get"]
    told = union(g.bits for g in gets)
    gone = union(t.bits for t in takes)
    maybe = standing.maybe - gone
    for get in gets:
        maybe |= get.bits - union(t.bits for t in takes if get.before(t))
    sure = standing.sure | told
    for take in takes:
        sure -= take.bits - union(g.bits for g in gets if take.before(g))
    return Standing(sure, maybe - sure)
