"""Proof for any number of pages and threads: find an inductive invariant, then prove it from the definition.

An attempt that fails is never called a counterexample: the state it ends in may be unreachable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING, Any

from model.errors import CannotSay
from model.limits import Limits, Progress
from model.program.program import Invariant, Program
from model.verdict import Proved, Undetermined, Verdict

if TYPE_CHECKING:
    from model.parametric.clauses import Clause
    from model.parametric.inference.search import Search, Stuck
    from model.parametric.logic import Formula
    from model.parametric.reading import Reading
    from model.parametric.samples import Samples

Sizes = Sequence[tuple[int, int]]
SECONDS = 60.0  # without a limit
BUDGET = 30  # clauses that an attempt of the search may take in
QUESTION = 10.0  # seconds for one question of the final proof
SIZES = (  # pages, and elements of each sort, at which the search asks its solver; where those mislead it, the next
    ((2, 3), (2, 1)),
    ((3, 4), (2, 2), (2, 1), (1, 1)),
)


@dataclass(frozen=True)
class Conjunct:
    """One clause of an invariant.

    Attributes:
        text: in the words of the design.
        formula: as the certificate states it.
        needed_by: labels of the steps that would break another clause without it, and "the property itself".
    """

    text: str
    formula: Formula
    needed_by: tuple[str, ...]


@dataclass(frozen=True)
class InductiveInvariant:
    """Why a property holds for any number: it follows from conjuncts that hold at the start and that no step breaks.

    Attributes:
        reading: the program over uninterpreted sorts; `reading.sizes` are sorts of fixed size.
        invariants: what was asked.
        questions: how many were answered "unsat" in the final proof.
        impossible: steps that the search saw no state allow, in small instances; a proof says nothing of them.
    """

    reading: Reading
    invariants: tuple[Invariant, ...]
    conjuncts: tuple[Conjunct, ...]
    questions: int
    impossible: tuple[str, ...] = ()

    def __str__(self) -> str:
        width = max((len(c.text) for c in self.conjuncts), default=0)
        return "\n".join(f"{c.text:<{width}}   for {', '.join(c.needed_by)}" for c in self.conjuncts)


@dataclass(frozen=True)
class CounterexampleToInduction:
    """A state that every clause found allows and that violates the property, or leads out; it may be unreachable.

    Attributes:
        sizes: elements of each sort, pages included.
        state, after: relation -> the tuples of element numbers it holds of; `after` is None where `state` is bad.
        step: label of the step from `state` to `after`.
    """

    sizes: Mapping[str, int]
    state: Mapping[str, tuple[tuple[int, ...], ...]]
    after: Mapping[str, tuple[tuple[int, ...], ...]] | None = None
    step: str = ""

    def __str__(self) -> str:
        size = ", ".join(f"{n} {s.lower()}{'s' if n > 1 else ''}" for s, n in self.sizes.items() if s != "Guest")
        lines = [f"a state that may be unreachable ({size}):", *_lines(self.state)]
        if self.after is not None:
            lines += [f"after {self.step}:", *_lines(self.after)]
        return "\n".join(lines)


def prove(
    program: Program,
    invariants: Sequence[Invariant],
    limits: Limits | None = None,
    *,
    sizes: Mapping[str, int] | None = None,
    sampling: bool = True,
) -> Verdict:
    """Prove the invariants for any number of pages and of every index sort, or say why not.

    Args:
        program: a recorded (and, where the property has ghosts, observed) design.
        invariants: what must hold in every state; none asked is undetermined.
        limits: seconds, 60 without; other limits have no meaning here.
        sizes: index sorts that have exactly so many elements, such as {"Client": 1}.
        sampling: look at states of small instances first; without them the search is slower and finds less.

    Returns:
        Proved(detail=InductiveInvariant), or Undetermined(reason, detail=CounterexampleToInduction or None).
        Never Refuted.
    """
    begin = monotonic()
    limits = limits or Limits()
    until = begin + (SECONDS if limits.seconds is None else limits.seconds)
    try:
        answer = _prove(program, tuple(invariants), dict(sizes or {}), until, sampling, limits)
    except CannotSay as wrong:
        answer = Undetermined(reason=wrong.message)
    except KeyboardInterrupt:
        answer = Undetermined(reason="interrupted", interrupted=True)
    return replace(answer, engine="inductive", seconds=monotonic() - begin)


def _prove(
    program: Program,
    asked: tuple[Invariant, ...],
    sizes: Mapping[str, int],
    until: float,
    sampling: bool,
    limits: Limits,
) -> Verdict:
    from model.parametric.inference.search import OutOfTime, Stuck
    from model.parametric.reading import Reading

    if not asked:
        return Undetermined(reason="no property was asked")
    reading = Reading(program, sizes, asked)
    try:
        samples = _samples(reading, sampling, until)
    except Violated as seen:
        return Undetermined(reason=str(seen), detail=seen)
    reason = ""
    if monotonic() > until:
        return Undetermined(reason="the time limit was reached while states of small instances were looked at")
    for sizes_asked in SIZES:
        try:
            search = _found(reading, samples, sizes_asked, until, limits)
        except Stuck as stuck:
            return _stuck(reading, stuck)
        except OutOfTime as late:
            reason = "the time limit was reached before an inductive invariant was found"
            return Undetermined(reason=_explained(reading, reason), detail=_decoded_state(late.last))
        found = InductiveInvariant(reading, asked, _conjuncts(search, search.clauses), 0, tuple(search.impossible()))
        questions, reason = check(found, until)
        if not reason:
            return Proved(detail=replace(found, questions=questions))
        if not reason.startswith("sat"):
            break
    return Undetermined(reason=_explained(reading, reason))


def _found(reading: Reading, samples: Samples, sizes: Sizes, until: float, limits: Limits) -> Search:
    """A search that has ended; an unlucky one is begun anew with other choices and a larger budget."""
    from model.parametric.inference.search import OutOfLuck

    for attempt in count():
        search = _search(reading, samples.copy(), sizes, until, limits)
        search.attempt, search.budget = attempt, BUDGET * (1 + attempt // 3)
        with suppress(OutOfLuck):
            search.run()
            search.trim()
            return search
    raise AssertionError


class Violated(Exception):
    """A state of a small instance violates what was asked: a finite engine finds the trace at that size."""

    def __init__(self, what: str, pages: int, sizes: Mapping[str, int]) -> None:
        super().__init__(f"a reachable state of a small instance ({what}) violates it; a finite engine finds the trace")
        self.what, self.pages, self.sizes = what, pages, dict(sizes)

    def __reduce__(self) -> tuple[Any, ...]:
        return Violated, (self.what, self.pages, self.sizes)


def _samples(reading: Reading, sampling: bool, until: float) -> Samples:
    """Reachable states of small instances; Violated where one of them is a reason not to try."""
    from model.parametric.samples import Samples, initial, reachable

    if not sampling:
        return initial(reading)
    real = reachable(reading, PLAN, Samples(reading), until=until)
    if real.violated:
        raise Violated(real.violation(), real.violated.pages, real.violated.free_sizes)
    wide = reachable(reading, WIDE, Samples(reading), one_of_many=True, until=until)
    return real if wide.violation() else Samples(reading, [*real.batches, *wide.batches])


PLAN = ((1, 2, 20_000, 3.0), (1, 3, 6_000, 3.0), (2, 2, 3_000, 3.0), (2, 3, 1_500, 3.0))
WIDE = ((1, 2, 50_000, 3.0), (1, 3, 20_000, 3.0), (1, 4, 4_000, 3.0))


def _search(reading: Reading, samples: Samples, sizes: Sizes, until: float, limits: Limits) -> Search:
    from model.parametric.inference.finite_model import Ground
    from model.parametric.inference.search import Search
    from model.parametric.logic import PAGE, conj
    from model.parametric.samples import small

    wanted = [
        {**dict.fromkeys(reading.sorts, 1), **small(reading, k, n, reading.program).sizes, PAGE: k} for k, n in sizes
    ]
    distinct = [size for i, size in enumerate(wanted) if size not in wanted[:i]]
    goal = conj(*(reading.says(i) for i in reading.invariants))

    def late() -> bool:
        if limits.report:
            limits.report(Progress("inductive", 0, 0))
        return monotonic() > until

    return Search(reading, goal, samples, [Ground(reading, size) for size in distinct], late)


def _conjuncts(search: Search, clauses: Sequence[Clause]) -> tuple[Conjunct, ...]:
    from model.parametric.sentences import sentence

    return tuple(Conjunct(sentence(search.reading, c), c.formula, tuple(search.needed_by(c))) for c in clauses)


def check(found: InductiveInvariant, until: float) -> tuple[int, str]:
    """Ask every question of the proof from the definition, each by itself: (questions, why not proved or nothing).

    The reason starts with z3's answer: "sat" where a conjunct does not follow, "unknown" where it cannot tell.
    """
    from model.parametric.logic import neg
    from model.parametric.solver import fresh_context

    number, context = 0, fresh_context()
    for condition in conditions_of(found):
        question = condition.question(found.reading, context)
        if condition.name == "start" and question.ask(QUESTION) == "unsat":
            return number, "unsat, when asked for a state to start in: everything would follow"
        for goal, formula in condition.goals.items():
            left = until - monotonic()
            if left <= 0:
                return number, "unknown: the time limit was reached while the invariant was being proved"
            answer = question.ask(min(left, QUESTION), neg(formula))
            if answer != "unsat":
                return number, f"{answer}, when asked whether {condition.name} keeps: {goal}"
            number += 1
    return number, ""


def conditions_of(found: InductiveInvariant) -> Iterator[Condition]:
    """The questions of the proof: the start, each step, the property."""
    from model.parametric.obligations import conditions

    named = {f"{n}: {c.text}": c.formula for n, c in enumerate(found.conjuncts, 1)}
    return conditions(found.reading, named, {i.name: found.reading.says(i) for i in found.invariants})


def _explained(reading: Reading, reason: str) -> str:
    """z3's answer, and where the question was outside of what it can decide, which one and why."""
    from model.parametric.logic import neg
    from model.parametric.obligations import conditions, cycle, edges

    fixed = [s for s, n in reading.sizes.items() if n]
    says = {i.name: reading.says(i) for i in reading.invariants}
    for condition in conditions(reading, says, says):
        for formula in condition.goals.values():
            if circle := cycle(edges([*condition.premises.values(), neg(formula)], fixed)):
                return (
                    f"{reason}. {condition.name} leaves the decidable fragment: for every {circle[0]} it needs some "
                    f"{circle[1]}, and so on in a circle ({' -> '.join(circle)})"
                )
    return reason


def _stuck(reading: Reading, stuck: Stuck) -> Verdict:
    what = f"leads to a violation by {stuck.step}" if stuck.step else "violates it"
    reason = f"no universally quantified invariant was found: a state that none excludes {what}; it may be unreachable"
    return Undetermined(reason=_explained(reading, reason), detail=_decoded_state(stuck))


def _decoded_state(found: Stuck | None) -> CounterexampleToInduction | None:
    if found is None:
        return None
    after = _decoded(found.after) if found.after is not None else None
    return CounterexampleToInduction(dict(found.sizes), _decoded(found.world), after, found.step)


def _decoded(world: Mapping[str, object]) -> dict[str, tuple[tuple[int, ...], ...]]:
    import numpy as np

    return {r: tuple(tuple(map(int, ns[1:])) for ns in np.argwhere(np.asarray(bits))) for r, bits in world.items()}


def _lines(state: Mapping[str, tuple[tuple[int, ...], ...]]) -> list[str]:
    return [
        f"  {relation}: {', '.join(str(ns[0]) if len(ns) == 1 else str(ns) for ns in tuples if ns) or 'true'}"
        for relation, tuples in state.items()
        if tuples
    ]


if TYPE_CHECKING:
    from model.parametric.obligations import Condition
