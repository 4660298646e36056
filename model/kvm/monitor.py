"""The blind-clear rule, checked on a recording: no CLEAR of a bit that no GET reported since it was last cleared.

The monitor keeps, for each slot, the pages that stand reported. Ioctls that overlap may have taken effect in either
order; a CLEAR is *certainly* blind on a page if it is in every order, *possibly* if it is in some.

Source: Linux virt/kvm/kvm_main.c, kvm_get_dirty_log_protect(), kvm_clear_dirty_log_protect(),
kvm_prepare_memory_region(); Documentation/virt/kvm/api.rst 4.8, 4.117, 7.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import ClassVar

from model.kvm.bitmap import EVERY, MAX_PAGES, NOTHING, BadBitmap, Bits, parse, union
from model.kvm.recording import Damage, Ioctl, in_order, opened
from model.verdict import PROVED, REFUTED, UNDETERMINED

MANUAL_PROTECT, RINGS = 168, (192, 223)
ENABLED, INITIALLY_SET = 1, 2
LOGGED = 1
BUDGET, WEIGHED_EVERY = 20_000, 2_000  # chunks of 9 KB that all slots together may keep, and may add unweighed
REMEMBERED, REMEMBERED_WEIGHT = 128, 1024  # ioctls of a slot, for naming the one that a blind CLEAR follows
MOST_OVERLAPPING, MOST_CLEARS = 256, 48  # ioctls of a slot that are judged together, and CLEARs among them
LISTED = 10_000
RANGES = 64

SHOWN_BY = {"initial": "naive", "stale": "top-layer", "overlap": "no-lock"}
CERTAIN, POSSIBLE = "certain", "possible"

NEXT = {
    "initial": (
        "No GET had reported these pages at all, as in the naive design: a write that made their bits set is "
        "forgotten before any client is told of it. A migration that has sent such a page already ends with the "
        "destination one write behind the source."
    ),
    "stale": (
        "The mask dates from a report that has been acted on, as in the top-layer design: a write after the earlier "
        "CLEAR set the bit again, this CLEAR takes it away, and the client that read the page in between is never "
        "told. For a migration the destination ends one write behind the source."
    ),
    "legacy": (
        "Without manual protection GET itself clears what it reports, so this CLEAR can only take away bits of later "
        "writes, which nobody is then told of."
    ),
    "overlap": (
        "Ioctls overlap, this one or earlier ones, as without the slots lock: in the order that makes this CLEAR blind "
        "it takes away the bit of a write that no client is told of."
    ),
    "unknown": (
        "What the slot's log had reported before is not in the recording; if these pages stood reported nothing is "
        "lost, otherwise a write is forgotten before any client is told of it."
    ),
}


@dataclass(frozen=True)
class Moment:
    """An ioctl as a finding refers to it."""

    line: int
    thread: int
    time: int | None


@dataclass(frozen=True)
class Finding:
    """A CLEAR that is blind on some pages of its mask.

    Attributes:
        ranges: (first, last) page of the first runs of blind pages, at most RANGES of them.
        pages: how many pages are blind.
        mask: how many pages the mask names.
        get: the last GET that reported the first of these pages, or None.
        cleared: the CLEAR that has taken that page away since, or None.
        case: a row of NEXT.
    """

    file: str
    judgement: str
    clear: Moment
    vm: int
    slot: int
    ranges: tuple[tuple[int, int], ...]
    pages: int
    mask: int
    get: Moment | None
    cleared: Moment | None
    case: str

    @property
    def next(self) -> str:
        """What the model says can happen next."""
        return NEXT[self.case]

    @property
    def design(self) -> str | None:
        """The built-in design whose counterexample shows such a loss move by move, where there is one."""
        return SHOWN_BY.get(self.case)


@dataclass
class Findings:
    """What the monitor says of one recording; findings and damages past the first LISTED are only counted."""

    file: str
    start: int | None = None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("get", "clear", "failed", "reset"), 0))
    blind: int = 0
    possible: int = 0
    listed: list[Finding] = field(default_factory=list)
    damaged: int = 0
    damages: list[Damage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """1 if some CLEAR is certainly blind, else 3 if one may be or a line is damaged, else 0."""
        if self.blind:
            return REFUTED
        return UNDETERMINED if self.possible or self.damaged else PROVED

    def add(self, finding: Finding) -> None:
        if finding.judgement == CERTAIN:
            self.blind += 1
        else:
            self.possible += 1
        if len(self.listed) < LISTED:
            self.listed.append(finding)

    def damage(self, line: int, problem: str) -> None:
        self.damaged += 1
        if len(self.damages) < LISTED:
            self.damages.append(Damage(line, problem))

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


@dataclass
class Machine:
    """A VM: what its descriptor has enabled. `manual` is the argument of capability 168, None if it is not known."""

    manual: int | None = 0
    ring: bool = False


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


@dataclass
class Slot:
    """A logged slot: what stands reported, the overlapping ioctls not judged yet, and the last ones that were."""

    pages: int
    standing: Standing
    ends: int | None = None  # position where a delete of it ended: later ioctls are not about this log
    known: bool = True  # its creation is in the recording, and every line since then can be read
    group: list[Act] = field(default_factory=list)
    group_end: int = -1
    recent: deque[Act] = field(default_factory=deque)
    recent_weight: int = 0

    @property
    def weight(self) -> int:
        return self.standing.weight + self.recent_weight + sum(a.bits.weight for a in self.group)

    def remember(self, acts: Iterable[Act]) -> None:
        for act in acts:
            self.recent.append(act)
            self.recent_weight += act.bits.weight
        while self.recent and (len(self.recent) > REMEMBERED or self.recent_weight > REMEMBERED_WEIGHT):
            self.recent_weight -= self.recent.popleft().bits.weight


class TooMuch(Exception):
    """The bitmaps that the recording leaves standing take more memory than the monitor allows itself."""


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


class Monitor:
    """Judges the ioctls of one recording, handed over in the order in which they began."""

    def __init__(self, file: str) -> None:
        self.findings = Findings(file)
        self.machines: dict[tuple[int, int], Machine] = {}
        self.slots: dict[tuple[tuple[int, int], int], Slot] = {}
        self.unweighed = 0

    def run(self, items: Iterable[Ioctl | Damage]) -> Findings:
        """Everything, to the end or to the memory limit."""
        line = 0
        try:
            for item in items:
                line = item.line
                if isinstance(item, Damage):
                    self.damaged(item)
                else:
                    self.take(item)
            for key in list(self.slots):
                self.close(key)
        except TooMuch:
            self.findings.damage(line, "the bitmaps up to here need more than 180 MB; nothing after it was judged")
        return self.findings

    def damaged(self, item: Damage) -> None:
        """A line that says nothing: it may have been a GET of anything, so nothing is certainly unreported."""
        self.findings.damage(item.line, item.problem)
        for key, slot in self.slots.items():
            self.close(key)
            slot.standing, slot.known = Standing(slot.standing.sure, EVERY - slot.standing.sure), False

    def take(self, ioctl: Ioctl) -> None:
        findings = self.findings
        if ioctl.time is not None and (findings.start is None or ioctl.time < findings.start):
            findings.start = ioctl.time
        if ioctl.kind in findings.counts:
            findings.counts[ioctl.kind] += 1
        if not ioctl.worked:
            findings.counts["failed"] += 1
            return
        handler = self.HANDLERS.get(ioctl.kind)
        if handler:
            handler(self, ioctl)

    # -- what the VMM sets up

    def created(self, ioctl: Ioctl) -> None:
        """KVM_CREATE_VM: the descriptor is a new VM, whatever it was before."""
        vm = ioctl.vm[0], ioctl.rc
        for key in [k for k in self.slots if k[0] == vm]:
            self.drop(key)
        self.machines[vm] = Machine()
        self.added(1)

    def enabled(self, ioctl: Ioctl) -> None:
        machine = self.machines.setdefault(ioctl.vm, Machine(None))
        if ioctl.values["cap"] == MANUAL_PROTECT:
            machine.manual = ioctl.values["args"][0]
        elif ioctl.values["cap"] in RINGS and ioctl.values["args"][0]:
            machine.ring = True
            self.findings.note(
                f"VM {ioctl.vm[1]} uses dirty rings (line {ioctl.line}): entries are harvested from shared memory, "
                "which a recording does not show, so only its bitmap ioctls are judged."
            )

    def region(self, ioctl: Ioctl) -> None:
        """KVM_SET_USER_MEMORY_REGION: a log begins fresh, ends, or goes on (moved, or other flags changed)."""
        key, values = (ioctl.vm, ioctl.values["slot"]), ioctl.values
        slot = self.slots.get(key)
        live = slot is not None and slot.ends is None
        if not values["npages"] or not values["flags"] & LOGGED:
            if slot and live:
                slot.ends = ioctl.end
        elif not (slot and live and slot.pages in (values["npages"], MAX_PAGES)):
            self.drop(key)
            self.slots[key] = Slot(values["npages"], self.fresh(ioctl.vm))
            self.added(1)
        elif slot:
            slot.pages = values["npages"]

    def fresh(self, vm: tuple[int, int]) -> Standing:
        """A new log: INITIALLY_SET starts it all ones, which counts as reported."""
        manual = self.machines.get(vm, Machine(None)).manual
        if manual is None:
            return Standing(NOTHING, EVERY)
        return Standing(EVERY) if manual & INITIALLY_SET else Standing()

    # -- GET and CLEAR

    def act(self, ioctl: Ioctl) -> None:
        """Put a GET or CLEAR into the group of those that it overlaps; judge the group that it does not overlap."""
        key = ioctl.vm, ioctl.values["slot"]
        slot = self.slots.get(key)
        if slot is None or (slot.ends is not None and ioctl.begin > slot.ends):
            slot = self.unknown(key, ioctl)
        if slot.group and ioctl.begin > slot.group_end:
            self.close(key)
        if len(slot.group) >= MOST_OVERLAPPING or sum(a.kind != "get" for a in slot.group) >= MOST_CLEARS:
            self.findings.damage(ioctl.line, f"overlaps {len(slot.group)} other ioctls of slot {key[1]}: not judged")
            self.close(key)
            slot.standing = Standing(NOTHING, EVERY)
        act = self.decoded(ioctl, slot)
        if act is None:
            return
        slot.group.append(act)
        slot.group_end = max(slot.group_end, ioctl.end)
        self.added(act.bits.weight)

    def unknown(self, key: tuple[tuple[int, int], int], ioctl: Ioctl) -> Slot:
        """A slot that the recording has not shown: any page of it may stand reported, none surely does."""
        verb = ioctl.kind.upper()
        text = f"{verb} of slot {key[1]} worked, and the recording shows no logged slot {key[1]} at that time"
        if key[0] in self.machines:
            self.findings.damage(ioctl.line, text)
        else:
            self.findings.note(f"line {ioctl.line}: {text}; what was reported before is unknown.")
        self.drop(key)
        slot = self.slots[key] = Slot(MAX_PAGES, Standing(NOTHING, EVERY), known=False)
        return slot

    def decoded(self, ioctl: Ioctl, slot: Slot) -> Act | None:
        """The ioctl with its bitmap; None, and the slot's reports in doubt, if that is damaged."""
        try:
            if ioctl.kind == "clear":
                return Act("clear", mask(ioctl, slot.pages), ioctl)
            bits, fits = parse(ioctl.bm, slot.pages)
        except BadBitmap as error:
            self.findings.damage(ioctl.line, f"bm: {error}")
            fits, bits = True, EVERY if ioctl.kind == "get" else NOTHING
        if not fits:
            self.findings.damage(ioctl.line, f"bm reports pages past the end of slot {ioctl.values['slot']}")
        if bits is EVERY or bits is NOTHING:
            self.close((ioctl.vm, ioctl.values["slot"]))
            slot.standing = Standing(slot.standing.sure, bits - slot.standing.sure) if bits else slot.standing
            return None
        manual = self.machines.get(ioctl.vm, Machine(None)).manual
        return Act("both" if manual is not None and not manual & ENABLED else "get", bits, ioctl)

    def close(self, key: tuple[tuple[int, int], int]) -> None:
        """Judge the group of a slot: nothing that is still to come overlaps it."""
        slot = self.slots[key]
        if not slot.group:
            return
        for act, certain, possible in blindness(slot.group, slot.standing):
            if act.ioctl.doubtful:
                certain, possible = NOTHING, certain | possible
            if certain or possible:
                self.report(key, slot, act, certain, possible)
        slot.standing = after(slot.group, slot.standing)
        slot.remember(slot.group)
        slot.group, slot.group_end = [], -1

    def drop(self, key: tuple[tuple[int, int], int]) -> None:
        if key in self.slots:
            self.close(key)
            del self.slots[key]

    def added(self, weight: int) -> None:
        """Something that heavy was put somewhere; now and then everything is weighed.

        Raises:
            TooMuch: it is more than BUDGET.
        """
        self.unweighed += weight
        if self.unweighed > WEIGHED_EVERY:
            self.unweighed = 0
            small = len(self.slots) // 4 + len(self.machines) // 16
            if sum(s.weight for s in self.slots.values()) + small > BUDGET:
                raise TooMuch

    # -- findings

    def report(self, key: tuple[tuple[int, int], int], slot: Slot, act: Act, certain: Bits, possible: Bits) -> None:
        pages = certain or possible
        get, cleared = self.history(slot, act, pages.first() or 0)
        self.findings.add(
            Finding(
                file=self.findings.file,
                judgement=CERTAIN if certain else POSSIBLE,
                clear=moment(act.ioctl),
                vm=key[0][1],
                slot=key[1],
                ranges=tuple(islice(pages.ranges(), RANGES)),
                pages=pages.count(),
                mask=act.bits.count(),
                get=get,
                cleared=cleared,
                case=self.case(key, slot, certain, len(slot.group) > 1, cleared),
            )
        )

    def history(self, slot: Slot, act: Act, page: int) -> tuple[Moment | None, Moment | None]:
        """The last GET before `act` that reported the page, and the CLEAR that took it away since."""
        cleared = None
        earlier = [a for a in slot.group if a is not act and not act.before(a)]
        for other in (*reversed(earlier), *reversed(slot.recent)):
            if not other.bits.has(page):
                continue
            if other.kind == "get":
                return moment(other.ioctl), cleared
            cleared = cleared or moment(other.ioctl)
            if other.kind == "both":
                return moment(other.ioctl), cleared
        return None, cleared

    def case(
        self, key: tuple[tuple[int, int], int], slot: Slot, certain: Bits, overlap: bool, cleared: Moment | None
    ) -> str:
        manual = self.machines.get(key[0], Machine(None)).manual
        if not certain:
            return "overlap" if overlap or slot.known else "unknown"
        if manual is not None and not manual & ENABLED:
            return "legacy"
        return "stale" if cleared else "initial"

    HANDLERS: ClassVar[Mapping[str, Callable[[Monitor, Ioctl], None]]] = {
        "vm": created,
        "cap": enabled,
        "region": region,
        "get": act,
        "clear": act,
    }


def mask(ioctl: Ioctl, pages: int) -> Bits:
    """The pages of the slot that a CLEAR names; bits past its `num_pages` are ignored.

    Raises:
        BadBitmap: the mask is not in the form of a recording.
    """
    first, count = ioctl.values["first"], ioctl.values["n"]
    bits, _ = parse(ioctl.bm, max(0, min(count, pages - first)))
    return bits.shifted(first) if bits else bits


def moment(ioctl: Ioctl) -> Moment:
    return Moment(ioctl.line, ioctl.tid, ioctl.time)


def check(path: str) -> Findings:
    """Check one recording against the blind-clear rule, as a stream.

    Raises:
        NotARecording: the file cannot be read or has no valid header.
    """
    with opened(path) as recording:
        return Monitor(path).run(in_order(recording))


def check_all(paths: Iterable[str]) -> Iterator[Findings]:
    """Each recording in turn."""
    return (check(path) for path in paths)


def exit_code(all_findings: Sequence[Findings]) -> int:
    """A certain blind CLEAR outranks what could not be judged."""
    codes = {f.exit_code for f in all_findings}
    return REFUTED if REFUTED in codes else UNDETERMINED if UNDETERMINED in codes or not codes else PROVED
