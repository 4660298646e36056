"""Is one page enough? Where no step relates two pages, a page never learns how many others there are.

The theorem and its proof are in docs/proofs.md; here its side conditions are put to z3, for the design at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from model.errors import CannotSay
from model.instance.problem import Problem
from model.parametric import logic
from model.parametric.logic import PAGE, Formula, Term, atom, bind, conj, disj, equal, iff, implies, neg
from model.parametric.reading import Reading, Transition
from model.parametric.samples import loosened
from model.parametric.solver import Question, fresh_context
from model.parametric.vocabulary import chosen_term, parameter
from model.program.program import Invariant, Program

ONE = Term("a page", PAGE)  # no constant and nothing chosen is called so


@dataclass(frozen=True)
class Independence:
    """Whether one page is enough.

    Attributes:
        holds: every side condition was discharged.
        reason: the first that was not, and of which step; empty where all were.
        conditions: how many were discharged.
        one_page: the program as one page of many sees it. Where `holds`, what is true in every reachable state of its
            instance with 1 page is true of the design with any number of pages, at the same numbers of all else.
    """

    holds: bool
    reason: str
    conditions: int
    one_page: Program


def pages_independent(
    program: Program, invariants: Sequence[Invariant], sizes: Mapping[str, int] | None = None, seconds: float = 5.0
) -> Independence:
    """Whether no step and no property relates two pages, so that a search with one page decides for any number.

    Args:
        sizes: index sorts that have exactly so many elements; all others have any number.
        seconds: for each side condition; one that z3 cannot tell in time refuses.
    """
    one_page = loosened(program)
    done, context = 0, fresh_context()
    try:
        reading, single = Reading(program, sizes, invariants), Reading(one_page, sizes, invariants)
        for what, transition, formula in _side_conditions(reading, single):
            if answer := _refuted(reading, transition, formula, seconds, context):
                return Independence(False, f"{what} ({answer})", done, one_page)
            done += 1
    except CannotSay as wrong:
        return Independence(False, wrong.message, done, one_page)
    return Independence(True, "", done, one_page)


def projected(f: Formula, page: Term) -> Formula:
    """What the formula says where `page` is the only page there is."""
    match f.op:
        case "atom" | "equal":
            return f
        case "not":
            return neg(projected(f.args[0], page))
        case "and" | "or":
            return (conj if f.op == "and" else disj)(*(projected(c, page) for c in f.args))
    bound, inside = f.args
    if bound.sort == PAGE:
        return projected(logic.instantiate(inside, {bound: page}), page)
    return bind(f.op, bound, projected(inside, page))


def _side_conditions(reading: Reading, single: Reading) -> Iterator[tuple[str, Transition | None, Formula]]:
    """(what fails if it does, the step whose choices it speaks of, the condition) each."""
    yield "the start relates two pages", None, implies(reading.initial, projected(single.initial, ONE))
    for step, alone in zip(reading.transitions, single.transitions, strict=True):
        seen = _choices(step, projected(alone.guard, ONE))
        yield f"{step.label}: its guard relates two pages", step, implies(step.guard, seen)
        for relation, sorts in reading.relations.items():
            terms = tuple(ONE if s == PAGE else logic.variable(s) for s in sorts)
            new, lone = step.after(relation, terms), projected(alone.after(relation, terms), ONE)
            same = iff(new, _choices(step, lone))
            for t in terms:
                same = same if t == ONE else bind("forall", t, same)
            yield f"{step.label}: what it makes of {relation} relates two pages", step, implies(step.guard, same)
    for rule in reading.invariants:
        whole = reading.says(rule)
        page = logic.variable(PAGE)
        yield f"{rule.name} relates two pages", None, implies(bind("forall", page, projected(whole, page)), whole)


def _choices(step: Transition, f: Formula) -> Formula:
    """The formula with each single page that the step chooses in place of the set that the one-page program chooses."""
    single = {parameter(p.name): chosen_term(p.name, PAGE) for p in step.step.params if p.kind == "page"}
    return logic.replace(f, lambda r, ts: equal(ts[0], single[r]) if r in single else atom(r, *ts))


def _refuted(reading: Reading, step: Transition | None, condition: Formula, seconds: float, context: Any) -> str:
    """z3's answer where the condition does not hold of every state, else nothing."""
    if condition is logic.TRUE:
        return ""
    constants = [t for terms in reading.constants.values() for t in terms]
    relations = {**reading.relations, **(step.chosen if step else {})}
    question = Question(reading.sorts, relations, [*constants, ONE, *(step.terms if step else ())], context)
    answer = question.ask(seconds, *reading.axioms.values(), neg(condition))
    return "" if answer == "unsat" else answer


def one_page(asked: Problem) -> Problem | None:
    """The problem as one of the pages sees it, or None where pages are related or there is one only."""
    if asked.pages == 1:
        return None
    found = pages_independent(asked.program, asked.invariants, asked.free_sizes)
    return replace(asked, program=found.one_page, pages=1) if found.holds else None
