"""Breadth-first search over plain integers: the reference that every other engine is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from model.instance.instance import Instance
from model.instance.state import State
from model.limits import Limits
from model.program.program import Invariant
from model.verdict import Proved, Refuted, Undetermined, Verdict


def search(instance: Instance, invariants: Sequence[Invariant], limits: Limits | None = None) -> Verdict:
    """Visit every reachable state, nearest first, and stop at the first that violates an invariant.

    Args:
        instance: a program at given sizes.
        invariants: what must hold in every state; none asked is undetermined.
        limits: states and seconds after which to give up.

    Returns:
        Proved(states, depth); Refuted(states, depth, detail=(violating states, invariant, number)) where states
        counts the complete levels before the violating one; or Undetermined(reason) with what was covered.
    """
    limits = limits or Limits()
    begin = monotonic()
    checks = [(i.name, number, instance.predicate(case)) for i in invariants for number, case in instance.cases(i)]
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
