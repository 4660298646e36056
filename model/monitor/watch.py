"""The blind-clear rule, checked on a recording: no CLEAR of a bit that no GET reported since it was last cleared.

The monitor keeps, for each slot, the pages that stand reported. Ioctls that overlap may have taken effect in either
order; a CLEAR is *certainly* blind on a page if it is in every order, *possibly* if it is in some.

Source: Linux virt/kvm/kvm_main.c, kvm_get_dirty_log_protect(), kvm_clear_dirty_log_protect(),
kvm_prepare_memory_region(); Documentation/virt/kvm/api.rst 4.8, 4.117, 7.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import ClassVar

from model.monitor.bitmap import EVERY, MAX_PAGES, NOTHING, WORD, BadBitmap, Bits, parse
from model.monitor.blindness import Act, Standing, after, blindness
from model.monitor.judgement import CERTAIN, POSSIBLE, RANGES, Finding, Findings, Moment
from model.monitor.order import in_order
from model.monitor.recording import Damage, Ioctl, Item, opened

MANUAL_PROTECT, RINGS = 168, (192, 223)
ENABLED, INITIALLY_SET = 1, 2
LOGGED = 1
BUDGET, WEIGHED_EVERY = 20_000, 2_000  # chunks of 9 KB that all slots together may keep, and may add unweighed
REMEMBERED, REMEMBERED_WEIGHT = 128, 1024  # ioctls of a slot, for naming the one that a blind CLEAR follows
MOST_OVERLAPPING, MOST_CLEARS = 256, 48  # ioctls of a slot that are judged together, and CLEARs among them


@dataclass
class Machine:
    """A VM: what its descriptor has enabled. `manual` is the argument of capability 168, None if it is not known."""

    manual: int | None = 0
    ring: bool = False


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


class Monitor:
    """Judges the ioctls of one recording, handed over in the order in which they began."""

    def __init__(self, file: str) -> None:
        self.findings = Findings(file)
        self.machines: dict[tuple[int, int], Machine] = {}
        self.slots: dict[tuple[tuple[int, int], int], Slot] = {}
        self.unweighed = 0

    def run(self, items: Iterable[Item]) -> Findings:
        """Everything, to the end or to the memory limit."""
        line = 0
        try:
            for item in items:
                line = item.line
                if isinstance(item, Damage):
                    self.damaged(item)
                elif isinstance(item, Ioctl):
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
        vm = ioctl.vm
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
                case=self.case(key, slot, act, certain, len(slot.group) > 1, cleared),
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
        self,
        key: tuple[tuple[int, int], int],
        slot: Slot,
        act: Act,
        certain: Bits,
        overlap: bool,
        cleared: Moment | None,
    ) -> str:
        manual = self.machines.get(key[0], Machine(None)).manual
        if not certain:
            return "overlap" if overlap or slot.known else "unknown"
        if manual is not None and not manual & ENABLED:
            return "legacy"
        if not cleared:
            return "initial"
        return "tail" if tail_of_a_word(certain, [act, *slot.recent]) else "stale"

    HANDLERS: ClassVar[Mapping[str, Callable[[Monitor, Ioctl], None]]] = {
        "vm": created,
        "cap": enabled,
        "region": region,
        "get": act,
        "clear": act,
    }


def tail_of_a_word(blind: Bits, acts: Iterable[Act]) -> bool:
    """The blind pages are the end of one word of the bitmap, and a CLEAR took them with the page before them.

    So looks a range that ends within a word where whole words of its mask are copied.
    """
    runs = list(islice(blind.ranges(), 2))
    if len(runs) != 1:
        return False
    first, last = runs[0]
    inside = first % WORD != 0 and last % WORD == WORD - 1 and last - first < WORD
    return inside and any(a.kind != "get" and a.bits.has(first) and a.bits.has(first - 1) for a in acts)


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
