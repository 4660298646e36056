"""Decides about one program after another: is it safe at small sizes, and for any number?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

from model.errors import ModelError
from model.expr import Client, Property
from model.instance.problem import Problem
from model.instance.sizes import used_sorts
from model.instance.trace import Trace, replayed
from model.limits import Limits
from model.program.program import Program
from model.verdict import UNDETERMINED, Proved, Refuted, Undetermined, Verdict

SCOPES = ((1, 1), (1, 2), (2, 1), (2, 2))  # pages and clients, smallest first
PROOF_SECONDS = 30.0


class TooLarge(ModelError):
    """There are too many fillings to say of every one whether it is safe."""

    exit_code = UNDETERMINED


class Unsettled(ModelError):
    """An engine could not decide about a filling within its limits, so nothing is said about the others either."""

    exit_code = UNDETERMINED


@dataclass(frozen=True)
class Killing:
    """A shortest trace that shows a candidate to be unsafe.

    Attributes:
        program: the candidate, as the trace runs it.
    """

    program: Program
    property: Property
    trace: Trace

    def again(self, program: Program) -> Problem:
        """What the trace answers, asked of another candidate at the same size."""
        was = self.trace.instance
        return Problem.of(program, self.property, pages=was.pages, sizes=was.free_sizes)


@dataclass(frozen=True)
class Judge:
    """Decides about one program after another: several properties, at several sizes, smallest first.

    Args:
        scopes: (pages, clients) of the instances that are searched.
        limits: of each search.
        sizes: elements of other index sorts at each of them, and of store buffers.
    """

    properties: Sequence[Property]
    scopes: Sequence[tuple[int, int]] = SCOPES
    limits: Limits = field(default_factory=lambda: Limits(states=30_000_000))
    sizes: Mapping[str, int] = field(default_factory=dict)

    def killing(self, program: Program) -> Killing | None:
        """A shortest trace at the smallest size where a property fails, or None where none fails at any.

        Raises:
            Unsettled: a search ended at a limit.
            UsageError: a property cannot be asked of the program.
        """
        known = Client.name in used_sorts(program)
        for pages, clients in dict.fromkeys((pages, clients if known else 0) for pages, clients in self.scopes):
            for property in self.properties:
                at = {**self.sizes, **({Client.name: clients} if known else {})}
                asked = Problem.of(program, property, pages=pages, sizes=at)
                trace = violation(asked, self.limits)
                if trace is not None:
                    return Killing(program, property, trace)
        return None

    def proof(self, program: Program, seconds: float = PROOF_SECONDS) -> Verdict:
        """All properties for any number of pages and clients: Proved, or Undetermined with the first reason.

        Views decide most designs in a fraction of the time that the search for clauses takes. What they refute with
        more clients than were searched is not told from here: the program may stand for several fillings at once.
        """
        from model.parametric.inference import prove as inductive
        from model.parametric.views import decide

        verdict: Verdict = Undetermined(reason="there is nothing to prove")
        for property in self.properties:
            asked, begin = Problem.of(program, property), monotonic()
            verdict = decide.prove(asked, Limits(seconds=seconds / 2))
            if not isinstance(verdict, Proved):
                left = Limits(seconds=seconds).after(begin)
                verdict = inductive.prove(asked.program, asked.invariants, left)
            if not isinstance(verdict, Proved):
                return verdict
        return Proved(engine=verdict.engine)


def violation(asked: Problem, limits: Limits) -> Trace | None:
    """A shortest trace to a violation, replayed, or None where no reachable state violates what was asked.

    Raises:
        Unsettled: the search ended at a limit.
    """
    from model.engines.packed import levels

    found = levels.search(asked, limits)
    if isinstance(found.verdict, Undetermined):
        if found.verdict.interrupted:
            raise KeyboardInterrupt
        raise Unsettled(f"{asked.program.name}, {asked.invariant.name}: {found.verdict.reason}.")
    if not isinstance(found.verdict, Refuted):
        return None
    state, _, number = found.verdict.detail[0]
    return rerun(asked, found.trace(state, found.verdict.depth), number)


def rerun(asked: Problem, numbers: Iterable[int], number: int | None) -> Trace:
    """The moves as a trace, after running them on the plain-integer interpreter."""
    instance = asked.instance
    moves = tuple(instance.moves[n] for n in numbers)
    states = [instance.initial]
    for move in moves:
        states.append(instance.apply(move, states[-1]))
    return replayed(Trace(instance, moves, tuple(states), asked.invariant, number))
