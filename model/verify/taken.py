"""How often each step of a design is taken: the moves that a search of one size makes, counted by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from model.errors import ModelError
from model.instance.problem import Problem
from model.limits import Limits
from model.verdict import Proved, Refuted, Undetermined
from model.verify.coverage import STATES, labels
from model.verify.result import Evidence, Result, finite_scope
from model.verify.result_text import scope
from model.verify.wording import plural

if TYPE_CHECKING:
    from model.engines.packed.levels import Levels
    from model.engines.store.packing import Columns

MOVES = 500  # moves that a state may have; with more, as of many pages, even few states take long


@dataclass(frozen=True)
class Taken:
    """How often each step is taken from the states of one size.

    Attributes:
        scope: the size, as of a verdict.
        counts: moves by label of their step, in the order of the design; 0 where a step is never taken there.
        states: that the moves begin in.
        whole: these are all reachable states; otherwise the levels before a shortest violation.
        reason: why nothing was counted; empty where something was.
    """

    scope: Mapping[str, int | str]
    counts: Mapping[str, int] = field(default_factory=dict)
    states: int = 0
    whole: bool = False
    reason: str = ""

    def sentence(self) -> str:
        """What was counted, or why nothing was: `taken at 2 pages, 2 clients, from all of 4,321 states`."""
        if self.reason:
            return f"not counted at {scope(self.scope)}: {self.reason}"
        many = plural(self.states, "state")
        where = f"all of {many}" if self.whole else f"the {many} nearer than the violation"
        return f"taken at {scope(self.scope)}, from {where}"


def steps_taken(result: Result) -> Taken | None:
    """How often each step is taken at the size of the search; None where no question about states was asked."""
    return taken(result.problem, result.evidence) if result.problem else None


def taken(asked: Problem, evidence: Sequence[Evidence] = (), most: int = STATES) -> Taken:
    """Count the moves of every step from the states that a search visits, each state with all its moves.

    Args:
        asked: at the size to count at.
        evidence: what engines have said; a search that had more states than `most`, or no end, is not made again.
        most: states up to which is counted.
    """
    from model.engines.packed.levels import search

    size = finite_scope(asked.instance)
    many = Taken(size, reason=f"more than {plural(most, 'state')}")
    searched = [e.verdict for e in evidence if e.verdict.states and dict(e.scope) == size]
    if any(v.states > most for v in searched):
        return many
    if any(isinstance(v, Undetermined) for v in searched):
        return Taken(size, reason="the search did not end")
    if asked.instance.most_moves > MOVES:
        return Taken(size, reason=f"more than {plural(MOVES, 'move')} to try in each state")
    try:
        found = search(asked, Limits(states=most))
    except ModelError as wrong:  # a state that no word holds, an operator that only another engine knows
        return Taken(size, reason=str(wrong).rstrip("."))
    if isinstance(found.verdict, Undetermined):
        if found.verdict.interrupted:
            raise KeyboardInterrupt
        return many
    assert isinstance(found.verdict, (Proved, Refuted)), "a search that ended has decided"
    whole = isinstance(found.verdict, Proved)
    return Taken(size, _counts(found, whole), found.verdict.states, whole)


def _counts(found: Levels, whole: bool) -> Mapping[str, int]:
    """Moves by label; of a level with a violation none is made."""
    from model.engines.packed.kernel import Kernel
    from model.engines.packed.sweep import chunks

    kernel, steps = Kernel(found.packing), found.packing.instance.steps
    layers = found.layers if whole else found.layers[:-1]
    counts = dict.fromkeys(labels(found.packing.instance.program), 0)
    for step in steps:
        for expand in kernel.expands([step]):
            counts[step.step.label] += sum(expand(block, _nowhere) for layer in layers for block in chunks(layer))
    total = sum(counts.values())
    assert found.verdict.transitions in (None, total), "as many moves as the search has made"
    return counts


def _nowhere(after: Columns) -> None:
    """The states that follow are known."""
