"""What has to be true for an invariant to be inductive and to imply the property: small questions, each by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from model.parametric.logic import Formula, Term, free_terms
from model.parametric.reading import Reading, Transition
from model.parametric.smtlib import comment, declarations, text
from model.parametric.solver import Question


@dataclass(frozen=True)
class Condition:
    """Premises that must be possible together, and goals each of which must follow from them.

    Attributes:
        name: "start", "property", or the label of a step.
        premises, goals: named formulas over the state before the step.
        relations, terms: what the step itself chooses, beside the relations of a state.
    """

    name: str
    premises: Mapping[str, Formula]
    goals: Mapping[str, Formula]
    relations: Mapping[str, tuple[str, ...]]
    terms: tuple[Term, ...]

    def words(self, reading: Reading) -> tuple[tuple[str, ...], Mapping[str, tuple[str, ...]], tuple[Term, ...]]:
        """Sorts, relations and terms that premises and goals speak of."""
        constants = [t for terms in reading.constants.values() for t in terms]
        return reading.sorts, {**reading.relations, **self.relations}, (*constants, *self.terms)

    def preamble(self, reading: Reading) -> list[str]:
        """Declarations and premises in SMT-LIB 2."""
        lines = declarations(*self.words(reading))
        for name, formula in self.premises.items():
            lines += [comment(name), f"(assert {text(formula)})"]
        return lines

    def question(self, reading: Reading, context: Any = None) -> Question:
        """The premises for z3, in a context that others may share."""
        question = Question(*self.words(reading), context)
        for formula in self.premises.values():
            question.suppose(formula)
        return question


def conditions(
    reading: Reading, invariant: Mapping[str, Formula], property: Mapping[str, Formula]
) -> Iterator[Condition]:
    """Initiation, consecution for each step, and safety.

    That each thread is at one place is a conjunct like any other; only what the constants are is taken for granted.
    """
    conjuncts = {**reading.one_place, **invariant}
    yield Condition("start", {**reading.axioms, "start": reading.initial}, conjuncts, {}, ())
    for transition in reading.transitions:
        yield consecution(reading, conjuncts, transition)
    yield Condition("property", {**reading.axioms, **conjuncts}, property, {}, ())


def consecution(reading: Reading, conjuncts: Mapping[str, Formula], step: Transition) -> Condition:
    """Where every conjunct holds and the step is taken, every conjunct holds afterwards."""
    premises = {**reading.axioms, **conjuncts, f"the step {step.label}": step.guard}
    after = {name: step.then(formula) for name, formula in conjuncts.items()}
    return Condition(step.label, premises, after, step.chosen, step.terms)


Edge = tuple[str, str]


def edges(formulas: Iterable[Formula], finite: Collection[str] = ()) -> frozenset[Edge]:
    """Sort S to sort T where some element of T depends on one of S; sorts in `finite` do not count."""
    found: set[Edge] = set()

    def visit(f: Formula, positive: bool, on: dict[Term, frozenset[Term]]) -> None:
        """`on` says of each bound variable which universal ones it depends on (a universal one: on itself)."""
        if f.op in ("forall", "exists"):
            bound, inside = f.args
            if (f.op == "forall") == positive:
                visit(inside, positive, {**on, bound: frozenset({bound})})
            else:
                above = frozenset[Term]().union(*(on[t] for t in free_terms(f) if t in on))
                found.update((s.sort, bound.sort) for s in above)
                visit(inside, positive, {**on, bound: above})
            return
        flip = f.op == "not"
        for child in (a for a in f.args if isinstance(a, Formula)):
            visit(child, positive != flip, on)

    for formula in formulas:
        visit(formula, True, {})
    return frozenset((s, t) for s, t in found if s not in finite and t not in finite)


def cycle(graph: Iterable[Edge]) -> tuple[str, ...]:
    """Sorts that depend on each other in a circle, or nothing."""
    following: dict[str, set[str]] = {}
    for s, t in graph:
        following.setdefault(s, set()).add(t)

    def walk(path: tuple[str, ...]) -> tuple[str, ...]:
        for t in sorted(following.get(path[-1], ())):
            if t in path:
                return (*path[path.index(t) :], t)
            if found := walk((*path, t)):
                return found
        return ()

    return next((found for s in sorted(following) if (found := walk((s,)))), ())
