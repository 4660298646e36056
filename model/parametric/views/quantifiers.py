"""Quantifiers over any number of processes, as who takes part: "some client" is a partner, "every" is asked of all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from model.errors import CannotSay
from model.expr import PAGES, TRUTH, Index, indices, replace_index, rewrite, show, walk
from model.expr.nodes import ALL, FALSE, NONE, TRUE, Expr, make, node
from model.expr.traversal import children
from model.program.step import Step

QUANTIFIERS = ("for_all", "exists")
Universal = tuple[Index, Expr]  # a bound element, and what must hold of each


@dataclass(frozen=True)
class Variant:
    """A step whose quantifiers have been answered.

    Attributes:
        step: without quantifiers over open sorts; its guards ask of the witnesses what was to exist.
        witnesses: terms for processes that must exist.
        universal: what must hold of every element, those that take part included.
    """

    step: Step
    witnesses: tuple[Index, ...]
    universal: tuple[Universal, ...]


def variants(step: Step, free: Collection[str], pages: int = 1) -> Iterator[Variant]:
    """The step once for each way to answer what it asks about all processes; one at least fits a state.

    Where a guard holds all the more for one answer, the other answer needs no reason: the step is taken either way.

    Raises:
        CannotSay: a question about all processes stands inside another, or inside one about a sort of fixed size.
    """
    plain = _changed(step, lambda e: rewrite(e, lambda x: _as_truth(x, free, pages)))
    asked = list(dict.fromkeys(q for e in _roots(plain) for q in _outermost(e, free, step.label)))
    for q in asked:
        _closed(q, step.label)
    helps = [_helps(plain, q) for q in asked]
    for answers in product((True, False), repeat=len(asked)):
        known = {id(q): TRUE if yes else FALSE for q, yes in zip(asked, answers, strict=True)}
        settled = _changed(plain, lambda e, known=known: rewrite(e, lambda x: known.get(id(x))))  # type: ignore[misc]
        if any(g is FALSE for g in settled.guards):
            continue
        needed = [(q, yes) for q, yes, by in zip(asked, answers, helps, strict=True) if by in (None, yes)]
        yield _variant(settled, needed, free, pages)


def _helps(step: Step, q: Expr) -> bool | None:
    """The answer with which every guard holds that holds with the other; None where the answer matters otherwise."""
    if any(x is q for u in step.updates for x in walk(u.value)):
        return None
    signs = {sign for guard in step.guards for sign in _signs(guard, q, True)}
    return signs.pop() if len(signs) == 1 else None


def _signs(e: Expr, q: Expr, sign: bool) -> Iterator[bool | None]:
    """For each place where the question stands: the answer that helps there."""
    if e is q:
        yield sign
    elif e.op == "negate":
        yield from _signs(e.args[0], q, not sign)
    elif e.op in ("both", "either"):
        for child in children(e):
            yield from _signs(child, q, sign)
    elif any(x is q for x in walk(e)):
        yield None


def _variant(step: Step, answers: Sequence[tuple[Expr, bool]], free: Collection[str], pages: int) -> Variant:
    guards, witnesses, universal = list(step.guards), [], []
    for number, (q, yes) in enumerate(answers):
        if (q.op == "exists") == yes:
            wanted, found = hoisted(q if yes else make("negate", q), free, step.label, f"of {number}", pages)
            guards.append(wanted)
            witnesses += found
        else:
            body = q.args[1] if yes else make("negate", q.args[1])
            _refuse(body, free, step.label)
            universal.append((q.args[0], body))
    return Variant(replace(step, guards=tuple(guards)), tuple(witnesses), tuple(universal))


def hoisted(expr: Expr, free: Collection[str], what: str, name: str = "", pages: int = 1) -> tuple[Expr, list[Index]]:
    """A condition without quantifiers over the sorts in `free`, and a term for each process that it asks to exist.

    The condition holds where some choice of processes for these terms makes the result hold.

    Raises:
        CannotSay: it asks something of all processes at once.
    """
    witnesses: list[Index] = []

    def go(e: Expr, wanted: bool) -> Expr:
        if e.op in QUANTIFIERS and e.sort == TRUTH and e.args[0].sort in free and (e.op == "exists") == wanted:
            term = Index("param", e.args[0].sort, f"witness {len(witnesses)} {name}")
            witnesses.append(term)
            return go(replace_index(e.args[1], e.args[0], term), wanted)
        if e.op == "negate":
            return make("negate", go(e.args[0], not wanted))
        if e.op in ("both", "either"):
            return make(e.op, *(go(a, wanted) for a in children(e)))
        return e

    result = go(rewrite(expr, lambda x: _as_truth(x, free, pages)), True)
    _refuse(result, free, what)
    return result, witnesses


def _refuse(expr: Expr, free: Collection[str], what: str) -> None:
    for e in walk(expr):
        if e.op in QUANTIFIERS and e.args[0].sort in free:
            sort = e.args[0].sort.lower()
            raise CannotSay(
                f"{what} asks about every {sort} at once ({show(e)}) inside another question; keep what it asks for "
                f"in a shared part that each {sort} changes itself"
            )


def _as_truth(e: Expr, free: Collection[str], pages: int) -> Expr | None:
    """A set gathered from processes, page by page: all of it or nothing."""
    if e.op not in QUANTIFIERS or e.sort != PAGES or e.args[0].sort not in free:
        return None
    gathered = rewrite(e.args[1], lambda x: _as_truth(x, free, pages))
    found = NONE
    for page in [ALL] if pages == 1 else [node("these", (1 << n,), PAGES) for n in range(pages)]:
        inside = make("negate", make("subset", make("meet", gathered, page), NONE))
        found = make("union", found, make("choose", node(e.op, (e.args[0], inside), TRUTH), page, NONE))
    return found


def _outermost(e: Expr, free: Collection[str], what: str) -> Iterator[Expr]:
    if e.op in QUANTIFIERS:
        if e.args[0].sort in free:
            yield e
            return
        _refuse(e.args[1], free, what)
    for child in children(e):
        yield from _outermost(child, free, what)


def _closed(q: Expr, what: str) -> None:
    """Raises CannotSay where the question is another for each element of an assignment to all."""
    if any(i.kind == "each" for i in indices(q)):
        raise CannotSay(f"{what} asks about all at once ({show(q)}) for each element that it changes; do it one by one")


def _roots(step: Step) -> list[Expr]:
    return [*step.guards, *(u.value for u in step.updates)]


def _changed(step: Step, change: Callable[[Expr], Expr]) -> Step:
    updates = tuple(replace(u, value=change(u.value)) for u in step.updates)
    return replace(step, guards=tuple(map(change, step.guards)), updates=updates)
