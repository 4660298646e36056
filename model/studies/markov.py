"""What a design costs on average: a random scheduler as a Markov chain, solved exactly or simulated.

The scheduler, the same for every design however many steps its operations are cut into:

- pages are written at `rate` in all, each write that is possible as likely as any other;
- a client that is idle begins an operation at rate 1, each operation that it can begin as likely as any other, and each
  way to begin it too;
- what is left of an operation after its first step takes 1 on average, divided evenly among its steps; after an
  operation that is one step the client rests as long.

So an operation takes as long in every design, and `rate` is the number of writes in the time that a client is idle
between two operations. Of a chain in continuous time only the order of moves matters here, so each move is as likely
as its rate is great.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from math import sqrt
from random import Random
from typing import TYPE_CHECKING, Any

from model.errors import UsageError
from model.expr import Client
from model.instance.breadth_first import BreadthFirst
from model.instance.instance import Instance, Move
from model.instance.state import State
from model.studies.cost import Count, counted, is_write
from model.verify.result import sizes_for

if TYPE_CHECKING:
    from model.program.program import Program

RATE = 0.5
MOST_STATES = 20_000  # of a chain that is solved; greater ones are simulated
RUNS, MOVES, WARM_UP = 30, 1500, 300
T95 = 2.045  # Student's t, 29 degrees of freedom
COUNTED = ("copies", "redundant", "gets", "clears")

Resting = frozenset[tuple[str, int]]  # threads that rest after an operation of one step
Spot = tuple[State, Resting]
Way = tuple[float, Count, Spot]  # its rate (a write's as a part of all writes), what it comes to, where it leads


@dataclass(frozen=True)
class Estimate:
    """A mean, and the half width of its 95 % confidence interval: 0 where the mean is exact."""

    mean: float
    margin: float = 0.0

    @property
    def low(self) -> float:
        return self.mean - self.margin

    @property
    def high(self) -> float:
        return self.mean + self.margin

    def __str__(self) -> str:
        exact = f"{self.mean:.3f}" if self.mean else "0"
        return f"{exact} ± {self.margin:.3f}" if self.margin else exact


@dataclass(frozen=True)
class Expected:
    """What the random scheduler comes to for each write, copies of all clients together.

    Attributes:
        rate: writes in the time that a client is idle between two operations.
        states: of the chain that was solved, or None where runs were simulated.
        runs, moves: of the simulation; 0 where the chain was solved.
    """

    rate: float
    copies: Estimate
    redundant: Estimate
    gets: Estimate
    clears: Estimate
    states: int | None
    runs: int = 0
    moves: int = 0

    @property
    def how(self) -> str:
        if self.states is not None:
            return f"exact, {self.states:,} states"
        return f"{self.runs} runs of {self.moves:,} moves"


def expected(
    program: Program,
    pages: int,
    clients: int,
    *,
    rates: Sequence[float] = (RATE,),
    seed: int = 1,
    most: int = MOST_STATES,
) -> tuple[Expected, ...]:
    """What each write costs on average, for each rate: solved where the chain has at most `most` states, or simulated.

    A chain that can end up in several sets of states that it never leaves has no one average; it is simulated too.

    Args:
        seed: of the simulation.

    Raises:
        UsageError: no page was written in any simulated run.
    """
    solved = stationary(program, pages, clients, rates=rates, most=most)
    return tuple(
        found or simulated(program, pages, clients, rate=rate, seed=seed)
        for rate, found in zip(rates, solved, strict=True)
    )


# ---------------------------------------------------------------- the scheduler


def scheduler(instance: Instance) -> Callable[[Spot], Sequence[Way]]:
    """What may happen next, each with its rate where all writes together have rate 1."""
    steps = Counter((s.by, s.operation) for s in instance.program.steps)

    def ways(spot: Spot) -> Sequence[Way]:
        state, resting = spot
        moves = [(instance.moves[n], after) for n, after in instance.successors(state)]
        groups = [_group(instance.program, m) for m, _ in moves]
        alike = Counter(groups)
        begun = Counter(group[1] for group in alike if group[0] == "begin")
        found: list[Way] = [(1.0, Count(), (state, resting - {thread})) for thread in sorted(resting)]
        for (move, after), group in zip(moves, groups, strict=True):
            kind, thread, step = *group[:2], move.ground.step
            if thread not in resting:
                rates = {"write": 1.0, "begin": 1 / max(1, begun[thread]), "go on": steps[step.by, step.operation] - 1}
                rested = resting | {thread} if kind == "begin" and step.last else resting
                found.append((rates[kind] / alike[group], counted(instance, move, state, after), (after, rested)))
        return found or [(1.0, Count(), spot)]  # nothing is possible any more

    return ways


def _group(program: Program, move: Move) -> tuple[Any, ...]:
    """Moves of one group share one rate: all writes; all ways to begin an operation, or to go on with it."""
    step, thread = move.ground.step, (move.ground.sort, move.ground.thread)
    if is_write(program, step):
        return ("write", None)
    return ("begin", thread, step.operation) if step.first else ("go on", thread)


# ---------------------------------------------------------------- the exact average


def stationary(
    program: Program, pages: int, clients: int, *, rates: Sequence[float] = (RATE,), most: int = MOST_STATES
) -> list[Expected | None]:
    """The long-run average of the chain for each rate, by its stationary distribution.

    Returns:
        None for each rate where there are more than `most` states, where no page is ever written in the long run, or
        where the chain can end up in several sets of states.
    """
    instance = Instance(program, pages, sizes_for(program, {Client.name: clients}))
    found = _explored((instance.initial, frozenset()), scheduler(instance), most)
    return [None if found is None else _average(found, rate) for rate in rates]


Ways = Sequence[tuple[float, Count, int]]  # of one state: rate or probability, what it comes to, number of the next


def _explored(initial: Spot, ways: Callable[[Spot], Sequence[Way]], most: int) -> list[Ways] | None:
    """The rates between all states, the first of which is the initial one; None where there are more than `most`."""
    found: list[Sequence[Way]] = []

    def edges(spot: Spot) -> Iterator[tuple[None, Spot]]:
        found.append(ways(spot))
        return ((None, after) for _, _, after in found[-1])

    walk = BreadthFirst([initial], edges, lambda _: "too many" if len(walk.came) > most else "")
    if not walk.finished():
        return None
    number = {spot: n for n, spot in enumerate(walk.came)}
    return [[(weight, count, number[after]) for weight, count, after in row] for row in found]


def _average(found: Sequence[Ways], rate: float) -> Expected | None:
    rows = [_probable(row, rate) for row in found]
    shares = _long_run(rows)
    totals = dict.fromkeys((*COUNTED, "writes"), 0.0)
    for number, share in (shares or {}).items():
        for probability, count, _ in rows[number]:
            for name in totals:
                totals[name] += share * probability * getattr(count, name)
    if not totals["writes"]:
        return None
    copies, redundant, gets, clears = (Estimate(totals[name] / totals["writes"]) for name in COUNTED)
    return Expected(rate, copies, redundant, gets, clears, states=len(rows))


def _probable(row: Ways, rate: float) -> Ways:
    """The row with probabilities for rates."""
    weights = [weight * (rate if count.writes else 1.0) for weight, count, _ in row]
    total = sum(weights)
    return [(weight / total, count, after) for weight, (_, count, after) in zip(weights, row, strict=True)]


def _long_run(rows: Sequence[Ways]) -> Mapping[int, float] | None:
    """State -> share of the moves in the long run, of the one set of states that is never left; None for several."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = len(rows)
    entries = [(i, j, p) for i, row in enumerate(rows) for p, _, j in row]
    source, target = (np.array([e[k] for e in entries], dtype=np.int64) for k in (0, 1))
    matrix = coo_array((np.array([e[2] for e in entries]), (source, target)), shape=(size, size)).tocsr()
    count, label = connected_components(matrix, connection="strong")
    left = set(label[source[label[source] != label[target]]].tolist())
    closed = sorted(set(range(count)) - left)
    if len(closed) != 1:
        return None
    states = np.flatnonzero(label == closed[0])
    return dict(zip(states.tolist(), _solved(matrix[states][:, states]), strict=True))


