"""What a step of a design asks of KVM: stores by the guest, GET, CLEAR, RESET, a harvest, and pages that clients read.

It is read off the updates of the step. `kernel - X` is a CLEAR of X (of all ones where the design says NONE);
`kernel | X` by the guest a store to X; another part that takes a value from `kernel` is a GET, and one that takes it
while the step empties the log is the legacy GET. A pop of `ring[vcpu]` is a harvest of its oldest entry; what is added
to the part that a push takes from is a RESET. `unread[c] - X` is a read of X by client c.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from model.errors import CannotSay
from model.expr import ALL, NONE, Expr, make, show
from model.expr.algebra import fold, python_source
from model.instance.codegen import source_leaf
from model.instance.ground_step import GroundStep
from model.instance.instance import Instance, Move
from model.instance.state import State
from model.kvm.interface import GUESTS, Interface

Pages = Callable[[State, Mapping[str, int]], int]
ORDER = ("write", "touch", "store", "get", "take", "clear", "harvest", "reset", "forget", "read")
IOCTLS = frozenset({"get", "take", "clear", "reset"})
STORES = frozenset({"write", "touch", "store"})


@dataclass(frozen=True)
class Act:
    """One thing to do.

    Attributes:
        kind: by the guest "write" (a new version), "touch" (a store of what is there already); by the VMM "store",
            "get", "take" (a legacy GET), "clear", "harvest" (one entry), "reset", "read"; "forget": the client's copy
            is thrown away.
        pages: a bitmap of model pages.
        who: the vCPU that writes or is harvested, or the client that reads or forgets.
        all_ones: a CLEAR by a mask of all ones, whatever else is in the slot.
    """

    kind: str
    pages: int = 0
    who: int = 0
    all_ones: bool = False


@dataclass(frozen=True)
class _Row:
    """An act of a step, with its pages as a function of the state and of what was chosen."""

    kind: str
    pages: Pages
    who: int = 0
    all_ones: bool = False


class Acts:
    """What each move of an instance does on the kernel.

    Raises:
        CannotSay: the design has neither a log `kernel` nor a queue `ring` of each vCPU, or starts in a state that KVM
            does not start in. Later, of a move: it changes the log in a way that KVM has no ioctl for.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance, self.interface = instance, Interface.of(instance)
        self.known: dict[int, list[_Row]] = {}

    def __call__(self, move: Move, before: State) -> list[Act]:
        """What `move` does in the state `before` it, in an order that the kernel can take."""
        table = self.known.get(id(move.ground))
        if table is None:
            rows = sorted(self._table(move.ground), key=lambda row: ORDER.index(row.kind))
            table = self.known[id(move.ground)] = rows
        acts = [Act(row.kind, row.pages(before, move.arguments), row.who, row.all_ones) for row in table]
        return [a for a in acts if a.pages or a.kind not in STORES]

    def _table(self, ground: GroundStep) -> Iterator[_Row]:
        yield from self._of_the_log(ground)
        yield from self._of_the_rings(ground)
        yield from self._of_the_contents(ground)

    # -- the log

    def _of_the_log(self, ground: GroundStep) -> Iterator[_Row]:
        value = self._assigned(ground, self.interface.log)
        taken = self._change(ground, self.interface.log, value)[0] if value is not None else None
        looked = self.interface.looks_at_log(ground)
        if looked and taken is ALL and self.interface.legacy:
            yield self._row("take", ALL)
            return
        if looked:
            yield self._row("get", NONE)
        if taken is not None:
            yield self._row("clear", taken, all_ones=taken is ALL)

    def _of_the_rings(self, ground: GroundStep) -> Iterator[_Row]:
        if ground.sort in GUESTS:
            return
        updated = {position for position, _ in ground.updates}
        for vcpu, places in enumerate(self.interface.rings):
            if updated & set(places):
                yield self._row("harvest", NONE, who=vcpu)
        value = self._assigned(ground, self.interface.protected) if self.interface.rings else None
        if value is not None:
            given = self._change(ground, self.interface.protected, value)[1]
            if given is None:
                raise self._refused(ground, self.interface.protected, value, "only a write opens a page.")
            yield self._row("reset", given)

    # -- what pages hold

    def _of_the_contents(self, ground: GroundStep) -> Iterator[_Row]:
        """Stores, by the guest or by the VMM, and what clients read and forget."""
        by_guest = ground.sort in GUESTS
        marked, stored = self._marked(ground), NONE
        for client, position in self.interface.unread.items():
            value = self._assigned(ground, position)
            if value is None:
                continue
            taken, given = self._change(ground, position, value)
            if taken is not None:
                yield self._row("read", taken, who=client)
            elif given is not None and self.instance.fields[position].per == ground.sort:
                yield self._row("forget", given, who=client)
            elif given is not None:
                stored = make("union", stored, given)
        if not self.interface.unread:  # nobody says what the pages hold, so every mark is a write
            stored = marked
        vcpu = ground.thread if ground.sort == "Vcpu" else 0
        if not by_guest and marked is not NONE:
            value = self._assigned(ground, self.interface.log)
            raise self._refused(ground, self.interface.log, value, "a log gains bits by writes of the guest only.")
        if by_guest and (self.interface.inside or self.interface.rings or ground.sort == "Vcpu"):
            yield self._row("write", stored, who=vcpu)
        else:  # what KVM does not log was stored by the VMM itself
            yield self._row("write", make("meet", marked, stored), who=vcpu)
            yield self._row("store", make("minus", stored, marked))
        yield self._row("touch", make("minus", marked, stored), who=vcpu)

    def _marked(self, ground: GroundStep) -> Expr:
        """What a step adds to the log."""
        value = self._assigned(ground, self.interface.log)
        given = self._change(ground, self.interface.log, value)[1] if value is not None else None
        return NONE if given is None else given

    # -- expressions

    def _assigned(self, ground: GroundStep, position: int | None) -> Expr | None:
        return next((value for at, value in ground.updates if at == position), None)

    def _change(self, ground: GroundStep, position: int | None, value: Expr) -> tuple[Expr | None, Expr | None]:
        """The pages that a new value takes out of a field, and those that it puts in; one of them is None."""
        assert position is not None
        key = self.instance.fields[position].key
        if value is NONE:
            return ALL, None
        if value is ALL:
            return None, ALL
        rest = [a for a in value.args if not (isinstance(a, Expr) and a.op == "field" and a.args == key)]
        own = len(value.args) == 2 and len(rest) == 1
        if own and value.op == "minus" and value.args[1] is rest[0]:
            return rest[0], None
        if own and value.op == "meet":
            return make("minus", ALL, rest[0]), None
        if own and value.op == "union":
            return None, rest[0]
        raise self._refused(ground, position, value, "a log gains bits by writes of the guest and loses them by CLEAR.")

    def _refused(self, ground: GroundStep, position: int | None, value: Expr | None, why: str) -> CannotSay:
        assert position is not None and value is not None
        name = self.instance.fields[position].name
        step = ground.step.label
        return CannotSay(f"{self.instance.program.name}: {step} sets {name} := {show(value)}; on KVM {why}")

    def _row(self, kind: str, pages: Expr, *, who: int = 0, all_ones: bool = False) -> _Row:
        return _Row(kind, self._compiled(pages), who, all_ones)

    def _compiled(self, expr: Expr) -> Pages:
        """The pages of an expression as a function of the state and the move's parameters."""

        def leaf(e: Expr) -> str | None:
            if e.op == "field":
                return f"s[{self.instance.position[e.args]}]"
            return f"p[{e.args[0]!r}]" if e.op == "param" else source_leaf(e, self.instance.position)

        text: Any = fold(expr, python_source(self.instance.pages), leaf)
        compiled: Pages = eval(f"lambda s, p: {text}", {})  # noqa: S307 - our own text, made from the recorded tree
        return compiled
