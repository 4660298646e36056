"""Breadth-first search over plain integers: the reference that every other engine is compared with."""

from __future__ import annotations

from time import monotonic

from model.instance.breadth_first import BreadthFirst
from model.instance.problem import Problem
from model.limits import Limits, Progress
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
    limits, instance, begin = limits or Limits(), asked.instance, monotonic()
    checks = [(c.name, c.number, instance.predicate(c.holds)) for c in asked.checks]
    walk = BreadthFirst([instance.initial], instance.successors, lambda _: limits.reached(len(walk.came), begin))
    depth, before = -1, 0

    def answer(kind: type[Verdict], **more: object) -> Verdict:
        return kind(transitions=walk.edges, engine="explicit", seconds=monotonic() - begin, **more)  # type: ignore[arg-type]

    if not checks:
        return answer(Undetermined, reason="no property was asked")
    try:
        for depth, level in enumerate(walk.levels()):
            bad = [(s, n, k) for n, k, holds in checks for s in level if not holds(s)]
            if bad:
                return answer(Refuted, states=before, depth=depth, detail=bad)
            if stop := limits.depth_reached(depth):
                return answer(Undetermined, states=len(walk.came), depth=depth, reason=stop)
            before = len(walk.came)
            if limits.report:
                limits.report(Progress("explicit", before, depth, len(level), seconds=monotonic() - begin))
    except KeyboardInterrupt:
        return answer(Undetermined, states=len(walk.came), depth=depth, reason="interrupted", interrupted=True)
    if walk.stopped:
        return answer(Undetermined, states=len(walk.came), depth=depth, reason=walk.stopped)
    return answer(Proved, states=len(walk.came), depth=depth)
