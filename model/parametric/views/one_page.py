"""A program as one of its pages sees it, for any number of them: exact where pages are independent, else too large.

Every run of the design, looked at on any one page, is a run of the result. Where a step compares sets of pages, what
the other pages say is a truth value that is chosen anew; in a guard that only asks for it, it is taken to be yes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import lcm

from model.errors import CannotSay
from model.expr import NONE, PAGES, TRUE, TRUTH, Expr, Index, indices, make, node, show, walk
from model.expr.traversal import children
from model.parametric.views.elsewhere import Others, flag, flags, single, within
from model.parametric.views.fragment import said_at
from model.program.program import Invariant, Program
from model.program.step import Param, Step, Update

COMPARES = ("subset", "equal")
MOVES = ("spread", "shift")
ELSEWHERE = "elsewhere"
ONE_OR_NONE = "one or none"  # a parameter that is one page, which need not be one of those that are looked at


@dataclass(frozen=True)
class OnePage:
    """The program of one page, and the steps that were made to allow more than they do, with what of them."""

    program: Program
    larger: tuple[str, ...]


def one_page(
    program: Program, invariants: Sequence[Invariant], tracked: Collection[str] = (), group: int = 1
) -> OnePage:
    """What any one page sees. A safe result is a safe design; a violation has to be replayed on whole pages.

    Args:
        tracked: sets of which is known whether another page is in them (`elsewhere.trackable`).
        group: pages that are looked at together, as `whole` rounds to them; the result is for up to so many pages.

    Raises:
        CannotSay: an invariant relates two pages, so that no single page shows its violation.
    """
    for rule in invariants:
        if not _page_by_page(rule.holds):
            raise CannotSay(
                f"{rule.name} relates two pages, and one page is looked at; ask for something that holds of each page"
            )
    made = [_step(s, tracked, group) for s in program.steps]
    variables = (*program.variables, *flags(program, tracked))
    steps = tuple(s for s, _ in made)
    return OnePage(replace(program, variables=variables, steps=steps), tuple(w for _, w in made if w))


def _page_by_page(e: Expr) -> bool:
    """The truth value holds where it holds on each page alone."""
    match e.op:
        case "subset" | "equal":
            return not any(x.op in MOVES or (x.op == "choose" and compares(x.args[0])) for x in walk(e))
        case "both":
            return all(map(_page_by_page, e.args))
        case "either":
            return all(map(_page_by_page, e.args)) and sum(not _on_any_page(a) for a in e.args) <= 1
        case "for_all":
            return _page_by_page(e.args[1])
        case "choose" if not compares(e.args[0]):
            return all(map(_page_by_page, e.args[1:]))
    return _on_any_page(e)


def _on_any_page(e: Expr) -> bool:
    """The truth value holds where it holds on some one page."""
    if e.op in ("both", "either"):
        return all(map(_on_any_page, e.args))
    return not compares(e) or (e.op == "negate" and _on_every_page(e.args[0]))


def _on_every_page(e: Expr) -> bool:
    """Where the truth value holds, it holds on each page."""
    if e.op in ("both", "either"):
        return all(map(_on_every_page, e.args))
    if e.op in ("for_all", "exists"):
        return _on_every_page(e.args[1])
    return not compares(e) or (e.op in COMPARES and _page_by_page(e))


def of_each(e: Expr) -> Index | None:
    """An element in it that stands for every one of a sort in turn, from outside of the expression; None if none."""
    inside = {x.args[0] for x in walk(e) if x.op in ("for_all", "exists")}
    return min((i for i in indices(e) if i.kind in ("each", "bound") and i not in inside), key=str, default=None)


def compares(e: Expr) -> bool:
    """Whether sets of pages are compared somewhere in it."""
    return any(x.op in COMPARES for x in walk(e))


def group_of(program: Program) -> int:
    """So many pages have to be looked at together for every `whole` to be seen."""
    roots = [e for s in program.steps for e in (*s.guards, *(u.value for u in s.updates))]
    return lcm(*(e.args[1] for e in walk(*roots) if e.op == "spread")) if roots else 1


def _step(step: Step, tracked: Collection[str], group: int) -> tuple[Step, str]:
    """The step on one page, and what of it was made larger."""
    reader = _Reader(single(step), tracked, group)
    with said_at(step.place):
        guards = tuple(reader.asked(g) for g in step.guards)
        updates = tuple(u for old in step.updates for u in reader.updates(old))
    kinds = {"some": "any", "page": "any" if group == 1 else ONE_OR_NONE}
    params = [replace(p, kind=kinds.get(p.kind, p.kind)) for p in step.params]
    params += [Param(name, "any") for name in reader.fresh]
    why = f"{step.label} relates pages" if reader.fresh else ""
    return replace(step, guards=guards, updates=updates, params=tuple(params)), why


@dataclass
class _Reader:
    """Expressions of one step on one page.

    Attributes:
        single: parameters that are one page each.
        tracked: sets of which is known whether another page is in them.
        group: pages that are looked at.
        fresh: what is chosen anew, by name.
    """

    single: Collection[str]
    tracked: Collection[str]
    group: int
    fresh: list[str] = field(default_factory=list)
    _known: dict[tuple[str, int], Expr] = field(default_factory=dict)
    _memo: dict[int, Expr] = field(default_factory=dict)

    def asked(self, e: Expr) -> Expr:
        """A guard: where a comparison is only asked for, what other pages say of it is taken to be yes."""
        if e.op in COMPARES:
            plain = make(e.op, *(self.value(a) for a in e.args))
            others = self._empty(e, None)
            return plain if others is None else make("both", plain, others)
        if e.op == "negate" and e.args[0].op in COMPARES and of_each(e.args[0]):
            others = self._empty(e.args[0], None)
            return TRUE if others is None else make("negate", self.asked(e.args[0]))
        if e.op in ("both", "either") and e.sort == TRUTH:
            return make(e.op, *map(self.asked, e.args))
        if e.op in ("for_all", "exists") and e.sort == TRUTH:
            return node(e.op, (e.args[0], self.asked(e.args[1])), TRUTH)
        return self.value(e)

    def updates(self, update: Update) -> Iterator[Update]:
        """An assignment, and what it makes of other pages."""
        yield replace(update, value=self.value(update.value))
        if update.variable in self.tracked:
            others = Others(self.tracked, self.single, self.value, self._fresh).of(update.value)
            assert others is not None, "trackable"
            yield replace(update, variable=flag(update.variable), value=others)

    def _fresh(self, e: Expr) -> Expr:
        return _yes(self._choice("others", e))

    def _empty(self, e: Expr, fresh: Callable[[Expr], Expr] | None) -> Expr | None:
        """Whether a set has no other page in it, where that is what is asked and it is known."""
        if e.op != "subset" or e.args[1] is not NONE:
            return None
        others = Others(self.tracked, self.single, self.value, fresh).of(e.args[0])
        return None if others is None else make("negate", others)

    def value(self, e: Expr) -> Expr:
        """Any value, exactly as it is on this page for some choice of what is fresh."""
        if id(e) not in self._memo:
            self._memo[id(e)] = self._value(e)
        return self._memo[id(e)]

    def _value(self, e: Expr) -> Expr:
        if e.op in ("for_all", "exists") and (compares(e) or any(map(self._leaves, walk(e)))):
            raise CannotSay(
                f"a question about all whose inside relates pages ({show(e)}); keep what is asked in a flag "
                f"that is set where it is known"
            )
        if self._leaves(e):
            there = self._choice("pages", e)
            return make("union", self.value(e.args[0]), there) if e.op == "spread" else there
        plain = self._rebuilt(e)
        return make("both", plain, self._elsewhere(e)) if e.op in COMPARES else plain

    def _leaves(self, e: Expr) -> bool:
        """What it makes of a page depends on pages that are not looked at."""
        return e.op == "shift" or (e.op == "spread" and self.group % e.args[1] != 0)

    def _rebuilt(self, e: Expr) -> Expr:
        if not any(True for _ in children(e)):
            return e
        args = tuple(self.value(a) if isinstance(a, Expr) else a for a in e.args)
        return node(e.op, args, e.sort) if e.op in ("for_all", "exists") else make(e.op, *args)

    def _elsewhere(self, e: Expr) -> Expr:
        """Whether the comparison holds on all other pages."""
        if (empty := self._empty(e, self._fresh)) is not None:
            return empty
        page = self._bound(e)
        if page is None:
            return _yes(self._choice("others", e))
        here = _yes(node("param", (page,), PAGES))
        there = _rewritten(e, lambda leaf: self._other(leaf, page))
        return make("either", here, there)

    def _other(self, leaf: Expr, page: str) -> Expr:
        """A set on the one page that `page` is, where that is another page."""
        if leaf.op in ("none", "all"):
            return leaf
        if leaf.op == "param" and leaf.args[0] == page:
            return node("all", (), PAGES)
        return self._choice(page, leaf)

    def _bound(self, e: Expr) -> str | None:
        """A parameter of one page outside of which the comparison says nothing, or None."""
        if e.op != "subset" or any(x.op in (*MOVES, "choose", "for_all", "exists") for x in walk(e)):
            return None
        return next((p for p in sorted(self.single) if within(e.args[0], p)), None)

    def _choice(self, what: str, e: Expr) -> Expr:
        """A value that is chosen anew, the same wherever the step speaks of that.

        Raises:
            CannotSay: it may be another for each element of a sort, and one is chosen.
        """
        if index := of_each(e):
            sort = index.sort.lower()
            raise CannotSay(
                f"what one page does not see of {show(e)} may differ from {sort} to {sort}; keep what is asked in a "
                f"flag that each {sort} sets itself"
            )
        key = what, id(e)
        if key not in self._known:
            name = f"{ELSEWHERE}_{len(self.fresh)}"
            self.fresh.append(name)
            self._known[key] = node("param", (name,), PAGES)
        return self._known[key]


def _rewritten(e: Expr, leaf: Callable[[Expr], Expr]) -> Expr:
    """The same tree over other leaves."""
    if not any(True for _ in children(e)):
        return leaf(e)
    return make(e.op, *(_rewritten(a, leaf) if isinstance(a, Expr) else a for a in e.args))


def _yes(chosen: Expr) -> Expr:
    return make("negate", make("subset", chosen, NONE))
