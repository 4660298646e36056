"""A recording held against a design: forward, ioctl by ioctl, until nothing explains one or the recording ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, NoReturn

from model.conformance.answer import Answer
from model.conformance.automaton import START, Explanations
from model.conformance.letters import Letter
from model.conformance.lives import Life, Machine, Vm, as_event, least_pages
from model.conformance.offence import empty_mask, full_start, offence
from model.conformance.pages import Pages, TooMany
from model.errors import TooWide
from model.monitor.bitmap import BadBitmap
from model.monitor.recording import Damage, End, Gap, Ioctl, Item
from model.monitor.watch import LOGGED, MANUAL_PROTECT, RINGS

MOST_PAGES = 1 << 29  # of all slots together; a bit for each set that occurs in a block


class Over(Exception):
    """There is an answer, and the rest of the recording does not change it."""


class Trial:
    """Judges the ioctls of one recording, handed over in the order in which they began."""

    def __init__(self, file: str, explanations: Explanations) -> None:
        reading, self.explanations = explanations.reading, explanations
        self.answer = Answer(file, reading.program.name, reading.instance.free_sizes, reading.steps, reading.larger)
        self.machines: dict[Vm, Machine] = {}
        self.lives: dict[tuple[Vm, int], Life] = {}
        self.open: dict[tuple[Vm, int], Life] = {}
        self.creators: dict[int, int] = {}  # process -> the thread of it that creates VMs
        self.line, self.recorded_pages, self.over = 0, 0, False

    def feed(self, item: Item) -> bool:
        """The next of the recording; whether there is an answer that the rest does not change."""
        self.line = item.line
        return self._over(lambda: self._feed(item))

    def finish(self) -> Answer:
        """The recording is over."""
        self._over(lambda: self.close_before(None))
        if not self.over and any(m.reported == Letter.SOME_1 for m in self.machines.values()):
            self.answer.doubt(
                0, "whether GET takes what it reports is not known: neither capability 168 nor a CLEAR shows"
            )
        return self.answer

    def stopped(self, reason: str, interrupted: bool = False) -> None:
        """The rest of the recording is not read."""
        if not self.over:
            self.answer.doubt(self.line, reason)
            self.answer.interrupted, self.over = interrupted, True

    def _over(self, act: Callable[[], None]) -> bool:
        if not self.over:
            try:
                act()
            except Over:
                self.over = True
            except TooWide as limit:
                self.answer.doubt(self.line, limit.message)
                self.over = True
        return self.over

    def _feed(self, item: Item) -> None:
        if isinstance(item, Gap):
            self.close_before(item.first)
        if isinstance(item, Damage):
            self._stop(item.line, item.problem)
        elif not isinstance(item, End):
            self.take(item)

    def _stop(self, line: int, reason: str) -> NoReturn:
        self.answer.doubt(line, reason)
        raise Over

    def take(self, ioctl: Ioctl) -> None:
        """The next ioctl in the order of begins."""
        answer = self.answer
        if ioctl.time is not None and (answer.start is None or ioctl.time < answer.start):
            answer.start = ioctl.time
        if ioctl.doubtful:
            self._stop(ioctl.line, "a line before it cannot be used, and its ioctl may have come after this one")
        self.close_before(ioctl.begin)
        if not ioctl.worked:
            self._failed(ioctl)
            return
        if ioctl.kind in answer.counts:
            answer.counts[ioctl.kind] += 1
        handler = self.HANDLERS.get(ioctl.kind)
        if handler:
            handler(self, ioctl)

    def _failed(self, ioctl: Ioctl) -> None:
        """An ioctl that failed did nothing, except a GET that takes what it reports: copying may fail after that."""
        self.answer.counts["failed"] += 1
        machine = self.machines.get(ioctl.vm, Machine())
        life = self.lives.get((ioctl.vm, ioctl.values.get("slot", -1)))
        if life and life.ends is None and ioctl.kind == "get" and machine.reported != Letter.GET_1:
            self._stop(ioctl.line, "a GET failed that takes what it reports; what it took is not recorded")

    # -- what the VMM sets up

    def created(self, ioctl: Ioctl) -> None:
        """KVM_CREATE_VM: the descriptor is a new VM, whatever it was before."""
        vm = ioctl.vm
        creator = self.creators.setdefault(ioctl.process, ioctl.tid)
        if creator != ioctl.tid:
            self._stop(
                ioctl.line,
                f"thread {ioctl.tid} creates VM {vm[1]}, and thread {creator} created one before: are the ioctls of "
                "two VMMs mixed in this file?",
            )
        for key in [k for k in self.lives if k[0] == vm]:
            self.forget(key)
        self.machines[vm] = Machine(manual=0, created=True)

    def enabled(self, ioctl: Ioctl) -> None:
        machine = self.machines.setdefault(ioctl.vm, Machine())
        if ioctl.values["cap"] == MANUAL_PROTECT:
            machine.manual = ioctl.values["args"][0]
        elif ioctl.values["cap"] in RINGS and ioctl.values["args"][0]:
            self._stop(
                ioctl.line,
                "the VM turns dirty rings on: pages are then reported through shared memory, which is no GET; "
                "`clearorder monitor` judges what it harvests and resets",
            )

    def region(self, ioctl: Ioctl) -> None:
        """KVM_SET_USER_MEMORY_REGION: a log begins, ends, or goes on (moved, or other flags changed)."""
        key, values = (ioctl.vm, ioctl.values["slot"]), ioctl.values
        life = self.lives.get(key)
        live = life is not None and life.ends is None
        if not values["npages"] or not values["flags"] & LOGGED:
            if life and live:
                life.ends = ioctl.end
        elif not (life and live and life.pages.pages == values["npages"]):
            self.begin_life(key, values["npages"], self._start(ioctl))
            self.answer.slots += 1

    def _start(self, ioctl: Ioctl) -> int:
        """The set in which every page of a new log is."""
        full = self.machines.get(ioctl.vm, Machine()).starts_full
        if full is False and self.explanations.starts_full:
            self.answer.offence = full_start(self.explanations, ioctl)
            raise Over
        return START

    def begin_life(self, key: tuple[Vm, int], pages: int, start: int) -> Life:
        self.forget(key)
        self._counted(pages)
        self.answer.pages = max(self.answer.pages, pages)
        life = self.lives[key] = Life(*key, Pages(self.explanations, pages, start))
        return life

    def forget(self, key: tuple[Vm, int]) -> None:
        life = self.lives.pop(key, None)
        if life:
            self.recorded_pages -= life.pages.pages
            if life.group:
                self.open.pop(key, None)
                self.close(life)

    # -- GET and CLEAR

    def act(self, ioctl: Ioctl) -> None:
        """A GET, CLEAR or read: it waits until nothing that is still to come overlaps it."""
        key = ioctl.vm, ioctl.values["slot"]
        life = self.lives.get(key)
        machine = self.machines.setdefault(key[0], Machine())
        machine.clears |= ioctl.kind == "clear"
        if life is None or (life.ends is not None and ioctl.begin > life.ends):
            life = self._unseen(key, ioctl, machine, life)
        if life.unseen:
            self._grown(life, ioctl)
        if ioctl.values.get("first", 0) >= life.pages.pages:
            self._stop(
                ioctl.line, f"a range that begins at page {ioctl.values['first']}, past the end of slot {key[1]}"
            )
        try:
            made, fits = as_event(ioctl, machine, life.pages.pages)
        except BadBitmap as wrong:
            self._stop(ioctl.line, f"bm: {wrong}")
            return
        if not fits:
            self._stop(ioctl.line, f"bm reports pages past the end of slot {key[1]}")
        life.told(made)
        life.group.append(made)
        life.group_end = max(life.group_end, made.finish)
        self.open[key] = life

    def _unseen(self, key: tuple[Vm, int], ioctl: Ioctl, machine: Machine, ended: Life | None) -> Life:
        """A log that the recording has not shown to begin, of a VM that was there before.

        Its pages may be in any state; what nothing explains even then is an offence all the same.
        """
        said = f"{ioctl.kind.upper()} of slot {key[1]} worked, and the recording does not show where its log began"
        if machine.created or ended:
            self._stop(ioctl.line, said)
        self.answer.doubt(ioctl.line, said)
        life = self.begin_life(key, 0, self.explanations.any)
        life.unseen = True
        return life

    def _grown(self, life: Life, ioctl: Ioctl) -> None:
        """A log that began before has at least the pages that an ioctl speaks of."""
        try:
            pages = least_pages(ioctl)
        except BadBitmap as wrong:
            self._stop(ioctl.line, f"bm: {wrong}")
        more = max(pages - life.pages.pages, 0)
        self._counted(more)
        life.pages.grow(pages, self.explanations.any)

    def _counted(self, pages: int) -> None:
        self.recorded_pages += pages
        if self.recorded_pages > MOST_PAGES:
            self._stop(self.line, f"the slots have more than {MOST_PAGES:,} pages; no more are kept")

    def close_before(self, position: int | None) -> None:
        """Take the ioctls that ended before this position; None is the end."""
        for key, life in list(self.open.items()):
            if position is None or life.group_end < position:
                del self.open[key]
                self.close(life)

    def close(self, life: Life) -> None:
        """Take a group of ioctls that overlap."""
        for number, event in enumerate(life.group):
            if event.kind == "clear" and not event.bits and not self.explanations.clears_nothing:
                self.answer.offence = empty_mask(self.explanations, life, number)
                raise Over
        try:
            if len(life.group) == 1:
                page = life.pages.take(life.group[0])
                found = None if page is None else (0, page)
            else:
                found = life.pages.take_all(life.group)
        except TooMany:
            self._stop(life.group[0].line, f"{len(life.group)} ioctls of slot {life.slot} overlap: too many orders")
        if found is not None:
            self.answer.offence = offence(self.explanations, life, *found)
            raise Over
        life.remember()

    def read(self, ioctl: Ioctl) -> None:
        """A marker of a read: of a slot that is logged, and a design whose reads are steps of their own."""
        if not self.explanations.reading.shows_reads:
            self.answer.note(f"{self.answer.design} has no reads of its own, so markers of reads are left out.")
        elif (ioctl.vm, ioctl.values["slot"]) in self.lives:
            self.act(ioctl)

    HANDLERS: ClassVar[Mapping[str, Callable[[Trial, Ioctl], None]]] = {
        "vm": created,
        "cap": enabled,
        "region": region,
        "get": act,
        "clear": act,
        "read": read,
    }