def _solved(matrix: Any) -> list[float]:
    """The x with x = x M and sum 1, of an irreducible stochastic matrix; the first entry is set and then scaled.

    Shapes: `matrix` (n, n) sparse; the result n long.
    """
    import numpy as np
    from scipy.sparse import eye_array
    from scipy.sparse.linalg import spsolve

    size = matrix.shape[0]
    if size == 1:
        return [1.0]
    others = (eye_array(size - 1) - matrix[1:, 1:]).T.tocsc()
    rest = np.atleast_1d(spsolve(others, matrix[[0], 1:].toarray().ravel()))
    weights = np.concatenate([[1.0], rest])
    return list((weights / weights.sum()).tolist())


# ---------------------------------------------------------------- simulation


def simulated(
    program: Program, pages: int, clients: int, *, rate: float = RATE, moves: int = MOVES, seed: int = 1
) -> Expected:
    """RUNS runs of `moves` moves each, after WARM_UP moves that are not counted.

    Args:
        seed: of the random numbers; the same seed gives the same estimate.
    """
    instance = Instance(program, pages, sizes_for(program, {Client.name: clients}))
    choices, random = _choices(scheduler(instance), rate), Random(seed)
    found = [_run((instance.initial, frozenset()), choices, random, moves) for _ in range(RUNS)]
    copies, redundant, gets, clears = (_ratio(found, name) for name in COUNTED)
    return Expected(rate, copies, redundant, gets, clears, states=None, runs=RUNS, moves=moves)


Choices = Callable[[Spot], tuple[Sequence[Way], Sequence[float]]]


def _choices(ways: Callable[[Spot], Sequence[Way]], rate: float) -> Choices:
    @cache
    def choices(spot: Spot) -> tuple[Sequence[Way], Sequence[float]]:
        found = ways(spot)
        return found, list(accumulate(weight * (rate if count.writes else 1.0) for weight, count, _ in found))

    return choices


def _run(spot: Spot, choices: Choices, random: Random, moves: int) -> Count:
    total = Count()
    for number in range(WARM_UP + moves):
        options, weights = choices(spot)
        _, count, spot = random.choices(options, cum_weights=weights)[0]
        if number >= WARM_UP:
            total += count
    return total


def _ratio(found: Sequence[Count], name: str) -> Estimate:
    """The ratio of two means over independent runs, with the variance of its first-order expansion.

    Of something rare even runs that never show it say little: the interval is no narrower than three in all writes.

    Source: W. G. Cochran, Sampling Techniques, 1977, section 6.4; J. A. Hanley, A. Lippman-Hand, If nothing goes
    wrong, is everything all right?, JAMA 249, 1983 (the rule of three).
    """
    gained, paid = [getattr(c, name) for c in found], [c.writes for c in found]
    if not sum(paid):
        raise UsageError(
            "no page was written in any simulated run, so nothing can be said for each write: the design comes to an "
            "end, or nobody writes."
        )
    ratio, runs = sum(gained) / sum(paid), len(found)
    squares = sum((g - ratio * p) ** 2 for g, p in zip(gained, paid, strict=True))
    margin = T95 * sqrt(squares / (runs * (runs - 1))) / (sum(paid) / runs)
    return Estimate(ratio, max(margin, 3 / sum(paid)))
