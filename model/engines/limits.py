"""Limits that every engine takes and what it says when one is reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic


@dataclass(frozen=True)
class Progress:
    """How far a search has come; handed to `Limits.report` once a level or a query."""

    engine: str
    states: int
    depth: int
    frontier: int = 0


@dataclass(frozen=True)
class Limits:
    """How much an engine may do.

    Args:
        states: distinct states to visit, or None.
        seconds: wall-clock time, or None.
        depth: greatest number of moves to unroll (bounded engines), or None.
        report: called with a Progress now and then; it may print, the engine does not.
        cancelled: asked now and then; a non-empty answer is the reason to stop.
    """

    states: int | None = None
    seconds: float | None = None
    depth: int | None = None
    report: Callable[[Progress], None] | None = None
    cancelled: Callable[[], str] | None = None

    def reached(self, states: int, begin: float) -> str:
        """Why the engine has to stop now, or an empty string."""
        if self.states is not None and states > self.states:
            return f"the limit of {self.states:,} states was reached"
        if self.seconds is not None and monotonic() - begin > self.seconds:
            return f"the limit of {self.seconds:g} seconds was reached"
        return self.cancelled() if self.cancelled else ""

    def depth_reached(self, depth: int) -> str:
        """Why no further level is searched, or an empty string."""
        over = self.depth is not None and depth >= self.depth
        return f"nothing found up to depth {depth}, the limit" if over else ""

    def left(self, begin: float) -> float | None:
        """Seconds that remain, at least 0, or None without a limit."""
        return None if self.seconds is None else max(0.0, self.seconds - (monotonic() - begin))
