"""Whether some other page is in a set: one truth value beside the bit of the page that is looked at.

A queue has room, or a buffer is empty, by what is in it of other pages. Where a step makes such a set out of others of
the kind and of pages that it chooses, it is known afterwards as well as before, and one page need not guess it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from model.expr import ALL, FALSE, NONE, PAGES, TRUE, TRUTH, Expr, make, node, walk
from model.expr.traversal import children
from model.program.program import Program, Variable
from model.program.step import Step, Update

WORD = "other pages in "


def flag(name: str) -> str:
    """The variable that says whether another page is in the set."""
    return f"{WORD}{name}"


def flags(program: Program, tracked: Collection[str]) -> tuple[Variable, ...]:
    """A truth value for each set that is tracked."""
    return tuple(
        Variable(flag(v.name), TRUTH, v.per, FALSE, f"some other page is in {v.name}", "part")
        for v in program.variables
        if v.name in tracked
    )


def trackable(program: Program) -> frozenset[str]:
    """Sets that steps compare with the empty set, and that steps make of single pages and of each other."""
    kept = {
        v.name
        for v in program.variables
        if v.sort == PAGES and v.initial is NONE and v.role == "part" and v.name in _asked(program)
    }
    updates = [(s, u) for s in program.steps for u in s.updates]
    while lost := {u.variable for s, u in updates if u.variable in kept and not _made(s, u, kept)}:
        kept -= lost
    return frozenset(kept)


def _asked(program: Program) -> set[str]:
    """Variables that stand in a comparison with the empty set."""
    roots = [e for s in program.steps for e in (*s.guards, *(u.value for u in s.updates))]
    empties = [e.args[0] for e in walk(*roots) if e.op == "subset" and e.args[1] is NONE] if roots else []
    return {str(x.args[0]) for e in empties for x in walk(e) if x.op == "var"}


def _made(step: Step, update: Update, kept: Collection[str]) -> bool:
    return Others(kept, single(step), lambda e: e, lambda e: TRUE).of(update.value) is not None


def single(step: Step) -> frozenset[str]:
    """Parameters of the step that are one page each."""
    return frozenset(p.name for p in step.params if p.kind == "page")


@dataclass(frozen=True)
class Others:
    """Whether an expression has another page in it than the one that is looked at.

    Attributes:
        tracked: sets of which that is known.
        single: parameters that are one page each; whether it is the one that is looked at is what is chosen.
        value: what a condition comes to on the one page.
        fresh: a truth value that is chosen anew, for an expression of which it may be either; None where none may be.
    """

    tracked: Collection[str]
    single: Collection[str]
    value: Callable[[Expr], Expr]
    fresh: Callable[[Expr], Expr] | None

    def of(self, e: Expr) -> Expr | None:
        """The truth value; None where it is not known."""
        match e.op:
            case "none":
                return FALSE
            case "var" if e.args[0] in self.tracked:
                return node("var", (flag(str(e.args[0])), e.args[1]), TRUTH)
            case "param" if e.args[0] in self.single:
                return make("subset", e, NONE)
            case "union":
                return self._union(e)
            case "choose":
                yes, no = self.of(e.args[1]), self.of(e.args[2])
                return None if yes is None or no is None else make("choose", self.value(e.args[0]), yes, no)
            case "minus":
                return self._minus(e)
        return None

    def _union(self, e: Expr) -> Expr | None:
        page = next((a for a in children(e) if a.op == "param" and a.args[0] in self.single), None)
        if page is not None and all(within(a, str(page.args[0])) for a in children(e)):
            return self.of(page)
        parts = [self.of(a) for a in children(e)]
        known = [p for p in parts if p is not None]
        return make("either", *known) if len(known) == len(parts) else None

    def _minus(self, e: Expr) -> Expr | None:
        """Less one page: if that is another, the set may have more of them or not."""
        before, page = self.of(e.args[0]), e.args[1]
        if before is None or page.op != "param" or page.args[0] not in self.single or self.fresh is None:
            return None
        here = make("negate", make("subset", page, NONE))
        return make("both", before, make("either", here, self.fresh(e)))


def within(e: Expr, page: str) -> bool:
    """The set is contained in that parameter."""
    if e.op == "param":
        return bool(e.args[0] == page)
    if e.op == "meet":
        return any(within(a, page) for a in children(e))
    if e.op == "union":
        return all(within(a, page) for a in children(e))
    if e.op == "minus":
        left, right = e.args
        twice = left is ALL and right.op == "minus" and right.args[0] is ALL and within(right.args[1], page)
        return twice or within(left, page)
    return e.op == "none"
