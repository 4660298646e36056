"""A verdict on infinite runs as a result that reports can show: the stem, the loop, and what is broken for whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from model.expr import TRUE
from model.instance.instance import Instance
from model.instance.trace import Trace
from model.liveness.goal import Asked, Case
from model.liveness.lasso import Fairness, Lasso
from model.liveness.reasons import reasons
from model.program.program import Invariant
from model.verdict import Proved, Verdict
from model.verify.narration import Story, narrated
from model.verify.result import Evidence, Result, finite_scope
from model.verify.wording import plural

REPEATS = "repeats for ever"
ENDS = "nothing can happen any more"


def result(asked: Asked, instance: Instance, fairness: Fairness, verdict: Verdict, spec: str = "") -> Result:
    """The answer of an engine that was asked about `instance`, with its lasso told."""
    name, scope = instance.program.name, finite_scope(instance)
    return Result(
        design=name,
        property=asked.rule.name,
        verdict=verdict,
        scope=scope,
        program=asked.observed,
        evidence=(Evidence(verdict.engine, verdict, scope),),
        story=story(asked, verdict.detail, fairness) if isinstance(verdict.detail, Lasso) else None,
        notes=(*_notes(asked, fairness, verdict), *instance.program.notes),
        spec=spec or name,
    )


def _notes(asked: Asked, fairness: Fairness, verdict: Verdict) -> Iterator[str]:
    but = "".join(f", {kind} for {operation}" for operation, kind in (fairness.but or {}).items())
    writes = "once nobody writes any more" if asked.quiet else "while writes go on or not"
    yield f"fairness: {fairness.kind}{but}; {writes}"
    if isinstance(verdict, Proved) and not verdict.detail:
        missing = "its goal is never missing" if asked.premise is None else "nothing ever waits for its goal"
        yield f"vacuous: at this size {missing}"


def story(asked: Asked, found: Lasso, fairness: Fairness) -> Story:
    """The lasso in words: `lines` are its stem, `tail` is its loop."""
    moves, none = found.moves, Invariant(asked.rule.name, TRUE)
    whole = Trace(found.instance, moves, found.states, none, None)
    stem = Trace(found.instance, found.stem, found.states[: len(found.stem) + 1], none, None)
    made = narrated(stem, found.instance.program.name, whole=whole)
    return replace(
        made, because=(_why(asked, found), *reasons(found, fairness)), aftermath=REPEATS if found.loop else ENDS
    )


def _why(asked: Asked, found: Lasso) -> str:
    """For whom the property is broken, judged on the states of the lasso."""
    instance, stem = found.instance, len(found.stem)
    broken = [c for c in asked.formulas(instance) if c.broken_by(instance, found.states, stem)]
    assert broken, "the whole is broken where one of its cases is"
    name, first = asked.rule.name, broken[0]
    if first.premise is None:
        never = not any(instance.value(c.goal, s) for c in broken for s in found.rounds)
        whose = f" for {_and([c.label for c in broken])}" if first.label else ""
        return f"the goal of {name} {'never holds' if never else 'is left again and again'} in the loop{whose}"
    whose = f" for {first.label}" if first.label else ""
    when = plural(_premise_at(first, found), "move")
    return f"the premise of {name} holds after {when}{whose}, and its goal never from then on"


def _premise_at(case: Case, found: Lasso) -> int:
    """After how many moves the premise holds for the first time that nothing fulfils."""
    instance = found.instance
    assert case.premise is not None
    last = max((i for i, s in enumerate(found.states) if instance.value(case.goal, s)), default=-1)
    return next(i for i, s in enumerate(found.states) if i > last and instance.value(case.premise, s))


def _and(words: Sequence[str]) -> str:
    return " and ".join([*filter(None, [", ".join(words[:-1])]), *words[-1:]])
