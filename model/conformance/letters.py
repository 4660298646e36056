"""The visible letters of a design: what each of its moves shows of one page in a recording of ioctls.

A letter is what one recorded ioctl says of one page. A move of the design that no recording shows (a guest's write, a
collect, a read) has none. Which move is which ioctl is what `clearorder replay` performs (`model.kvm.acts`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from enum import IntEnum

from model.errors import CannotSay
from model.expr import PAGES, Expr, register, walk
from model.instance.ground_step import GroundStep
from model.instance.instance import Instance, Move
from model.instance.state import State
from model.kvm.acts import Acts
from model.kvm.interface import KERNEL
from model.parametric.views.one_page import OnePage, one_page
from model.program.program import Program

BY_GUEST = ("Guest", "Vcpu")


class Letter(IntEnum):
    """What one ioctl shows of one page.

    GET_0, GET_1: a GET reports the page or does not, and takes nothing away.
    TAKE_1: a GET reports the page and takes its bit away (no KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2).
    SOME_1: a GET reports the page; whether it takes the bit away is not known.
    CLEAR_0, CLEAR_1: the page is in the range of a CLEAR, and in its mask or not.
    ELSEWHERE: a CLEAR of a range that the page is not in.
    READ: a client reads the page, as a marker of the VMM says.
    NOTHING: a read of other pages.
    """

    GET_0 = 0
    GET_1 = 1
    TAKE_1 = 2
    SOME_1 = 3
    CLEAR_0 = 4
    CLEAR_1 = 5
    ELSEWHERE = 6
    READ = 7
    NOTHING = 8


MATCHES = {  # the letters of the design's moves that explain a recorded letter
    Letter.GET_0: (Letter.GET_0,),
    Letter.GET_1: (Letter.GET_1,),
    Letter.TAKE_1: (Letter.TAKE_1,),
    Letter.SOME_1: (Letter.GET_1, Letter.TAKE_1),
    Letter.CLEAR_0: (Letter.CLEAR_0,),
    Letter.CLEAR_1: (Letter.CLEAR_1,),
    Letter.ELSEWHERE: (Letter.CLEAR_0,),
    Letter.READ: (Letter.READ,),
}
STAYS = (Letter.ELSEWHERE, Letter.NOTHING)  # a page may be where it was before


class Reading:
    """A design as one page of it sees itself, and the letter of each of its moves.

    Attributes:
        instance: one page of the design, with everything else chosen in every way.
        larger: steps that compare sets of pages: what they do on one page depends on others, so more is allowed here.

    Raises:
        CannotSay: the design has no log `kernel`, or does with it what no ioctl of KVM does, or shows nothing.
        UsageError: a size does not fit the design.
    """

    def __init__(self, program: Program, sizes: dict[str, int]) -> None:
        found: OnePage = one_page(program, ())
        self.program, self.larger = program, found.larger
        self.instance = Instance(found.program, 1, sizes)
        self.acts = Acts(self.instance)
        self.log = self._log()
        self._refuse_peeking()
        self.steps = self._visible_steps()
        if self.steps.keys() <= {"read"}:
            raise CannotSay(f"{program.name} has no step that is a GET or a CLEAR, so a recording shows nothing of it.")
        self.relevant = relevant(self.instance, set(self.acts.interface.unread.values()))
        self.chosen = {step: self._chosen(step) for step in self.steps.get("clear", [])}

    def _log(self) -> int:
        log = self.acts.interface.log
        if log is None:
            raise CannotSay(f"{self.program.name} has rings and no log, so no GET or CLEAR shows anything of it.")
        return log

    def _visible_steps(self) -> dict[str, list[str]]:
        """kind of ioctl -> labels of the steps that are one; every step has been read when this is done."""
        shown: dict[str, list[str]] = {}
        seen: set[int] = set()
        for move in self.instance.moves:
            if id(move.ground) in seen:
                continue
            seen.add(id(move.ground))
            for kind in self._asked(move, self.instance.initial):
                if (label := move.ground.step.label) not in shown.get(kind, []):
                    shown.setdefault(kind, []).append(label)
        return shown

    @property
    def shows_reads(self) -> bool:
        """Whether a marker of a read is a move of the design: reads are steps of their own."""
        reads = set(self.steps.get("read", ()))
        return bool(reads) and reads.isdisjoint((*self.steps.get("get", ()), *self.steps.get("clear", ())))

    def _chosen(self, label: str) -> frozenset[str]:
        """What the operation of a step chooses that is never empty."""
        operation = next(s.operation for s in self.program.steps if s.label == label)
        begins = (s for s in self.program.steps if s.operation == operation and s.first)
        return frozenset(p.name for s in begins for p in s.params if p.kind in ("some", "page"))

    def chosen_here(self, number: int, before: State) -> tuple[str, set[str]]:
        """The label of a move's step, and what its operation chose for this page, or may have: nothing says."""
        move = self.instance.moves[number]

        def has(name: str) -> bool:
            if name in move.arguments:
                return bool(move.arguments[name])
            position = self.instance.position.get((register(name), move.ground.thread))
            return position is None or position not in self.relevant or bool(before[position])

        label = move.ground.step.label
        return label, {name for name in self.chosen[label] if has(name)}

    def _refuse_peeking(self) -> None:
        """Refuse a step that decides by the log without a GET: user space sees it by GET only."""
        for ground in self.instance.steps:
            if ground.sort not in BY_GUEST and any(_has_log(e) for e in _looked_at(self.instance, ground)):
                self._refuse(ground, "decides by the kernel's log itself")
            if any(_has_log(e) and not _reports(ground, e) for e in _kept(self.instance, ground)):
                self._refuse(ground, "looks at a part of the kernel's log")

    def _refuse(self, ground: GroundStep, does: str) -> None:
        raise CannotSay(
            f"{self.program.name}: {ground.step.label} {does}; user space sees it by KVM_GET_DIRTY_LOG only, "
            "which reports all of it, so no recording can be held against this design."
        )

    def letter(self, number: int, before: State) -> Letter | None:
        """What the move of this number shows of the page; None where no recording shows it.

        Raises:
            CannotSay: it is a GET and a CLEAR in one step, and not the GET that takes what it reports.
        """
        move = self.instance.moves[number]
        acts = self._asked(move, before)
        if acts.keys() <= {"read"}:
            return Letter.READ if acts.get("read") else None
        logged = before[self.log]
        if "get" not in acts:
            return Letter.CLEAR_1 if acts["clear"] else Letter.CLEAR_0
        if "clear" not in acts or not logged:
            return Letter.GET_1 if logged else Letter.GET_0
        if not acts["clear"]:
            raise CannotSay(
                f"{self.program.name}: {move.ground.step.label} looks at the log and takes a part of it in one step, "
                "as only the kernel itself can; to user space these are two ioctls. Put a yield between them."
            )
        return Letter.TAKE_1

    def _asked(self, move: Move, before: State) -> dict[str, int]:
        """ "get", "clear" and "read" with their pages, of a move that is one; a legacy GET is a GET and a CLEAR."""
        found = {a.kind: a.pages for a in self.acts(move, before) if a.kind in ("get", "clear", "take", "read")}
        if "take" in found:
            found["clear"] = found.pop("take")
            found["get"] = 0
        return found


