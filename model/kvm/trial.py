"""A question asked of the real kernel: a counterexample is sought and performed; where there is none, runs are walked.

Nothing is rounded up: where the search ended at a limit, so does the answer, whatever the walks came to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic

from model.errors import CannotSay
from model.instance.problem import Problem
from model.instance.trace import Trace
from model.kvm.bench import STRIDE
from model.kvm.replay import Outcome
from model.kvm.replay import replay as perform
from model.kvm.walks import Walks, deepest, rehearsal, stage, walks
from model.limits import Limits, Progress
from model.verdict import PROVED, REFUTED, UNDETERMINED, Refuted, Undetermined
from model.verify.packed import REDUCTIONS
from model.verify.portfolio import answer
from model.verify.question import Question

MOST_STATES, MOST_SECONDS = 1_000_000, 60.0  # of the search, and of search and walks together, unless said otherwise


@dataclass(frozen=True)
class Replayed:
    """A counterexample, performed.

    Attributes:
        design, rule: what design and property are called.
    """

    design: str
    rule: str
    trace: Trace
    outcome: Outcome

    @property
    def exit_code(self) -> int:
        return self.outcome.exit_code


@dataclass(frozen=True)
class Walked:
    """No counterexample was found: the deepest runs of one page, and random walks.

    Attributes:
        reason: why nobody knows whether there is one, or an empty string where the search was finished.
        deepest, depth: runs to the deepest states, and their moves.
        asked: random walks that were asked for.
    """

    design: str
    rule: str
    reason: str
    deepest: int
    depth: int
    asked: int
    walks: Walks
    disagreement: str = ""

    @property
    def exit_code(self) -> int:
        if self.disagreement:
            return UNDETERMINED
        if self.walks.broken:
            return REFUTED
        return UNDETERMINED if self.reason or not self.walks.performed else PROVED


@dataclass(frozen=True)
class WalkProgress(Progress):
    """How far random walks have come."""

    def text(self, silent: float = 0.0) -> str:
        return f"on the kernel: {self.depth:,} of {self.frontier:,} random walks, {self.states:,} moves"


def tried(question: Question, *, count: int, seed: int, stride: int = STRIDE) -> Replayed | Walked:
    """The question on /dev/kvm.

    Args:
        question: its limits are those of search and walks together.
        count: random walks of a design without a counterexample.

    Raises:
        CannotSay: the design is none that KVM has ioctls for.
        MissingTool, KvmError.
    """
    begin, limits = monotonic(), question.limits
    half = limits.seconds / 2 if limits.seconds and count else limits.seconds
    how = {"reductions": REDUCTIONS, **question.packed}
    result = answer(replace(question, limits=replace(limits, seconds=half), packed=how))
    if isinstance(result.verdict, Refuted) and result.trace:
        return replayed(result.design, question.property.name, result.trace, stride)
    reason = result.verdict.reason if isinstance(result.verdict, Undetermined) else ""
    asked = Problem.of(result.program, question.property, pages=question.pages, sizes=question.sizes)
    return _walked(asked, result.design, reason, limits.after(begin), count, seed, stride)


def replayed(design: str, rule: str, trace: Trace, stride: int = STRIDE) -> Replayed:
    """A counterexample on /dev/kvm.

    Raises:
        CannotSay, MissingTool, KvmError.
    """
    return Replayed(design, rule, trace, perform(trace.instance, trace.moves, trace.invariant, stride))


def _walked(asked: Problem, design: str, reason: str, limits: Limits, count: int, seed: int, stride: int) -> Walked:
    begin = monotonic()
    small = asked.at(1, asked.sizes).instance
    runs = deepest(small) if count else []
    with stage(small, stride) as on:
        rehearsed = rehearsal(on, runs)
    over = _watch(limits, begin, count)
    found = walks(asked.instance, asked.invariant, count, seed=seed, enough=over)
    if runs and not rehearsed.performed + found.performed:
        raise CannotSay(rehearsed.refused or found.refused)
    return Walked(
        design=design,
        rule=asked.invariant.name,
        reason=reason,
        deepest=rehearsed.performed,
        depth=max(map(len, runs), default=0),
        asked=count,
        walks=found,
        disagreement=rehearsed.disagreement or found.disagreement,
    )


def _watch(limits: Limits, begin: float, count: int) -> Callable[[Walks], bool]:
    """Whether walks have to stop, asked before each; it tells the user how far they have come."""

    def over(found: Walks) -> bool:
        if limits.report:
            limits.report(WalkProgress("walks", states=found.moves, depth=found.walks, frontier=count))
        return bool(limits.left(begin) == 0)

    return over
