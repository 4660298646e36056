"""Breadth-first search over plain integers: the reference that every other engine is compared with."""

from __future__ import annotations

from time import monotonic

from model.instance.problem import Problem
from model.instance.state import State
from model.limits import Limits
from model.verdict import Proved, Refuted, Undetermined, Verdict


def search(asked: Problem, limits: Limits | None = None) -> Verdict:
    """Visit every reachable state, nearest first, and stop at the first that violates an invariant.

    Args:
        asked: a program, what must hold of it, and its sizes; nothing asked is undetermined.
        limits: states and seconds after which to give up.

    Returns:
        Proved(states, depth); Refuted(states, depth, detail=(violating states, invariant, number)) where states
        counts the complete levels before the violating one; or Undetermined(reason) with what was covered.
    """
    limits, instance = limits or Limits(), asked.instance
    begin = monotonic()
    checks = [(c.name, c.number, instance.predicate(c.holds)) for c in asked.checks]
    seen: set[State] = set()
    frontier, depth, transitions, before = [instance.initial], 0, 0, 0
    seen.update(frontier)

    def answer(kind: type[Verdict], **more: object) -> Verdict:
        return kind(transitions=transitions, engine="explicit", seconds=monotonic() - begin, **more)  # type: ignore[arg-type]

    if not checks:
        return answer(Undetermined, reason="no property was asked")
    try:
        while frontier:
            bad = [(s, n, k) for n, k, holds in checks for s in frontier if not holds(s)]
            if bad:
                return answer(Refuted, states=before, depth=depth, detail=bad)
            if stop := limits.depth_reached(depth):
                return answer(Undetermined, states=len(seen), depth=depth, reason=stop)
            before, following = len(seen), []
            for state in frontier:
                for _, after in instance.successors(state):
                    transitions += 1
                    if after not in seen:
                        seen.add(after)
                        following.append(after)
                if stop := limits.reached(len(seen), begin):
                    return answer(Undetermined, states=len(seen), depth=depth, reason=stop)
            frontier, depth = following, depth + 1
    except KeyboardInterrupt:
        return answer(Undetermined, states=len(seen), depth=depth, reason="interrupted", interrupted=True)
    return answer(Proved, states=len(seen), depth=depth - 1)