def relevant(instance: Instance, unread: Collection[int]) -> frozenset[int]:
    """Positions of what a guard, the log or a read ever depends on; all else can be left out of a state.

    Args:
        unread: positions from which reads take; they are left out themselves where nothing else depends on them.
    """
    position = instance.position
    reads = [value for g in instance.steps for at, value in g.updates if at in unread]
    kept = {position[KERNEL, None]} | {p for g in instance.steps for e in g.guards for p in _fields(e, instance)}
    kept |= {p for p, field in enumerate(instance.fields) if field.role == "location"}
    kept |= {p for value in reads for p in _fields(value, instance) if p not in unread}
    while True:
        more = {
            p for g in instance.steps for at, value in g.updates if at in kept for p in _fields(value, instance)
        } - kept
        if not more:
            return frozenset(kept)
        kept |= more


def _fields(expr: Expr, instance: Instance) -> Iterator[int]:
    return (instance.position[e.args] for e in walk(expr) if e.op == "field")


def _looked_at(instance: Instance, ground: GroundStep) -> Iterator[Expr]:
    """What a step decides by: its guards, the truth values that it keeps, and the mask of its CLEAR."""
    yield from ground.guards
    yield from (v for p, v in ground.updates if v.sort != PAGES and instance.fields[p].role != "ghost")
    masks = (v for p, v in ground.updates if instance.fields[p].key == (KERNEL, None))
    yield from (a for v in masks for a in v.args if isinstance(a, Expr) and a.op != "field")


def _kept(instance: Instance, ground: GroundStep) -> Iterator[Expr]:
    """What a step keeps of pages, beside the log itself."""
    for position, value in ground.updates:
        field = instance.fields[position]
        if value.sort == PAGES and field.role != "ghost" and field.key != (KERNEL, None):
            yield value


def _reports(ground: GroundStep, value: Expr) -> bool:
    """The value has all of the log, and it is not the guest that takes it."""
    whole = value.op == "field" and value.args == (KERNEL, None)
    parts = value.args if value.op == "union" else ()
    return ground.sort not in BY_GUEST and (whole or any(_reports(ground, part) for part in parts))


def _has_log(expr: Expr) -> bool:
    return any(e.op == "field" and e.args[0] == KERNEL for e in walk(expr))
