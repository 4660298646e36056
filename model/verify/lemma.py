"""The user's own invariants, `check --invariant FILE:NAME`: lemmas that are believed only with their proof.

A lemma that a reachable state breaks is refuted like any property, and is not used. One that holds with the question
at the start, and that no step breaks where both held before it, proves both. Where some step does, the state before it
is shown: all that is known of it is that nothing stated excludes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from time import monotonic

from model.engines.induction import leaves
from model.engines.unrolling import Run
from model.errors import CannotSay, UsageError
from model.expr import PAGES, PLACE, Property, show
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.instance.trace import Trace
from model.parametric.inference.prove import Conjunct, InductiveInvariant, check, conditions_of
from model.parametric.inference.prove import prove as search_clauses
from model.parametric.reading import Reading
from model.parametric.solver import fresh_context
from model.program.design import record
from model.program.program import Program
from model.program.store_buffer import SIZE
from model.verdict import Proved, Refuted, Undetermined
from model.verify.narration import move_text
from model.verify.never import says_nothing
from model.verify.portfolio import answer, concluded
from model.verify.question import Lemma, Question
from model.verify.result import Evidence, Result, any_scope, finite_scope, sizes_for
from model.verify.wording import change_name, listed, page_set, thread_name

SECONDS = 20.0  # for the proof, and for the step that breaks it
QUESTION = 5.0  # whether a step is possible at all


def answers(question: Question) -> list[Result]:
    """What is said of the question with the help of its lemmas, behind a refutation of each lemma that is false.

    Raises:
        UsageError: a lemma is not an `@always` property, or cannot be asked of the design.
    """
    if not question.lemmas:
        return [answer(question)]
    results, kept, notes, begin = list[Result](), list[Lemma](), list[str](), monotonic()
    for lemma in question.lemmas:
        if (found := _refuted(question, lemma)) is not None:
            results.append(found)
            notes.append(f"{_names([lemma])} is false: its counterexample is shown, and it is not used")
        elif why := _useless(question, lemma):
            notes.append(f"{_names([lemma])} is not used: {why}")
        else:
            kept.append(lemma)
    plain = _later(replace(question, lemmas=()), begin, notes)
    return [*results, _with(plain, tuple(kept)) if kept and question.property.kind == "always" else answer(plain)]


def _refuted(question: Question, lemma: Lemma) -> Result | None:
    """The refutation of a lemma at the size that was asked for, or None."""
    if lemma.property.kind != "always":
        raise UsageError(
            f"--invariant {lemma.spec}: an invariant is what holds of every state, so it is an @always property; "
            f"{lemma.property.name} is one of kind '{lemma.property.kind}'. Ask it with --property."
        )
    packed = {k: v for k, v in question.packed.items() if k != "checkpoint"}
    own = replace(question, property=lemma.property, engine="lanes", lemmas=(), notes=(), packed=packed)
    found = answer(own)
    return found if isinstance(found.verdict, Refuted) else None


def _useless(question: Question, lemma: Lemma) -> str:
    """Why nothing follows from a lemma that is true, or an empty string."""
    program = record(question.design, buffer=question.sizes.get(SIZE))
    if lemma.name == question.property.name:
        if not _same(program, lemma.property, question.property):
            raise UsageError(f"--invariant {lemma.spec}: {lemma.name} is also the name of what is asked; rename it.")
        return "it is what is asked"
    if says_nothing(Problem.of(program, lemma.property)):
        return "vacuous, it holds of every state there could be, whatever the design does"
    return ""


def _same(program: Program, one: Property, other: Property) -> bool:
    """Both say the same, in the same words."""
    (a,), (b,) = Problem.of(program, one).invariants, Problem.of(program, other).invariants
    return (show(a.holds), a.each, one.kind) == (show(b.holds), b.each, other.kind)


def _with(question: Question, lemmas: tuple[Lemma, ...]) -> Result:
    """The question answered from the lemmas, or without them and why."""
    together = _Together(question, lemmas)
    if (found := together.stated()) is not None:
        return found
    step = together.step_out()
    if step is None:
        return together.at_this_size()
    if isinstance(step, Undetermined):
        notes = [f"{together.names}: not decided ({step.reason})"]
    else:
        notes = list(together.told(step))
    return together.searched(notes) or answer(_later(question, together.begin, notes))


def _later(question: Question, begin: float, notes: Sequence[str] = ()) -> Question:
    """The question with the time that is left of what it had then, and with more notes."""
    return replace(question, limits=question.limits.after(begin), notes=(*question.notes, *notes))


class _Together:
    """A question and the lemmas as one problem: what must hold is all of it."""

    def __init__(self, question: Question, lemmas: tuple[Lemma, ...]) -> None:
        self.question, self.lemmas, self.begin = question, lemmas, monotonic()
        self.program = record(question.design, buffer=question.sizes.get(SIZE))
        self.seconds = min(SECONDS, question.limits.seconds or SECONDS)

    @property
    def names(self) -> str:
        return _names(self.lemmas)

    def problem(self, lemmas: Sequence[Lemma]) -> Problem:
        every = [self.question.property, *(lemma.property for lemma in lemmas)]
        sizes = sizes_for(self.program, self.question.sizes)
        return Problem.of(self.program, *every, pages=self.question.pages, sizes=sizes)

    def stated(self) -> Result | None:
        """A proof for any number by the lemmas and the question as they are stated."""
        until = self.begin + self.seconds
        try:
            found = stated(self.problem(self.lemmas), until)
        except CannotSay:
            return None
        return self.needed(found, until) if found else None

    def searched(self, notes: Sequence[str]) -> Result | None:
        """A proof for any number of all of it by clauses that are found."""
        problem = self.problem(self.lemmas)
        left = replace(self.question.limits, seconds=max(0.0, self.begin + self.seconds - monotonic()))
        verdict = search_clauses(problem.program, problem.invariants, left)
        if not isinstance(verdict, Proved):
            return None
        return self.result(verdict, self.lemmas, notes, " and clauses that were found beside it")

    def needed(self, found: InductiveInvariant, until: float) -> Result:
        """The proof without the lemmas that it does not need."""
        used = self.lemmas
        for lemma in self.lemmas:
            fewer = tuple(each for each in used if each is not lemma)
            if (less := stated(self.problem(fewer), until)) is not None:
                found, used = less, fewer
        left = [each for each in self.lemmas if each not in used]
        spare = [f"{_names([each])} is not needed: the proof is one without it" for each in left]
        return self.result(Proved(detail=found, engine="inductive", seconds=monotonic() - self.begin), used, spare)

    def result(self, verdict: Proved, used: tuple[Lemma, ...], spare: Sequence[str], more: str = "") -> Result:
        """A proof for any number that carries the lemmas."""
        said = (f"proved with {_names(used)}{more}",) if used else ()
        asked = replace(self.question, notes=(*self.question.notes, *said, *spare))
        evidence = Evidence("inductive", verdict, any_scope(self.problem(()).instance))
        return replace(concluded(asked, evidence), lemmas=tuple(lemma.spec for lemma in used))

    # -- at the size that was asked for

    def step_out(self) -> Run | Undetermined | None:
        """A state where all of it holds and a move after which it does not; None where there is none."""
        problem = self.problem(self.lemmas)
        if not all(problem.instance.value(c.holds, problem.instance.initial) for c in problem.checks):
            return Undetermined(reason="it does not hold at the start together with what is asked")
        left = max(1.0, self.begin + self.seconds - monotonic())
        return leaves(problem, replace(self.question.limits, seconds=left))

    def at_this_size(self) -> Result:
        """The ordinary answer where there is one, else the proof by one step of induction at the size."""
        found = answer(_later(self.question, self.begin))
        if found.verdict.conclusive:
            return replace(found, notes=(*found.notes, f"{self.names}: inductive with it at the size that was asked"))
        scope = finite_scope(self.problem(()).instance)
        proof = Proved(depth=1, engine="induction", seconds=monotonic() - self.begin)
        asked = replace(self.question, notes=(*self.question.notes, f"proved with {self.names}, at this size"))
        return concluded(asked, Evidence("induction", proof, scope), *found.evidence)

    def told(self, run: Run) -> Iterator[str]:
        """The state and the move, in the words of a trace."""
        problem = self.problem(self.lemmas)
        instance = problem.instance
        trace = Trace(instance, run.moves, run.states, problem.invariants[0], None)
        yield (
            f"{self.names}: not inductive together with {self.question.property.name}; the step below breaks "
            f"{listed(list(dict.fromkeys(_broken(problem, name, k) for _, name, k in run.violations)))}, "
            f"from a state that may be unreachable"
        )
        yield f"before: {state_text(self.program, instance, run.states[0])}"
        changed = ", ".join(
            f"{change_name(instance, field)} {page_set(after) if field.sort == PAGES else 'on' if after else 'off'}"
            for field, _, after in trace.changes(1)
            if field.sort != PLACE
        )
        yield f"the step: {move_text(trace, 1, [0] * instance.pages)}{f'; after it {changed}' if changed else ''}"


def stated(problem: Problem, until: float) -> InductiveInvariant | None:
    """A proof for any number by nothing but what is stated, or None where some condition is not proved.

    Raises:
        CannotSay: it is not in the words of the proof for any number.
    """
    reading = Reading(problem.program, {}, problem.invariants)
    asked = problem.invariants[0]
    conjuncts = tuple(
        Conjunct(
            i.name if i is asked else f"your invariant {i.name}",
            reading.says(i),
            ("the property itself" if i is asked else f"the steps that keep {asked.name}",),
        )
        for i in problem.invariants
    )
    found = InductiveInvariant(reading, problem.invariants, conjuncts, 0)
    questions, reason = check(found, until)
    if reason:
        return None
    return replace(found, questions=questions, impossible=tuple(_impossible(found)))


def _impossible(found: InductiveInvariant) -> Iterator[str]:
    """Steps of which the proof says nothing: no state that it allows has them."""
    context = fresh_context()
    for condition in conditions_of(found):
        step = condition.name not in ("start", "property")
        if step and condition.question(found.reading, context).ask(QUESTION) == "unsat":
            yield condition.name


def state_text(program: Program, instance: Instance, state: Sequence[int]) -> str:
    """`kernel {0}, user[VGA] {0}; VGA at clear.cleared`: what is not empty, and who is inside of an operation."""
    parts, places = [], []
    for field, value in zip(instance.fields, state, strict=True):
        if field.sort == PLACE and value:
            sort = field.per or ""
            location = program.threads[sort][instance.codes[sort][value][0]]
            places.append(f"{thread_name(instance, sort, field.number)} at {location.operation}.{location.after}")
        elif value:
            parts.append(f"{change_name(instance, field)} {page_set(value) if field.sort == PAGES else 'on'}")
    return "; ".join(filter(None, [", ".join(parts) or "all sets empty", ", ".join(places)]))


def _broken(problem: Problem, name: str, number: int | None) -> str:
    """`kept`, `promise_kept for VGA`."""
    each = next(i.each for i in problem.invariants if i.name == name)
    return f"{name} for {thread_name(problem.instance, each.sort, number)}" if each else name


def _names(lemmas: Sequence[Lemma]) -> str:
    return f"your {'invariants' if len(lemmas) > 1 else 'invariant'} {listed([lemma.name for lemma in lemmas])}"
