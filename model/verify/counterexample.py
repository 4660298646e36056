"""From "refuted in so many moves" to what is shown: the trace on the smallest instance, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from model.designs.catalogue import built_in_properties
from model.errors import UsageError
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.instance.state import State
from model.instance.trace import Continuation, Trace, carried_over, joined, onward, shortest, smaller_sizes
from model.limits import Limits
from model.program.program import Program
from model.verdict import Refuted
from model.verify.narration import Story, told


@dataclass(frozen=True)
class EndToEnd:
    """That no write is lost, asked of the program with a `stop`."""

    loss: Problem

    def onward(self, state: State, instance: Instance, number: int | None) -> Continuation | None:
        """A shortest way from a state of `instance` to one where this client has lost a write."""
        stops = self.loss.instance
        holds = stops.predicate(dict(stops.cases(self.loss.invariant))[number])
        return onward(stops, carried_over(state, instance, stops), lambda s: not holds(s))


class Counterexamples:
    """Counterexamples to one invariant of one design.

    Args:
        program: as recorded.
        problem: what was asked of it; no larger instance is shown.
    """

    def __init__(self, program: Program, problem: Problem) -> None:
        self.program, self.problem, self.invariant = program, problem, problem.invariant

    def told(self, depth: int, name: str) -> tuple[Trace, Trace | None, Story]:
        """The trace of so many moves, the one that goes on to the loss or None, and both as a story."""
        trace = self.shown(depth)
        whole, aftermath = self.afterwards(trace)
        return trace, whole, told(trace, name, whole=whole, aftermath=aftermath)

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
        accept = self._extendable(instance) if self.invariant.name == "promise_kept" else None
        return shortest(instance, self.invariant, accept)

    def _extendable(self, instance: Instance) -> Callable[[State, int | None], bool]:
        """Which broken promises can still become an end-to-end loss (asked of the first few only)."""
        end = self._end_to_end(instance)
        tried = [0]

        def accept(state: State, number: int | None) -> bool:
            tried[0] += 1
            if end is None or tried[0] > 20:
                return tried[0] == 1
            run = end.onward(state, instance, number)
            return run is not None and run.complete

        return accept

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
        run = onward(_without_writes(instance), trace.states[-1], holds)
        if run is None or not run.complete or not run.moves:
            return "promise broken, and from this state no run loses the write"
        whole = Trace(instance, trace.moves + run.moves, trace.states + run.states[1:], trace.invariant, trace.number)
        from model.verify.narration import move_text

        text = move_text(whole, len(whole), [0] * instance.pages)
        return f"promise broken, recovered by {text}, and from this state no run loses the write"


def _without_writes(instance: Instance) -> Instance:
    """The same instance where only clients move."""
    quiet = Instance(
        instance.program,
        instance.pages,
        instance.free_sizes,
    )
    successors = instance.successors
    clients = {m.number for m in instance.moves if m.ground.sort == "Client"}
    quiet.__dict__["successors"] = lambda state: ((n, after) for n, after in successors(state) if n in clients)
    return quiet
