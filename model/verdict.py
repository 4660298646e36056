"""Proved, Refuted, Undetermined: what an engine answers, how answers combine, and the exit code each gives.

A verdict is never rounded up. `Proved` comes from a finished search or a discharged induction. A limit or a solver's
`unknown` is `Undetermined` with its reason, and so is a run that asked no property.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

PROVED, REFUTED, USAGE, UNDETERMINED, SKIPPED, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 4, 70, 130


@dataclass(frozen=True)
class Verdict:
    """What one engine says of one property at one size.

    Attributes:
        states: distinct states visited (of a refuted run: those of the complete levels before the violating one).
        depth: the greatest distance from the start that was reached; of a refuted run: moves of a shortest trace.
        transitions: enabled moves of all visited states, those that change nothing included; 0 where not counted,
            None where some of them were not made, so that nobody knows.
        orbits: how many states were kept where one stands for all that differ in the order of what is alike only;
            `states` and `transitions` are of all of them. 0 where every state was kept.
        engine: who says so.
        seconds: wall-clock time that it took.
        detail: what else the engine found (levels, a trace, an invariant); not part of the answer.

    Two verdicts are equal where word, states and depth are:

    >>> Proved(states=4, depth=2, engine="explicit") == Proved(states=4, depth=2, engine="lanes")
    True
    """

    states: int = 0
    depth: int = 0
    transitions: int | None = field(default=0, compare=False)
    orbits: int = field(default=0, compare=False)
    engine: str = field(default="", compare=False)
    seconds: float = field(default=0.0, compare=False)
    detail: Any = field(default=None, compare=False, repr=False)

    word = "undetermined"
    exit_code = UNDETERMINED

    @property
    def conclusive(self) -> bool:
        return not isinstance(self, Undetermined)


@dataclass(frozen=True)
class Proved(Verdict):
    """The property holds in every reachable state of the stated scope."""

    word = "proved"
    exit_code = PROVED


@dataclass(frozen=True)
class Refuted(Verdict):
    """A reachable state violates the property; `detail` leads to a shortest trace to it."""

    word = "refuted"
    exit_code = REFUTED


@dataclass(frozen=True)
class Undetermined(Verdict):
    """Neither: `reason` says why, `states` and `depth` what was covered."""

    reason: str = field(default="", compare=False)
    interrupted: bool = field(default=False, compare=False)

    word = "undetermined"
    exit_code = UNDETERMINED


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """The exit code of a run: interrupted, else refuted, else undetermined, else proved."""
    all_of_them = list(verdicts)
    if any(isinstance(v, Undetermined) and v.interrupted for v in all_of_them):
        return INTERRUPTED
    if any(isinstance(v, Refuted) for v in all_of_them):
        return REFUTED
    if not all_of_them or any(isinstance(v, Undetermined) for v in all_of_them):
        return UNDETERMINED
    return PROVED
