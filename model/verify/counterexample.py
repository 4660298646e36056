"""From "refuted in so many moves" to what is shown: the trace on the smallest instance, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from model.designs.catalogue import built_in_properties
from model.errors import UsageError
from model.expr import Client
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.instance.state import State
from model.instance.trace import Continuation, Trace, Violation, carried_over, joined, onward, shortest, smaller_sizes
from model.limits import Limits
from model.program.program import Program
from model.verdict import Refuted
from model.verify.narration import Story, narrated

TRIED = 20  # broken promises of which it is asked what becomes of them


@dataclass(frozen=True)
class EndToEnd:
    """That no write is lost, asked of the program with a `stop`."""

    loss: Problem

    def onward(self, state: State, instance: Instance, number: int | None) -> Continuation | None:
        """A shortest way from a state of `instance` to one where this client has lost a write."""
        stops = self.loss.instance
        holds = stops.predicate(dict(stops.cases(self.loss.invariant))[number])
        return onward(stops, carried_over(state, instance, stops), lambda s: not holds(s))

    def lost_later(self, instance: Instance, broken: Sequence[Violation]) -> list[Violation]:
        """Which broken promises can still become an end-to-end loss; asked of the first few only."""
        runs = [(each, self.onward(each[0], instance, each[1])) for each in broken[:TRIED]]
        return [each for each, run in runs if run is not None and run.complete]


class Counterexamples:
    """Counterexamples to one invariant of one design.

    Args:
        program: as recorded.
        problem: what was asked of it; no larger instance is shown.
    """

    def __init__(self, program: Program, problem: Problem) -> None:
        self.program, self.problem, self.invariant = program, problem, problem.invariant

    def narrated(self, depth: int, name: str) -> tuple[Trace, Trace | None, Story]:
        """The trace of so many moves, the one that goes on to the loss or None, and both as a story."""
        trace = self.shown(depth)
        whole, aftermath = self.afterwards(trace)
        return trace, whole, narrated(trace, name, whole=whole, aftermath=aftermath)

    def shown(self, depth: int) -> Trace:
        """A shortest trace on the smallest instance where it is no longer than on the one that was asked for."""
        pages, sizes = self.problem.pages, self.problem.free_sizes
        for size in smaller_sizes(pages, sizes):
            trace = self.trace_at(*size, depth)
            if trace is not None:
                return trace
        trace = self.trace_at(pages, sizes, depth)
        assert trace is not None, "a refuted instance has a trace"
        return trace

    def trace_at(self, pages: int, sizes: Mapping[str, int], depth: int) -> Trace | None:
        """A trace of exactly `depth` moves at that size, or None where the shortest is longer or there is none."""
        from model.engines.packed import search as lanes

        asked = self.problem.at(pages, sizes)
        try:
            instance = asked.instance
        except UsageError:
            return None
        verdict = lanes.search(asked, Limits(depth=depth))
        if not isinstance(verdict, Refuted) or verdict.depth != depth:
            return None
        end = self._end_to_end(instance) if self.invariant.name == "promise_kept" else None
        return shortest(instance, self.invariant, partial(end.lost_later, instance) if end else None)

    def _end_to_end(self, instance: Instance) -> EndToEnd | None:
        """The same size with a `stop`, or None where a loss cannot be asked of the design."""
        try:
            loss = Problem.of(self.program, built_in_properties()["no_lost_write"])
        except UsageError:
            return None
        return EndToEnd(loss.at(instance.pages, instance.free_sizes))

    def afterwards(self, trace: Trace) -> tuple[Trace | None, str]:
        """What becomes of a broken promise: the trace extended to the loss, or a sentence on how it is recovered."""
        end = self._end_to_end(trace.instance) if self.invariant.name == "promise_kept" else None
        if end is None:
            return None, ""
        run = end.onward(trace.states[-1], trace.instance, trace.number)
        if run is None:
            return None, self.recovery(trace)
        if not run.complete:
            return None, "whether the write is lost in the end was not determined: too many states follow"
        return joined(trace, run, end.loss.invariant, trace.number), ""

    def recovery(self, trace: Trace) -> str:
        """How the page gets a promise again, or is read: the first move of a shortest way there without new writes."""
        instance = trace.instance
        case = dict(instance.cases(trace.invariant))[trace.number]
        holds = instance.predicate(case)
        run = onward(instance, trace.states[-1], holds, may=lambda move: move.ground.sort == Client.name)
        if run is None or not run.complete or not run.moves:
            return "promise broken, and from this state no run loses the write"
        whole = Trace(instance, trace.moves + run.moves, trace.states + run.states[1:], trace.invariant, trace.number)
        from model.verify.narration import move_text

        text = move_text(whole, len(whole), [0] * instance.pages)
        return f"promise broken, recovered by {text}, and from this state no run loses the write"
