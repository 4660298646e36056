"""From "refuted in so many moves" to what is shown: the trace on the smallest instance, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from model.designs.catalogue import built_in_properties
from model.errors import UsageError
from model.instance.instance import Instance
from model.instance.state import State
from model.instance.trace import Continuation, Trace, carried_over, joined, onward, shortest, smaller_sizes
from model.limits import Limits
from model.program.observers import invariant, observed
from model.program.program import Invariant, Program
from model.verdict import Refuted
from model.verify.narration import Story, told


@dataclass(frozen=True)
class EndToEnd:
    """The instance with a `stop`, and the rule by which a write is lost there."""

    instance: Instance
    rule: Invariant

    def onward(self, state: State, instance: Instance, number: int | None) -> Continuation | None:
        """A shortest way from a state of `instance` to one where this client has lost a write."""
        holds = self.instance.predicate(dict(self.instance.cases(self.rule))[number])
        return onward(self.instance, carried_over(state, instance, self.instance), lambda s: not holds(s))


class Counterexamples:
    """Counterexamples to one invariant of one design.

    Args:
        program: as recorded.
        watched: with the ghosts of the property.
        pages, sizes: the instance that was asked for; no larger one is shown.
    """

    def __init__(
        self, program: Program, watched: Program, invariant: Invariant, pages: int, sizes: Mapping[str, int]
    ) -> None:
        self.program, self.watched, self.invariant = program, watched, invariant
        self.pages, self.sizes = pages, dict(sizes)

    def told(self, depth: int, name: str) -> tuple[Trace, Trace | None, Story]:
        """The trace of so many moves, the one that goes on to the loss or None, and both as a story."""
        trace = self.shown(depth)
        whole, aftermath = self.afterwards(trace)
        return trace, whole, told(trace, name, whole=whole, aftermath=aftermath)

    def shown(self, depth: int) -> Trace:
        """A shortest trace on the smallest instance where it is no longer than on the one that was asked for."""
        for pages, sizes in smaller_sizes(self.pages, self.sizes):
            trace = self.trace_at(pages, sizes, depth)
            if trace is not None:
                return trace
        trace = self.trace_at(self.pages, self.sizes, depth)
        assert trace is not None, "a refuted instance has a trace"
        return trace

    def trace_at(self, pages: int, sizes: Mapping[str, int], depth: int) -> Trace | None:
        """A trace of exactly `depth` moves at that size, or None where the shortest is longer or there is none."""
        from model.engines.packed import search as lanes

        try:
            instance = Instance(self.watched, pages, sizes)
        except UsageError:
            return None
        verdict = lanes.search(instance, [self.invariant], Limits(depth=depth))
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
        no_lost_write = built_in_properties()["no_lost_write"]
        try:
            watched = observed(self.program, no_lost_write)
            ends = invariant(watched, no_lost_write)
        except UsageError:
            return None
        sizes = {s: n for s, n in instance.sizes.items() if self.program.sorts[s].size is None}
        return EndToEnd(Instance(watched, instance.pages, sizes), ends)

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
        return joined(trace, run, end.rule, trace.number), ""

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
        last = run.moves[-1].ground
        return f"promise broken, recovered by {last.step.label}: {text}, and from this state no run loses the write"


def _without_writes(instance: Instance) -> Instance:
    """The same instance where only clients move."""
    quiet = Instance(
        instance.program,
        instance.pages,
        {s: n for s, n in instance.sizes.items() if instance.program.sorts[s].size is None},
    )
    successors = instance.successors
    clients = {m.number for m in instance.moves if m.ground.sort == "Client"}
    quiet.__dict__["successors"] = lambda state: ((n, after) for n, after in successors(state) if n in clients)
    return quiet
