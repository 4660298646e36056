"""Limits that every engine takes and what it says when one is reached."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Timer
from time import monotonic
from typing import Any

SOON = 0.01  # seconds after which a swallowed Ctrl-C comes again
STALLED = 15.0  # seconds without news after which a run is called stalled


@dataclass(frozen=True)
class Progress:
    """How far a search has come; handed to `Limits.report` once a level or a query, and now and then between.

    Attributes:
        frontier: states of the present level; `part` of them, from 0 to 1, have been expanded.
        seconds: since the beginning; 0 where the engine does not say.
        memory: bytes that the process has; 0 where the engine does not say.
        left: states that are still to come if levels go on shrinking as they do, or None while they do not shrink.
    """

    engine: str
    states: int
    depth: int
    frontier: int = 0
    part: float = 0.0
    seconds: float = 0.0
    memory: int = 0
    left: int | None = None

    def text(self, silent: float = 0.0) -> str:
        """One line; `silent` seconds have gone by since this was reported."""
        words = [f"{self.engine}: depth {self.depth}" if self.depth or self.frontier else self.engine]
        if self.part:
            words[0] += f" ({self.part:.0%} of {self.frontier:,})"
        if self.states:
            words.append(f"{self.states:,} states")
        if self.seconds >= 1:
            words.append(f"{self.states / self.seconds:,.0f} a second")
        if self.memory:
            words.append(f"{self.memory >> 20:,} MB")
        if self.left is not None:
            words.append(f"about {self.left:,} left if it goes on like this")
        elif self.frontier:
            words.append("levels still grow: no telling how much is left")
        if silent >= STALLED:
            words.append(f"no news for {silent:.0f} s")
        return ", ".join(words)


def left(levels: Sequence[int]) -> int | None:
    """States still to come, from the sizes of the levels so far: a geometric series, or None unless the last shrank.

    The ratio is that of the last two levels. As a rule levels shrink ever faster, and then this is too many: by three
    times at the beginning, by less and less towards the end.
    """
    if len(levels) < 4 or not levels[-4] > levels[-3] > levels[-2] > levels[-1]:
        return None
    ratio = levels[-1] / levels[-2]
    return round(levels[-1] * ratio / (1 - ratio))


@dataclass(frozen=True)
class Limits:
    """When an engine gives up; what it says then is undetermined, with the limit as the reason.

    Args:
        states: distinct states to visit; None for no limit, here and below.
        seconds: wall-clock time, for the engine that is asked; for `auto`, all of them together.
        depth: moves from the initial state: levels to search or moves to unroll.
        report: called with a Progress now and then; it may print, the engine does not.
        cancelled: asked now and then; a non-empty answer is the reason to stop.
        memory: bytes that the whole process may take (lanes only); states that do not fit are written to a directory.

    >>> Limits(states=1_000).reached(1_001, begin=0.0)
    'the limit of 1,000 states was reached'
    """

    states: int | None = None
    seconds: float | None = None
    depth: int | None = None
    report: Callable[[Progress], None] | None = None
    cancelled: Callable[[], str] | None = None
    memory: int | None = None

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

    def after(self, begin: float) -> Limits:
        """The limits for what is done from now on, of something that began then."""
        return self if self.seconds is None else replace(self, seconds=self.left(begin))

    def left(self, begin: float) -> float | None:
        """Seconds that remain, at least 0, or None without a limit."""
        return None if self.seconds is None else max(0.0, self.seconds - (monotonic() - begin))


@contextmanager
def interrupts_kept() -> Iterator[None]:
    """A block in which a Ctrl-C that Python has swallowed comes again.

    What a destructor raises is only reported. A KeyboardInterrupt that falls into the `__del__` of a term of z3 would
    be lost that way, and the search would go on to its limit.
    """
    before = sys.unraisablehook

    def again(found: Any) -> None:
        if not issubclass(found.exc_type, KeyboardInterrupt):
            before(found)
            return
        Timer(SOON, os.kill, (os.getpid(), signal.SIGINT)).start()

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = before
