"""One question, one answer: which engines are asked about a property of a design, and how their verdicts combine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from time import monotonic
from typing import Any

from model.errors import UsageError, did_you_mean
from model.expr import Property
from model.instance.problem import Problem
from model.limits import Limits, Progress
from model.parametric.inference.prove import Violated
from model.program.design import Design, record
from model.program.observers import goals
from model.program.program import Program
from model.program.store_buffer import SIZE
from model.verdict import Proved, Refuted, Undetermined, Verdict
from model.verify.again import command
from model.verify.beyond import PROOF_SECONDS, beyond, interrupted, ordered, proof, proven, safe_before, viewed
from model.verify.buffers import buffer_notes
from model.verify.counterexample import Counterexamples
from model.verify.deadlock import deadlock_note
from model.verify.guards import one_sided
from model.verify.meanwhile import Meanwhile
from model.verify.question import Question, refuse_infinite
from model.verify.result import Evidence, Result, any_scope, finite_scope, sizes_for
from model.verify.vacuity import applies_to, looked, passed

ENGINES = ("auto", "explicit", "lanes", "bounded", "induction", "inductive", "views")
__all__ = ["ENGINES", "Evidence", "Result", "answer", "applies", "applies_to", "proof"]


def answer(question: Question) -> Result:
    """Ask the engines and return what they say together.

    Raises:
        ModelError: the design is not well formed, the property does not apply, a size or an engine does not exist.
    """
    if question.engine not in ENGINES:
        raise UsageError(f"there is no engine '{question.engine}'{did_you_mean(question.engine, list(ENGINES))}")
    program = record(question.design, buffer=question.sizes.get(SIZE))
    refuse_infinite(question.property, (question.spec or program.name) + program.surroundings)
    if question.property.kind == "sometimes":
        return _happenings(question, program)
    asked = _Asked(question, program, Problem.of(program, question.property))
    return asked.auto() if question.engine == "auto" else asked.one(question.engine)


def concluded(question: Question, *evidence: Evidence) -> Result:
    """What evidence that was found elsewhere comes to."""
    program = record(question.design, buffer=question.sizes.get(SIZE))
    return _Asked(question, program, Problem.of(program, question.property)).result(list(evidence))


def applies(design: type[Design], property: Property) -> str:
    """Why the property cannot be asked of the design, or an empty string."""
    return applies_to(record(design), property)


# ---------------------------------------------------------------- engines


def _explicit(asked: _Asked, limits: Limits) -> Verdict:
    from model.engines import explicit

    return explicit.search(asked.problem, limits)


def _lanes(asked: _Asked, limits: Limits) -> Verdict:
    from model.verify import packed

    return packed.search(asked.problem, limits, **asked.question.packed)


def _bounded(asked: _Asked, limits: Limits) -> Verdict:
    from model.engines import bounded

    return bounded.search(asked.problem, limits)


def _induction(asked: _Asked, limits: Limits) -> Verdict:
    from model.engines import induction

    return induction.search(asked.problem, limits)


RUN: Mapping[str, Callable[[_Asked, Limits], Verdict]] = {
    "explicit": _explicit,
    "lanes": _lanes,
    "bounded": _bounded,
    "induction": _induction,
}


class _Asked:
    """A question with its program recorded, and as a problem at the sizes that it names."""

    def __init__(self, question: Question, program: Program, problem: Problem) -> None:
        self.question, self.program = question, program
        self.problem = problem.at(question.pages, sizes_for(program, question.sizes))
        self.instance = self.problem.instance
        self.name = question.name or program.name

    def ask(self, engine: str, limits: Limits | None = None) -> Evidence:
        limits = limits or self.question.limits
        if limits.report:
            limits.report(Progress(engine, 0, 0))
        if engine == "inductive":
            return proven(self.problem, *proof(self.problem, limits.seconds, limits.report))
        if engine == "views":
            return viewed(self.problem, limits)
        return Evidence(engine, RUN[engine](self, limits), finite_scope(self.instance))

    def one(self, engine: str) -> Result:
        return self.result([self.ask(engine)])

    def auto(self) -> Result:
        """A finite search for the shortest counterexample; where there is none, a proof for any size.

        A limit of seconds is for both: where they do not run side by side, half of it is for the search.
        """
        if self.question.side_by_side:
            return self.result(self.side_by_side())
        begin, limits = monotonic(), self.question.limits
        finite = self.ask("lanes", replace(limits, seconds=limits.seconds and limits.seconds / 2))
        if isinstance(finite.verdict, Refuted) or interrupted(finite.verdict):
            return self.result([finite])
        left = limits.left(begin)
        return self.result(
            ordered(finite, beyond(self.problem, PROOF_SECONDS if left is None else left, limits.report))
        )

    def side_by_side(self) -> list[Evidence]:
        """Search here; where that takes long, ask beyond its size in a second process.

        A refutation ends the other process; an answer for any number ends a search that runs for long.
        """
        limits = self.question.limits
        with Meanwhile(self.problem, limits) as other:
            finite = self.ask("lanes", replace(limits, cancelled=other.cancels))
            if interrupted(finite.verdict):
                return [finite]
            if isinstance(finite.verdict, Refuted):
                if other.done:
                    _agree(finite, other.answer(None)[0])
                return [finite]
            try:
                return ordered(finite, other.answer(limits.report))
            except KeyboardInterrupt:
                unproved = Undetermined(reason="interrupted", interrupted=True, engine="inductive")
                return [proven(self.problem, unproved, {}), finite]

    def result(self, evidence: list[Evidence]) -> Result:
        """The first piece of evidence decides; a refutation is turned into a trace and its story."""
        decided = self.explained(evidence[0])
        base = Result(
            design=self.name,
            property=self.problem.invariant.name,
            verdict=decided.verdict,
            scope=decided.scope,
            program=self.program,
            evidence=tuple(evidence),
            notes=(*self.program.notes, *self.question.notes, *self.notes(evidence), *self.deadlocks()),
            proof=decided.verdict.detail if decided.engine in ("inductive", "views") else None,
            spec=self.question.spec or self.name,
            meaning=self.question.property.doc,
            problem=self.problem,
        )
        if isinstance(decided.verdict, Proved):
            told = buffer_notes(self.program, self.instance, self.question.limits)
            any_size = "any" in decided.scope.values()
            found = replace(base, notes=(*base.notes, *told))
            return passed(found, looked(self.problem, any_size), one_sided(self.problem))
        if not isinstance(decided.verdict, Refuted):
            return base
        at = decided.verdict.detail.problem if decided.engine == "views" else self.problem
        trace, whole, story = Counterexamples(self.program, at).narrated(decided.verdict.depth, self.name)
        return replace(base, trace=trace, whole=whole, story=story)

    def explained(self, decided: Evidence) -> Evidence:
        """With a proof by views in clauses, where somebody reads them."""
        if not self.question.explained or decided.engine != "views" or not isinstance(decided.verdict, Proved):
            return decided
        from model.parametric.views.words import explained

        verdict = replace(decided.verdict, detail=explained(decided.verdict.detail))
        return replace(decided, verdict=verdict)

    @property
    def counterexamples(self) -> Counterexamples:
        return Counterexamples(self.program, self.problem)

    def notes(self, evidence: list[Evidence]) -> list[str]:
        decided = evidence[0]
        refuted = isinstance(decided.verdict, Refuted)
        fixed = isinstance(decided.verdict, Proved) and decided.scope != any_scope(self.instance)
        found = [
            f"for any number: undetermined ({e.verdict.reason})"
            for e in evidence[1:]
            if isinstance(e.verdict, Undetermined) and e.engine == "inductive" and isinstance(decided.verdict, Proved)
        ]
        found += [
            f"views: {e.verdict.reason}"
            for e in evidence[1:]
            if isinstance(e.verdict, Undetermined) and e.engine == "views" and (found or fixed)
        ]
        found += safe_before(self.problem, evidence)
        found += [self.shown_by(v) for e in evidence if isinstance(v := e.verdict.detail, Violated) and not refuted]
        if isinstance(decided.verdict, Undetermined) and isinstance(evidence[-1].verdict, Undetermined):
            found += [f"{e.engine}: {e.verdict.reason}" for e in evidence[1:] if isinstance(e.verdict, Undetermined)]
        if any(e.engine == "lanes" for e in evidence):
            found += filter(None, map(self.reduced, self.question.packed.get("reductions", ())))
        return found

    def deadlocks(self) -> Iterator[str]:
        """A run into a deadlock, where one is found and nobody has asked for it."""
        if self.problem.invariant.name != "no_deadlock" and (found := deadlock_note(self.program, self.problem)):
            yield found

    def shown_by(self, seen: Violated) -> str:
        """The command that finds the trace to a violation that the proof has met at another size."""
        spec = self.question.spec or self.name
        again = command(self.program, spec, self.problem.invariant.name, seen.pages, seen.sizes)
        return f"the trace: {again} --engine lanes"

    def reduced(self, name: str) -> str:
        """What a reduction came to here."""
        from model.engines.packed.partial_order import ample
        from model.engines.packed.symmetry import symmetry
        from model.parametric.cutoff import one_page

        if name == "symmetry":
            partly = "order" in self.question.packed["reductions"] and ample(self.problem)
            said = "states are orbits" if partly and self.question.limits.depth is None else "counted from orbits"
            return f"{said}: {symmetry(self.problem)}"
        if name == "pages":
            return f"one page stands for all: {'yes' if one_page(self.problem) else 'no, or there is only one'}"
        if self.question.limits.depth is not None:
            return ""  # a limit of depth leaves the order as it is
        alone = ample(self.problem)
        steps = [s.step.label for s in self.instance.steps if any(g is here for g in s.guards for here in alone)]
        visited = "; states are those visited, and moves are not counted" if steps else ""
        return f"taken before all others: {', '.join(dict.fromkeys(steps)) or 'no step'}{visited}"


class Contradiction(Exception):
    """One engine proves what another refutes at a size that the proof covers: a bug of ours, and no verdict."""


def _agree(refuted: Evidence, proof: Evidence) -> None:
    """Raise Contradiction where the proof covers the size at which a finite search found a violation."""
    covers = all(n in ("any", refuted.scope.get(name)) for name, n in proof.scope.items())
    if isinstance(proof.verdict, Proved) and covers:
        raise Contradiction(f"{refuted.engine} refutes at {dict(refuted.scope)} what {proof.engine} proves")


# ---------------------------------------------------------------- what has to happen


def _happenings(question: Question, program: Program) -> Result:
    """A `sometimes` property: proved where every case was reached, refuted where one never can be."""
    size = Problem(program, (), question.pages, sizes_for(program, question.sizes))
    engine = question.engine if question.engine in ("explicit", "lanes") else "lanes"
    found: dict[str, Verdict] = {}
    for label, watched, never in goals(program, question.property, size.instance.sizes):
        found[label] = _Asked(question, program, Problem(watched, (never,))).ask(engine).verdict
        if interrupted(found[label]):
            break
    verdict, notes = _all_happen(found, engine)
    scope = finite_scope(size.instance)
    return Result(
        design=question.name or program.name,
        property=question.property.name,
        verdict=verdict,
        scope=scope,
        program=program,
        evidence=(Evidence(engine, verdict, scope),),
        notes=(*question.notes, *notes),
        spec=question.spec or question.name or program.name,
        meaning=question.property.doc,
    )


def _all_happen(found: Mapping[str, Verdict], engine: str) -> tuple[Verdict, list[str]]:
    """What the answers to "it never happens" come to, label by label, and what is to be said of it."""
    reached = [v.depth for v in found.values() if isinstance(v, Refuted)]
    common: dict[str, Any] = {
        "states": max((v.states for v in found.values()), default=0),
        "depth": max(reached, default=0),
        "engine": engine,
        "seconds": sum(v.seconds for v in found.values()),
    }
    missing = [label for label, v in found.items() if isinstance(v, Proved)]
    left = [label for label, v in found.items() if isinstance(v, Undetermined)]
    if missing:
        return Refuted(**common), [f"never happens: {', '.join(missing)}"]
    if left or not found:
        reason = f"not reached within the limits: {', '.join(left)}"
        return Undetermined(reason=reason, interrupted=any(map(interrupted, found.values())), **common), []
    return Proved(**common), [f"all {len(found)} reached, the last after {common['depth']} moves"]
