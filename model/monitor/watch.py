"""The rules that ioctls show, checked on a recording.

The first is that of blind clears: no CLEAR of a bit that no GET reported since it was last cleared. Ioctls that
overlap may have taken effect in either order; a CLEAR is *certainly* blind on a page if it is in every order,
*possibly* if it is in some. Others: a page that is taken out of the log is read afterwards, where the VMM marks its
reads; a log that begins all ones is asked before it is cleared; a log is asked before it is dropped.

Source: Linux virt/kvm/kvm_main.c, kvm_get_dirty_log_protect(), kvm_clear_dirty_log_protect(),
kvm_prepare_memory_region(); virt/kvm/dirty_ring.c; Documentation/virt/kvm/api.rst 4.8, 4.117, 7, 8.29.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, ClassVar

from model.monitor import tracelines
from model.monitor.bitmap import EVERY, MAX_PAGES, NOTHING, BadBitmap, Bits, parse, span, union
from model.monitor.blindness import Act, Judged, Log, Standing
from model.monitor.judgement import CERTAIN, POSSIBLE, RANGES, Finding, Findings, Moment
from model.monitor.order import in_order
from model.monitor.recording import ALL, UNKNOWN, Damage, End, Gap, Ioctl, Item, Recording, opened
from model.monitor.slot import INITIALLY_SET, Machine, Slot, moment, tail_of_a_word

MANUAL_PROTECT, RINGS = 168, (192, 223)
LOGGED = 1
BUDGET, WEIGHED_EVERY = 20_000, 2_000  # chunks of 9 KB that all slots together may keep, and may add unweighed
MOST_OVERLAPPING = 1024  # ioctls of a slot that are judged together

Key = tuple[tuple[int, int], int]


class TooMuch(Exception):
    """The bitmaps that the recording leaves standing take more memory than the monitor allows itself."""


class Monitor:
    """Judges the ioctls of one recording, handed over in the order in which they began."""

    def __init__(self, file: str) -> None:
        self.findings = Findings(file)
        self.machines: dict[tuple[int, int], Machine] = {}
        self.slots: dict[Key, Slot] = {}
        self.unweighed = 0
        self.end: End | None = None
        self.ran_at: dict[int, int] = {}  # process -> where it was seen last that a vCPU had run

    def run(self, items: Iterable[Item]) -> Findings:
        """Everything, to the end or to the memory limit."""
        line = 0
        try:
            for item in items:
                line = item.line
                self.HANDED[type(item)](self, item)
            for key in list(self.slots):
                self.drop(key)
        except TooMuch:
            self.findings.damage(line, "the bitmaps up to here need more than 180 MB; nothing after it was judged")
        self.unjudged()
        return self.findings

    def unjudged(self) -> None:
        """What the recording cannot show, and why."""
        for machine in self.machines.values():
            if machine.ring is not None and not (machine.reads and machine.resets and machine.rings_seen):
                self.findings.reason(
                    f"VM {machine.name} uses dirty rings (line {machine.ring}): they are harvested from shared memory, "
                    "and a recording can be judged only where it has the entries that each RESET took and marks of "
                    "the pages that the VMM read after it"
                )
        counts = self.findings.counts
        if not counts["get"] and not counts["clear"] and not any(m.resets for m in self.machines.values()):
            self.findings.reason(
                "it has no GET and no CLEAR, so there was nothing to judge: no migration or other use of the dirty "
                "log, dirty rings, a background snapshot, or no VMM"
            )
        for program in self.end.unseen if self.end else ():
            self.findings.reason(f"the ioctls of one program could not be recorded: {program}")

    def ended(self, end: End) -> None:
        self.end = end
        if end.unreturned:
            self.findings.note(f"{len(end.unreturned)} ioctls had not returned when the recording ended.")

    def damaged(self, item: Damage) -> None:
        """A line that says nothing: it may have been a GET of anything, so nothing is certainly unreported."""
        self.findings.damage(item.line, item.problem)
        for key, slot in self.slots.items():
            if isinstance(item, Gap):
                for clear in slot.log.waiting:
                    clear.ioctl.doubtful |= clear.ioctl.end > item.first
            self.settle(key, slot)
            slot.log.doubt()
            slot.known = False

    def take(self, ioctl: Ioctl) -> None:
        findings = self.findings
        if ioctl.time is not None and (findings.start is None or ioctl.time < findings.start):
            findings.start = ioctl.time
        findings.count(ioctl)
        if ioctl.ran:
            self.ran_at[ioctl.process] = ioctl.begin
        handler = self.HANDLERS.get(ioctl.kind)
        if ioctl.worked and handler:
            handler(self, ioctl)

    # -- what the VMM sets up

    def machine(self, ioctl: Ioctl) -> Machine:
        if ioctl.vm not in self.machines:
            self.machines[ioctl.vm] = Machine(ioctl.fd, ioctl.process)
        return self.machines[ioctl.vm]

    def created(self, ioctl: Ioctl) -> None:
        """KVM_CREATE_VM: the descriptor is a new VM, whatever it was before."""
        for key in [k for k in self.slots if k[0] == ioctl.vm]:
            self.drop(key)
        self.machines[ioctl.vm] = Machine(ioctl.rc, ioctl.process, manual=0, seen=True)
        self.added(1)

    def enabled(self, ioctl: Ioctl) -> None:
        machine = self.machine(ioctl)
        if ioctl.values["cap"] == MANUAL_PROTECT:
            machine.manual = ioctl.values["args"][0]
        elif ioctl.values["cap"] in RINGS and ioctl.values["args"][0]:
            machine.ring = ioctl.line

    def region(self, ioctl: Ioctl) -> None:
        """KVM_SET_USER_MEMORY_REGION: a log begins fresh, ends, or goes on (moved, or other flags changed)."""
        key, values = (ioctl.vm, ioctl.values["slot"]), ioctl.values
        machine, slot = self.machine(ioctl), self.slots.get(key)
        live = slot is not None and slot.ends is None
        if not values["npages"] or not values["flags"] & LOGGED:
            if slot and live:
                self.dropped(key, slot, ioctl)
                slot.ends = ioctl.end
        elif not (slot and live and slot.pages in (values["npages"], MAX_PAGES)):
            self.drop(key)
            standing = fresh(machine)
            self.slots[key] = Slot(values["npages"], Log(standing), initially_set=bool(standing.sure))
            self.added(1)
        elif slot:
            slot.pages = values["npages"]

    # -- GET, CLEAR, RESET, and reads

    def act(self, ioctl: Ioctl) -> None:
        """Take in a GET or CLEAR; those that nothing overlaps any more are judged."""
        key = ioctl.vm, ioctl.values["slot"]
        slot = self.slot(key, ioctl)
        if slot.log.held > MOST_OVERLAPPING:
            self.findings.damage(ioctl.line, f"overlaps {slot.log.held:,} other ioctls of slot {key[1]}: not judged")
            self.settle(key, slot)
            slot.log.doubt()
        act = self.decoded(ioctl, slot)
        if act is None:
            return
        for judged in slot.log.add(act):
            self.judge(key, slot, judged)
        slot.remember(act)
        self.noted(slot, act)
        self.added(act.bits.weight)

    def noted(self, slot: Slot, act: Act) -> None:
        """What the rules other than that of blind clears have to know of it."""
        if act.kind != "clear":
            slot.reported |= act.bits
            slot.unasked, slot.asked = NOTHING, act.ioctl.begin
            if slot.untold:
                slot.untold -= union(clear.bits for clear in slot.overlapping(act)) & act.bits
        elif slot.initially_set and (early := act.bits - slot.reported):
            slot.untold, slot.untold_by = slot.untold | early, slot.untold_by or act
        if act.kind != "get":
            slot.unasked |= act.bits
            slot.take(act)

    def reset(self, ioctl: Ioctl) -> None:
        """KVM_RESET_DIRTY_RINGS: the entries that the VMM has marked are taken, and their pages fault again."""
        machine, ring = self.machine(ioctl), ioctl.values["ring"]
        machine.resets += 1
        if ring is None:
            machine.rings_seen = machine.rings_seen and not ioctl.rc
            return
        for number, text in ring.items():
            slot = self.slots.get((ioctl.vm, number))
            if slot:
                try:
                    bits, _ = parse(text, slot.pages)
                except BadBitmap as error:
                    self.findings.damage(ioctl.line, f"ring: {error}")
                    continue
                slot.take(Act("reset", bits, ioctl))
                self.added(bits.weight)

    def read(self, ioctl: Ioctl) -> None:
        """The VMM's marker: it has begun to read these pages."""
        self.machine(ioctl).reads = True
        slot = self.slots.get((ioctl.vm, ioctl.values["slot"]))
        if slot is None:
            return
        try:
            bits = within(ioctl, slot.pages) if ioctl.bm == ALL else mask(ioctl, slot.pages)
        except BadBitmap as error:
            self.findings.damage(ioctl.line, f"bm: {error}")
            return
        slot.read(bits, ioctl)

    def slot(self, key: Key, ioctl: Ioctl) -> Slot:
        """The slot; one that the recording has not shown may have any page reported, and surely has none."""
        slot = self.slots.get(key)
        if slot is not None and (slot.ends is None or ioctl.begin <= slot.ends):
            return slot
        verb, number = ioctl.kind.upper(), key[1]
        text = f"{verb} of slot {number} worked, and the recording shows no logged slot {number} at that time"
        if self.machine(ioctl).seen:
            self.findings.damage(ioctl.line, text)
        else:
            self.findings.note(f"line {ioctl.line}: {text}; what was reported before is unknown.")
        self.drop(key)
        self.slots[key] = Slot(MAX_PAGES, Log(Standing(NOTHING, EVERY)), known=False)
        return self.slots[key]

    def decoded(self, ioctl: Ioctl, slot: Slot) -> Act | None:
        """The ioctl with its bitmap; None, and the slot's reports in doubt, if that is damaged."""
        if ioctl.bm == UNKNOWN:
            self.findings.reason(
                f"line {ioctl.line}: slot {ioctl.values['slot']} was made before the recorder came, so what its GETs "
                "reported could not be recorded"
            )
            self.doubted(ioctl, slot)
            return None
        try:
            if ioctl.kind == "clear":
                return Act("clear", mask(ioctl, slot.pages), ioctl)
            bits, fits = parse(ioctl.bm, slot.pages)
        except BadBitmap as error:
            self.findings.damage(ioctl.line, f"bm: {error}")
            self.doubted(ioctl, slot)
            return None
        if not fits:
            self.findings.damage(ioctl.line, f"bm reports pages past the end of slot {ioctl.values['slot']}")
        return Act("both" if self.machine(ioctl).legacy else "get", bits, ioctl)

    def doubted(self, ioctl: Ioctl, slot: Slot) -> None:
        """A bitmap that cannot be read: a GET may have reported any page."""
        if ioctl.kind == "get":
            self.settle((ioctl.vm, ioctl.values["slot"]), slot)
            slot.log.doubt()

    def settle(self, key: Key, slot: Slot) -> None:
        """Judge all that waits: nothing that is still to come overlaps it."""
        for judged in slot.log.finish():
            self.judge(key, slot, judged)

    def dropped(self, key: Key, slot: Slot, ioctl: Ioctl) -> None:
        """A log is switched off or its slot deleted: what the guest wrote since the last GET goes with it.

        Where some report is not acted on the client has given up, as a migration that is cancelled, and misses nothing.
        """
        self.settle(key, slot)
        machine = self.machines[key[0]]
        others = [s for k, s in self.slots.items() if k[0] == key[0] and s.ends is None]
        machine.given_up |= any(s.log.reported.base & span(0, s.pages) for s in others)
        ran = self.ran_at.get(machine.process, -1) > slot.asked and (machine.reads or not machine.legacy)
        alone = sum(other.process == machine.process for other in self.machines.values()) == 1  # whose vCPU was it?
        if slot.unasked and ran and alone and slot.last_take and not machine.given_up and slot.known:
            self.report(key, "dropped", Act("drop", slot.unasked, ioctl), slot.unasked, NOTHING, slot.last_take)

    def drop(self, key: Key) -> None:
        """Forget a log, and say what is left to say of it."""
        slot = self.slots.get(key)
        if slot is None:
            return
        self.settle(key, slot)
        machine, owed = self.machines[key[0]], slot.unread()
        if machine.reads and owed.maybe and slot.last_take:
            self.report(key, "unread", slot.last_take, owed.sure, owed.doubt)
        elif not machine.reads and slot.untold and slot.untold_by:
            self.report(key, "untold", slot.untold_by, slot.untold, NOTHING)
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

    def judge(self, key: Key, slot: Slot, judged: Judged) -> None:
        act, certain, possible = judged
        if act.ioctl.doubtful:
            certain, possible = NOTHING, certain | possible
        if certain or possible:
            page = (certain or possible).first() or 0
            get, cleared = slot.history(act, page)
            case = self.case(key, slot, act, certain, cleared is not None)
            far = get is None and cleared is None and slot.forgotten and slot.reported.has(page)
            self.findings.add(replace(self.finding(key, case, act, certain, possible, get, cleared), far=far))

    def report(self, key: Key, case: str, act: Act, certain: Bits, possible: Bits, after: Act | None = None) -> None:
        """A finding of another rule than that of blind clears."""
        if act.ioctl.doubtful or not self.slots[key].known:
            certain, possible = NOTHING, certain | possible
        earlier = moment(after.ioctl) if after else None
        self.findings.add(self.finding(key, case, act, certain, possible, None, earlier))

    def finding(
        self,
        key: Key,
        case: str,
        act: Act,
        certain: Bits,
        possible: Bits,
        get: Moment | None,
        cleared: Moment | None,
    ) -> Finding:
        pages = certain or possible
        return Finding(
            file=self.findings.file,
            judgement=CERTAIN if certain else POSSIBLE,
            clear=moment(act.ioctl),
            vm=self.machines[key[0]].name,
            slot=key[1],
            ranges=tuple(islice(pages.ranges(), RANGES)),
            pages=pages.count(),
            mask=act.bits.count(),
            get=get,
            cleared=cleared,
            case=case,
        )

    def case(self, key: Key, slot: Slot, act: Act, certain: Bits, cleared: bool) -> str:
        """Which row of NEXT a blind CLEAR is."""
        if not certain:
            return "overlap" if slot.overlapped(act) or slot.known else "unknown"
        if self.machines[key[0]].legacy:
            return "legacy"
        if not cleared and not certain & slot.reported:
            return "initial"
        return "tail" if tail_of_a_word(certain, [act, *slot.recent]) else "stale"

    HANDLERS: ClassVar[Mapping[str, Callable[[Monitor, Ioctl], None]]] = {
        "vm": created,
        "cap": enabled,
        "region": region,
        "get": act,
        "clear": act,
        "reset": reset,
        "read": read,
    }
    HANDED: ClassVar[Mapping[type, Callable[[Monitor, Any], None]]] = {
        Ioctl: take,
        Damage: damaged,
        Gap: damaged,
        End: ended,
    }


