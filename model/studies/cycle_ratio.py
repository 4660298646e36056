"""The worst case in the long run: the greatest ratio of a cycle of the finite state graph, exact.

Along an infinite run let *gained* be the copies of one client so far and *paid* the writes (or the rounds) so far. The
worst case is the greatest value that gained / paid can approach again and again, over all infinite runs. In a finite
graph that is the greatest ratio of the sums over a simple cycle, for every long run is a short path and simple cycles:
the maximum cycle ratio, which is the maximum cycle mean where every edge pays one.

A ratio r is exceeded exactly where the weights gain - r * pay have a cycle with a positive sum. Starting from r = 0,
each such cycle gives its own ratio as the next, greater r, until there is none: every r is the ratio of a cycle, so the
last one is exact and there are finitely many before it.

Source: R. M. Karp, A characterization of the minimum cycle mean in a digraph, 1978; E. L. Lawler, Combinatorial
Optimization, 1976, section 3.13 (cycle ratios); R. Bellman, L. Ford (positive cycles).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from model.errors import UsageError
from model.expr import Client
from model.instance.breadth_first import BreadthFirst
from model.instance.instance import Instance
from model.program.program import Program
from model.studies.cost import counted
from model.verify.result import sizes_for

GAINS, PAYS = ("copies", "redundant"), ("writes", "gets")
LOOK = 8  # rounds after which the edges are looked at for a cycle, which takes as long as some rounds
Ints = Any  # NDArray[np.int64]


@dataclass(frozen=True)
class Graph:
    """Every edge of the state graph of an instance and what it comes to.

    Attributes:
        client: of each edge the client that moves, -1 where none does.
        counts: "copies", "redundant", "writes", "gets" of each edge.

    Shapes: every array (edges,) int64.
    """

    source: Ints
    target: Ints
    client: Ints
    counts: Mapping[str, Ints]

    def worst(self, of: str = "copies", per: str = "writes") -> Fraction | None:
        """The greatest ratio of one client's gains to what all pay, or None where it is unbounded."""
        found = [self._worst_of(c, of, per) for c in sorted({int(c) for c in self.client} - {-1})]
        return None if None in found else max((r for r in found if r is not None), default=Fraction(0))

    def _worst_of(self, client: int, of: str, per: str) -> Fraction | None:
        gains = self.counts[of] * (self.client == client)
        return greatest_ratio(self.source, self.target, gains, self.counts[per])


def worst(
    program: Program, pages: int, clients: int, *, of: str = "copies", per: str = "writes", most: int = 60_000
) -> Fraction | None:
    """The greatest number of copies by one client for each write, in the long run.

    Args:
        of: "copies", or "redundant" for those only.
        per: "writes", by the guest or by a device; or "gets", by any client: a round is one KVM_GET_DIRTY_LOG.

    Returns:
        The ratio, of the client for which it is greatest; or None where it is unbounded: a cycle copies and has none
        of what is paid.

    Raises:
        UsageError: there are more than `most` states.
    """
    return state_graph(program, pages, clients, most=most).worst(of, per)


def state_graph(program: Program, pages: int, clients: int, *, most: int = 60_000) -> Graph:
    """The graph of all reachable states, each edge with what it comes to.

    Raises:
        UsageError: there are more than `most` states.
    """
    import numpy as np

    rows = np.array(
        sorted(_edges(Instance(program, pages, sizes_for(program, {Client.name: clients})), most)), dtype=np.int64
    )
    source, target, client, *counts = rows.T
    return Graph(source, target, client, dict(zip((*GAINS, *PAYS), counts, strict=True)))


def _edges(instance: Instance, most: int) -> set[tuple[int, ...]]:
    walk = BreadthFirst([instance.initial], instance.successors, lambda _: "too many" if len(walk.came) > most else "")
    if not walk.finished():
        raise UsageError(f"{instance.program.name} has more than {most:,} states at this size; ask for fewer pages.")
    number, rows = {state: n for n, state in enumerate(walk.came)}, set()
    for state in walk.came:
        for n, after in instance.successors(state):
            move = instance.moves[n]
            count = counted(instance, move, state, after)
            client = move.ground.thread if move.ground.sort == Client.name else -1
            rows.add((number[state], number[after], client, *(getattr(count, name) for name in (*GAINS, *PAYS))))
    return rows


def greatest_ratio(source: Ints, target: Ints, gains: Ints, pays: Ints) -> Fraction | None:
    """The greatest sum of gains over sum of pays of a cycle; 0 where no cycle gains, None where one gains for nothing.

    Args:
        source, target: of each edge, states as numbers from 0.
        gains, pays: of each edge, not negative.
    """
    ratio = Fraction(0)
    while (cycle := _better_cycle(source, target, gains, pays, ratio)) is not None:
        gained, paid = int(gains[cycle].sum()), int(pays[cycle].sum())
        if paid == 0:
            return None
        ratio = Fraction(gained, paid)
    return ratio


def _better_cycle(source: Ints, target: Ints, gains: Ints, pays: Ints, ratio: Fraction) -> Ints | None:
    """Edges of a cycle with more gain than `ratio` times what it pays, or None: Bellman and Ford, all edges at once."""
    import numpy as np

    weight = gains * ratio.denominator - pays * ratio.numerator
    states = int(max(source.max(), target.max())) + 1
    best, reached = np.zeros(states, dtype=np.int64), np.full(states, -1, dtype=np.int64)
    for number in range(states + 1):
        offer = best[source] + weight
        better = np.flatnonzero(offer > best[target])
        if not better.size:
            return None
        order = better[np.argsort(offer[better], kind="stable")]  # of several offers the greatest comes last
        best[target[order]], reached[target[order]] = offer[order], order
        looking = number % LOOK == LOOK - 1 or number == states  # where there is such a cycle, the last round has one
        cycle = _closed(source, reached) if looking else None
        if cycle and int(weight[cycle].sum()) > 0:
            return cycle
    raise AssertionError("a value that still grows after as many rounds as there are states lies on a cycle")


def _closed(source: Ints, reached: Ints) -> list[int] | None:
    """Edges of a cycle among those by which each state got its value, or None where they form none."""
    colour: dict[int, int] = {}
    for start in range(len(reached)):
        state, path = start, []
        while state not in colour and reached[state] >= 0:
            colour[state] = start
            path.append(state)
            state = int(source[reached[state]])
        if colour.get(state) == start and state in path:
            return [int(reached[s]) for s in path[path.index(state) :]]
        colour.setdefault(state, start)
    return None
