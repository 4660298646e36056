"""Which parts of a design are KVM's, as user space meets it: the log or rings, and what the guest's stores run into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from model.errors import CannotSay
from model.expr import NONE, PAGES, Expr, walk
from model.instance.ground_step import GroundStep
from model.instance.instance import Instance
from model.verify.stake import at_stake

KERNEL, RING, UNREAD = "kernel", "ring", "unread"
GUESTS = frozenset({"Guest", "Vcpu"})
MACHINE = GUESTS | {"Machine"}


@dataclass(frozen=True)
class Interface:
    """The positions of these parts in a state of an instance.

    Attributes:
        log: the bitmap, `kernel`; None of a design with rings.
        rings: for each vCPU the entries of its queue `ring`, the oldest first.
        protected: of a design with rings: the pages that a write takes out and RESET puts back.
        unread: for each client the pages whose newest content it lacks; 0 where all share one set.
        inside: parts that nobody but the processor and KVM see: the guest's steps look at them.
    """

    instance: Instance
    log: int | None
    rings: tuple[tuple[int, ...], ...]
    protected: int | None
    unread: Mapping[int, int]
    inside: frozenset[int]

    @classmethod
    def of(cls, instance: Instance) -> Interface:
        """Those of an instance.

        Raises:
            CannotSay: it has neither log nor ring, both, or starts in a state that KVM does not start in.
        """
        log, rings = instance.position.get((KERNEL, None)), _rings(instance)
        if log is None and not rings:
            raise CannotSay(f"{instance.program.name} has no shared part `kernel`, so there is no log to compare.")
        if log is not None and rings:
            raise CannotSay(f"{instance.program.name} has `kernel` and `ring`; a VM has a log or rings.")
        unread = dict(_unread(instance))
        shown = {log, *unread.values(), *(at for places in rings for at in places)}
        inside = frozenset(_looked_at(instance)) - shown
        found = cls(instance, log, rings, _protected(instance, rings), unread, inside)
        found._refuse_start()
        return found

    def _refuse_start(self) -> None:
        for at in (self.log, self.protected):
            if at is not None and self.instance.initial[at] not in (0, self.instance.full):
                raise CannotSay(
                    f"{self.instance.program.name} starts with part of its log set; KVM starts with none or all."
                )

    @property
    def initially_set(self) -> bool:
        """A new log reads all ones; with rings: it protects nothing."""
        if self.log is not None:
            return bool(self.instance.initial[self.log])
        return self.protected is not None and not self.instance.initial[self.protected]

    @cached_property
    def legacy(self) -> bool:
        """Every step that looks at the log empties it, and no other step does: KVM_GET_DIRTY_LOG as it was at first."""
        emptied = {
            id(g) for g in self.instance.steps if any(at == self.log and value is NONE for at, value in g.updates)
        }
        changed = {id(g) for g in self.instance.steps if g.sort not in GUESTS and self._changes_log(g)}
        looked = {id(g) for g in self.instance.steps if self.looks_at_log(g)}
        return bool(emptied) and emptied == changed == looked and not self.initially_set

    def _changes_log(self, ground: GroundStep) -> bool:
        return any(at == self.log for at, _ in ground.updates)

    def looks_at_log(self, ground: GroundStep) -> bool:
        """Something that user space has takes a value from the log."""
        return any(self._takes(*update) for update in ground.updates)

    def _takes(self, position: int, value: Expr) -> bool:
        field = self.instance.fields[position]
        if field.role == "ghost" or field.sort != PAGES or position in (self.log, *self.inside, *self.unread.values()):
            return False
        return any(e.op == "field" and e.args == (KERNEL, None) for e in walk(value))

    @property
    def names(self) -> str:
        """The parts inside, as a message names them."""
        return ", ".join(sorted({f"`{self.instance.fields[at].name.split('.')[0]}`" for at in self.inside}))


def _rings(instance: Instance) -> tuple[tuple[int, ...], ...]:
    """The entries of `ring[vcpu]`: a queue is a part for each entry, `ring.0` the oldest."""
    found = []
    for vcpu in range(instance.sizes.get("Vcpu", 0)):
        entries = [at for (name, number), at in instance.position.items() if _is_entry(name) and number == vcpu]
        found.append(tuple(sorted(entries, key=lambda at: int(instance.fields[at].name.partition(".")[2]))))
    return tuple(found) if any(found) else ()


def _is_entry(name: str) -> bool:
    return name.startswith(f"{RING}.")


def _unread(instance: Instance) -> Iterator[tuple[int, int]]:
    """(client, position) of what is at stake: of `unread` where there is one, for a design may have other ghosts."""
    fields = [*at_stake(instance)]
    named = [f for f in fields if f.name == UNREAD] or fields
    for field in named:
        yield field.number or 0, instance.position[field.key]


def _protected(instance: Instance, rings: tuple[tuple[int, ...], ...]) -> int | None:
    """The part that a push to a ring takes its page out of."""
    entries = {at for places in rings for at in places}
    for ground in instance.steps:
        updated = dict(ground.updates)
        if ground.sort in GUESTS and entries & set(updated):
            for at, value in updated.items():
                if at not in entries and value.op == "minus" and instance.fields[at].number is None:
                    return at
    return None


def _looked_at(instance: Instance) -> Iterator[int]:
    """The sets of pages that a step of the guest or of the processor asks for or copies from."""
    for ground in instance.steps:
        if ground.sort not in MACHINE:
            continue
        for where, expr in [(None, guard) for guard in ground.guards] + [*ground.updates]:
            for each in walk(expr):
                at = instance.position.get(each.args[:2]) if each.op == "field" else None
                if at is not None and at != where and _is_shared_set(instance, at):
                    yield at


def _is_shared_set(instance: Instance, at: int) -> bool:
    return instance.fields[at].sort == PAGES and instance.fields[at].role == "part"
