"""Whether what a search of a small size has not seen never happens at any size: asked of views as an invariant."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from model.designs.catalogue import built_in_properties
from model.errors import CannotSay, UsageError
from model.expr import ALL, NONE, PAGES, TRUE, Expr, Index, node
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.limits import Limits
from model.program.observers import goals
from model.program.program import Invariant
from model.verdict import Proved, Refuted
from model.verify.beyond import viewed
from model.verify.clauses import Literal
from model.verify.coverage import Coverage

SECONDS = 2.0  # for each thing that was not seen
FIRES = "every_step_fires"


Key = Hashable  # the label of a step, the name of a flag, or the key of a fact


@dataclass(frozen=True)
class Looked:
    """What was not seen.

    Attributes:
        sure: what of it views exclude at every size, each with the scope of that proof.
    """

    missing: Coverage
    sure: Mapping[Key, str]


def at_any_size(problem: Problem, missing: Coverage, together: Mapping[Key, tuple[Literal, ...]]) -> Looked:
    """Leave out what does happen at a larger size; of a search that was cut short, keep only what views exclude.

    Args:
        problem: at a size of one page.
        together: of a fact, the literals that come to hold together; facts that are not in it cannot be asked.
    """
    from model.verify.result_text import scope

    sure: dict[Key, str] = {}

    def stays(key: Key, claim: Problem | None) -> bool:
        found = viewed(claim, Limits(seconds=SECONDS), any_pages=True) if claim else None
        if found and isinstance(found.verdict, Proved):
            sure[key] = scope(found.scope)
        return key in sure or (missing.whole and not (found and isinstance(found.verdict, Refuted)))

    steps = tuple(x for x in missing.steps if stays(x, _step(problem, x)))
    flags = tuple(x for x in missing.flags if stays(x, _flag(problem, x)))
    facts = frozenset(k for k in missing.facts if stays(k, _literals(problem, together.get(k, ()))))
    return Looked(Coverage(steps, facts, flags, True, missing.shrinks), sure)


def _step(problem: Problem, label: str) -> Problem | None:
    """The step is never taken."""
    fires = replace(built_in_properties()[FIRES], cases=lambda program: [label])
    try:
        ((_, watched, never),) = goals(problem.program, fires, {})
    except UsageError:
        return None
    return Problem(watched, (never,), 1, problem.sizes)


def _flag(problem: Problem, name: str) -> Problem:
    """No flag or set of pages of that name ever changes."""
    fields = [f for f in problem.instance.fields if f.name == name]
    now = {f: _value(problem.instance, f.name, f.number, f.sort) for f in fields}
    says = {f: (ALL <= v if f.initial else v <= NONE) if f.sort == PAGES else v for f, v in now.items()}
    kept = [v if f.initial or f.sort == PAGES else ~v for f, v in says.items()]
    return replace(problem, invariants=tuple(Invariant(name, v) for v in kept))


def _literals(problem: Problem, together: Sequence[Literal]) -> Problem | None:
    """The literals never hold together, of no page."""
    if not together or any(literal.leaf.op != "field" for literal in together):
        return None
    truth, pages = TRUE, ALL
    for literal in together:
        name, number = literal.leaf.args
        value = _value(problem.instance, name, number, literal.leaf.sort)
        if literal.leaf.sort == PAGES:
            pages = pages & value if literal.positive else pages - value
        else:
            truth = truth & (value if literal.positive else ~value)
    said = ~truth if pages is ALL else ~truth | (pages <= NONE)
    return replace(problem, invariants=(Invariant("it never happens", said),))


def _value(instance: Instance, name: str, number: int | None, sort: str) -> Expr:
    """A part as the program's own expression; of one per element, that element's."""
    per = instance.program.variable[name].per
    index = Index("const", per.name, per.call(number), number) if per and number is not None else None
    return node("var", (name, index), sort)


def says_nothing(problem: Problem) -> bool:
    """Whether z3 shows that what is asked holds of every state there could be, reachable or not."""
    from model.parametric.logic import neg
    from model.parametric.reading import Reading
    from model.parametric.solver import Question

    try:
        reading = Reading(problem.program, None, problem.invariants)
        says = [reading.says(i) for i in problem.invariants]
    except CannotSay:
        return False
    constants = [t for terms in reading.constants.values() for t in terms]
    question = Question(reading.sorts, reading.relations, constants)
    for formula in reading.axioms.values():
        question.suppose(formula)
    return all(question.ask(SECONDS, neg(formula)) == "unsat" for formula in says)
