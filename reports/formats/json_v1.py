"""Results as JSON, version 1; `schema.json` beside this file is its schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from model.printing.records import json_document
from model.program.store_buffer import HARDWARE
from model.verdict import Undetermined, Verdict
from model.verify.narration import Line, Story
from model.verify.result import Evidence, Result
from model.verify.taken import steps_taken


def document(results: Sequence[Result], tool: Mapping[str, str], *, counted: bool = False) -> str:
    """The results as one JSON text, ending in a newline; with `counted`, also how often each step was taken."""
    told = [result(r) | (steps(r) if counted else {}) for r in results]
    return json_document(tool=dict(tool), results=told)


def steps(found: Result) -> dict[str, Any]:
    """`steps`: what was counted, where, and how often each step was taken; nothing where no state was visited."""
    taken = steps_taken(found)
    if taken is None:
        return {}
    said = {"scope": dict(taken.scope), "states": taken.states, "whole": taken.whole, "taken": dict(taken.counts)}
    return {"steps": said | {"reason": taken.reason or None}}


def result(found: Result) -> dict[str, Any]:
    """One result: the deciding record, its trace, and a record for each engine that was asked."""
    return {
        "design": found.design,
        "property": found.property,
        **_record(found.verdict, found.scope),
        "environment": found.program.environment or "none",
        "digest": found.program.digest,
        "trace": trace(found.story) if found.story else None,
        "notes": list(found.notes),
        "vacuous": [*found.vacuous, *found.one_sided],
        "evidence": [_evidence(e) for e in found.evidence],
        "certificate": certificate(found.proof),
        **({"lemmas": list(found.lemmas)} if found.lemmas else {}),
    }


def _record(verdict: Verdict, scope: Mapping[str, int | str]) -> dict[str, Any]:
    return {
        "verdict": verdict.word,
        "reason": verdict.reason if isinstance(verdict, Undetermined) else None,
        "engine": verdict.engine,
        "scope": dict(scope),
        "states": verdict.states,
        "transitions": verdict.transitions,
        **({"orbits": verdict.orbits} if verdict.orbits else {}),
        "depth": verdict.depth,
        "seconds": round(verdict.seconds, 3),
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return _record(evidence.verdict, evidence.scope) | {"engine": evidence.engine}


def certificate(proof: object) -> str | None:
    """The text of the invariant that a parametric proof found, or None."""
    return None if proof is None else str(proof)


def trace(told: Story) -> dict[str, Any]:
    """A counterexample: sizes, moves, what follows a broken promise, and the argument."""
    return {
        "pages": told.pages,
        **{f"{s.lower()}s": n for s, n in told.sizes.items() if s not in HARDWARE},
        "title": told.title,
        "moves": [move(line) for line in told.lines],
        "afterwards": [move(line) for line in told.tail],
        "aftermath": told.aftermath or None,
        "because": "; ".join(told.because),
    }


def move(line: Line) -> dict[str, Any]:
    """One move."""
    return {
        "number": line.number,
        "operation": line.operation,
        "step": line.step,
        "thread": line.thread.removeprefix("the "),
        "arguments": dict(line.arguments),
        "changes": dict(line.changes),
        "text": line.text,
        "notes": list(line.notes),
        "source": line.place,
    }
