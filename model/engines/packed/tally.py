"""What a packed search has counted, and when it says so or stops."""

from __future__ import annotations

from time import monotonic
from typing import Any

from model.engines.packed.mover import Mover
from model.engines.store.checkpoint import Counts, Stopped
from model.engines.store.spill import resident
from model.limits import Limits, Progress, left
from model.verdict import Verdict

TELL = 2.0  # seconds after which a level that is not finished is reported again


class Tally:
    """What a search has counted, and when it is to say so or to stop.

    Attributes:
        states: of the levels before the present one.
        sizes: of the levels that this run has seen.
        expanded: states of the present level whose moves were made.
        in_orbits: one state of each orbit is kept, and `states` counts those.
        exact: how many states the kept ones stand for, where orbits are counted out; then so are `transitions`.
        partial: nobody knows how many moves there are, for of some states not all are made.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.begin = self.reported = monotonic()
        self.states = self.transitions = self.depth = self.expanded = 0
        self.sizes: list[int] = []
        self.exact, self.in_orbits, self.partial = 0, False, False

    def take_up(self, counts: Counts) -> None:
        """Go on from what an earlier run has counted."""
        self.states, self.transitions, self.depth = counts.states, counts.transitions, counts.depth
        self.exact = counts.exact

    def counts(self, frontier: int) -> Counts:
        """What was counted in the levels before one of so many states."""
        return Counts(self.states, self.transitions, self.depth, frontier, self.exact)

    def enter(self, size: int) -> None:
        """The moves of a level of so many states are to be made."""
        self.sizes.append(size)
        self.expanded = 0
        self.report()

    def report(self) -> None:
        """Tell whoever asked how far the search has come."""
        if self.limits.report:
            self.reported, size = monotonic(), self.sizes[-1]
            part = min(1.0, self.expanded / size)
            seconds = self.reported - self.begin
            ahead = left(self.sizes)
            self.limits.report(Progress("lanes", self.states, self.depth, size, part, seconds, resident(), ahead))

    def look_up(self, mover: Mover) -> None:
        """Between two parts of a level: say how far it has come, and stop where that is asked.

        States are counted exactly only where that decides.

        Raises:
            Stopped: a limit is reached.
        """
        if monotonic() - self.reported > TELL:
            self.report()
        at_most = self.states + mover.states.most
        if self.limits.states is not None and at_most > self.limits.states:
            at_most = self.states + mover.fresh()
        if stop := self.limits.reached(at_most, self.begin):
            raise Stopped(stop)

    def in_time(self) -> None:
        """Within a part of a level: stop where that is asked, whatever has been counted.

        Raises:
            Stopped: there is no time left.
        """
        if stop := self.limits.reached(0, self.begin):
            raise Stopped(stop)

    def answer(self, kind: type[Verdict], more: int = 0, **what: Any) -> Verdict:
        """The verdict with what was counted, and `more` states of the level that is not finished.

        What orbits stand for is counted of whole levels only: those of the unfinished one are not read again.
        """
        counted: dict[str, Any] = {"states": self.states + more, "transitions": self.transitions}
        if self.partial:
            counted["transitions"] = None
        if self.in_orbits:
            counted |= {"states": self.exact or self.states + more, "orbits": self.states + more}
        seconds = monotonic() - self.begin
        return kind(depth=self.depth, engine="lanes", seconds=seconds, **counted, **what)