def fresh(machine: Machine) -> Standing:
    """A new log: INITIALLY_SET starts it all ones, which counts as reported."""
    if machine.manual is None:
        return Standing(NOTHING, EVERY)
    return Standing(EVERY) if machine.manual & INITIALLY_SET else Standing()


def mask(ioctl: Ioctl, pages: int) -> Bits:
    """The pages of the slot that a CLEAR names; bits past its `num_pages` are ignored.

    Raises:
        BadBitmap: the mask is not in the form of a recording.
    """
    first, count = ioctl.values["first"], ioctl.values["n"]
    bits, _ = parse(ioctl.bm, max(0, min(count, pages - first)))
    return bits.shifted(first) if bits else bits


def within(ioctl: Ioctl, pages: int) -> Bits:
    """All pages that a read without a mask names."""
    return span(ioctl.values["first"], min(ioctl.values["first"] + ioctl.values["n"], pages))


def check(path: str) -> Findings:
    """Check one recording, as a stream.

    Raises:
        NotARecording: the file cannot be read or has no valid header.
    """
    with opened(path) as recording:
        return judged(recording)


def judged(recording: Recording) -> Findings:
    """Check a recording that is open."""
    if recording.trace:
        return tracelines.judged(recording)
    monitor = Monitor(recording.name)
    found = monitor.run(in_order(recording))
    if recording.end is None and recording.has_trailer:
        found.reason(
            "it has no trailer: the recorder was killed or the file was cut, and what the VMM did after the last line "
            "is not known"
        )
    elif recording.end is None:
        found.note("A recording of version 1 does not say where it ends: it was judged up to its last line.")
    elif recording.end.why == "detached":
        found.note("The recorder left the VMM running: it was judged up to then.")
    return found


def check_all(paths: Iterable[str]) -> Iterator[Findings]:
    """Each recording in turn."""
    return (check(path) for path in paths)
