"""Which designs explain a recording, and which of them ask least of a VMM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from model.conformance.automaton import DEAD, START, Explanations
from model.conformance.letters import Letter
from model.errors import TooWide

COMPARED = (Letter.GET_0, Letter.GET_1, Letter.TAKE_1, Letter.CLEAR_0, Letter.CLEAR_1, Letter.ELSEWHERE)
MOST_PAIRS = 50_000


def included(one: Explanations, other: Explanations) -> bool:
    """Whether all that a page can show under `one` it can show under `other`; False where that is too long to tell."""
    seen, waiting = {(START, START)}, [(START, START)]
    while waiting:
        here, there = waiting.pop()
        for letter in COMPARED:
            pair = one.step(here, letter), other.step(there, letter)
            if pair[0] == DEAD or pair in seen:
                continue
            if pair[1] == DEAD or len(seen) > MOST_PAIRS:
                return False
            seen.add(pair)
            waiting.append(pair)
    return True


def ordered(designs: Mapping[str, Explanations]) -> tuple[list[str], list[str]]:
    """The weakest of some designs and the strongest: what shows all that another shows, and what shows no more.

    A design is weaker than another if every page's history of the other is one of its own, and not the reverse.
    """
    below = {a: [b for b in designs if b != a and _included(designs[b], designs[a])] for a in designs}

    def extreme(beats: Sequence[tuple[str, str]]) -> list[str]:
        return [a for a in designs if not any(x == a and (y, x) not in beats for x, y in beats)]

    weaker = [(b, a) for a, found in below.items() for b in found]  # (b, a): a shows all that b shows
    return extreme(weaker), extreme([(a, b) for b, a in weaker])


def _included(one: Explanations, other: Explanations) -> bool:
    try:
        return included(one, other)
    except TooWide:
        return False
