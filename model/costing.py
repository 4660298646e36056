"""What a design costs: redundant copies, the worst case and the expected number, ioctls and bitmaps.

A copy is one page read by one client; it is redundant where the page has not changed since that client last read it.
At the start every client has read everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import sqrt
from random import Random
from typing import TYPE_CHECKING, Any

from model.design import Design, Program, invariant, observed
from model.engines.limits import Limits
from model.errors import UsageError
from model.expr import MIGRATION as FIRST
from model.expr import (
    NONE,
    PAGES,
    Client,
    Expr,
    Flag,
    Property,
    Sort,
    every,
    every_client,
    idle,
    node,
    operation,
)
from model.instance import Instance, Move, State
from model.step import Step
from model.synthesis import violation
from model.trace import Trace

if TYPE_CHECKING:
    from numpy.typing import NDArray

Device = Sort("Device", "whoever writes pages and does not pass through KVM", ("the device",), size=1)
WRITERS = ("Guest", "Device")


# ---------------------------------------------------------------- another source of dirty pages


def with_device(design: type[Design], *, tells_one: bool = False) -> type[Design]:
    """The design with a device that writes pages and marks every client's bitmap itself, never the kernel's log.

    Args:
        tells_one: it marks MIGRATION's bitmap only, which is wrong: other clients lose the write in one move.

    Source: QEMU address_space_unmap() and vhost's log, which end in cpu_physical_memory_set_dirty_range().
    """

    def dma(s, me, page):  # type: ignore[no-untyped-def]
        s.user[FIRST if tells_one else every_client] |= page
        s.unread[every_client] |= page
        yield "stored"

    words = {"dma": operation(dma, by=Device), "__doc__": design.__doc__, "__module__": design.__module__}
    return type(f"{design.__name__}{'AndCarelessDevice' if tells_one else 'AndDevice'}", (design,), words)


# ---------------------------------------------------------------- schedules


def one_sync_a_round(program: Program) -> Program:
    """The program on schedules of rounds: write, then sync at most once, then collect and copy everything.

    No sync begins while a client has something in `user` or `mine`; nothing is written while a client holds what it
    has collected or is in the middle of an operation.
    """

    def part(name: str, c: Any) -> Expr:
        return node("var", (name, c.index), PAGES)

    empty = every(Client, lambda c: (part("user", c) | part("mine", c)) <= NONE)
    quiet = every(Client, lambda c: (part("mine", c) <= NONE) & idle(c))
    steps = []
    for step in program.steps:
        guard = empty if step.operation == "sync" and step.first else quiet if step.by in WRITERS else None
        steps.append(replace(step, guards=(*step.guards, guard)) if guard is not None else step)
    return replace(program, steps=tuple(steps))


# ---------------------------------------------------------------- redundant copies


def _observe(step: Step, before: Any, s: Any, me: Any) -> None:
    if _reads(step.by, step.writes):
        s.again |= ~((before.mine[me] - s.mine[me]) - before.unread[me] <= NONE)


no_redundant_copy = Property(
    name="no_redundant_copy",
    kind="always",
    doc="No client reads a page whose content has not changed since it last read it.",
    holds=lambda s: ~s.again,
    parts={"again": Flag("a client has read a page that it had read already")},
    observe=_observe,
)
no_redundant_copy.parts["again"].name = "again"


def redundant_copy(program: Program, pages: int, clients: int, limits: Limits | None = None) -> Trace | None:
    """A shortest trace to a redundant copy, or None where none is reachable at that size.

    Raises:
        Unsettled: the search ended at a limit.
        UsageError: the design has no `mine` and `unread` that a client's read takes away together.
    """
    if not any(_reads(s.by, s.writes) for s in program.steps):
        raise UsageError(f"{program.name} has no step that takes a page from `mine` and `unread`; nothing is copied.")
    watched = observed(program, no_redundant_copy)
    instance = Instance(watched, pages, {"Client": clients})
    return violation(instance, invariant(watched, no_redundant_copy), limits or Limits(states=30_000_000))


def _reads(by: str, writes: frozenset[str]) -> bool:
    return by == "Client" and {"unread", "mine"} <= writes


@dataclass(frozen=True)
class Count:
    """What a run, or a part of one, comes to.

    Attributes:
        writes: by the guest and by devices, one page each.
        copies: pages read by clients.
        gets, clears: ioctls: a sync that looks at the kernel's log, a step of a client that takes bits from it.
    """

    writes: int = 0
    copies: int = 0
    redundant: int = 0
    gets: int = 0
    clears: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(
            self.writes + other.writes,
            self.copies + other.copies,
            self.redundant + other.redundant,
            self.gets + other.gets,
            self.clears + other.clears,
        )


def counted(instance: Instance, move: Move, before: State, after: State, client: int | None = None) -> Count:
    """What one move comes to; of copies only those of one client where one is given."""
    step, thread = move.ground.step, move.ground.thread
    copies = redundant = 0
    if _reads(step.by, step.writes) and client in (None, thread):
        mine, unread = (instance.position[name, thread] for name in ("mine", "unread"))
        read = before[mine] & ~after[mine]
        copies, redundant = read.bit_count(), (read & ~before[unread]).bit_count()
    return Count(
        writes=int(step.by in WRITERS),
        copies=copies,
        redundant=redundant,
        gets=int(step.operation == "sync" and "kernel" in step.reads),
        clears=int(step.by == "Client" and "kernel" in step.writes),
    )


def tally(trace: Trace) -> Count:
    """What a whole trace comes to."""
    pairs = zip(trace.moves, trace.states, trace.states[1:], strict=False)
    return sum((counted(trace.instance, m, a, b) for m, a, b in pairs), Count())


def bitmaps(program: Program, clients: int) -> int:
    """Bitmaps that the design keeps, ghosts and registers not counted."""
    kept = [v for v in program.variables if v.role == "part" and v.sort == PAGES and not v.doc.startswith("ghost")]
    return sum(1 if v.per is None else clients if v.per.name == "Client" else 1 for v in kept)


# ---------------------------------------------------------------- the worst case


def worst(
    program: Program, pages: int, clients: int, *, of: str = "copies", per: str = "writes", most: int = 60_000
) -> Fraction | None:
    """The greatest number of copies by one client for each write, in the long run.

    It is the greatest ratio over all cycles of the finite graph, exact.

    Args:
        of: "copies", or "redundant" for those only.
        per: "writes", by the guest or by a device, or "gets", by any client.

    Returns:
        The ratio, or None where it is unbounded: a cycle copies and has none of what is counted.

    Raises:
        UsageError: there are more than `most` states.
    """
    edges = _edges(Instance(program, pages, {"Client": clients}), of, per, most)
    ratio = Fraction(0)
    while True:
        cycle = _better_cycle(*edges, ratio)
        if cycle is None:
            return ratio
        gained, paid = int(edges[2][cycle].sum()), int(edges[3][cycle].sum())
        if paid == 0:
            return None
        ratio = Fraction(gained, paid)


Ints = Any  # NDArray[np.int64]


def _edges(instance: Instance, of: str, per: str, most: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Every edge of the graph: from, to, what client 0 gains, and what is paid."""
    import numpy as np

    numbers, queue, rows = {instance.initial: 0}, [instance.initial], []
    for state in queue:
        for n, after in instance.successors(state):
            if after not in numbers:
                numbers[after] = len(numbers)
                queue.append(after)
            count = counted(instance, instance.moves[n], state, after, client=0)
            rows.append((numbers[state], numbers[after], getattr(count, of), getattr(count, per)))
        if len(queue) > most:
            raise UsageError(
                f"{instance.program.name} has more than {most:,} states at this size; ask for fewer pages."
            )
    table: NDArray[np.int64] = np.array(sorted(set(rows)), dtype=np.int64)
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3]


def _better_cycle(source: Ints, target: Ints, gains: Ints, pays: Ints, ratio: Fraction) -> list[int] | None:
    """Edges of a cycle with more gain than `ratio` times what it pays, or None: Bellman and Ford, all edges at once."""
    import numpy as np

    weight = gains * ratio.denominator - pays * ratio.numerator
    states = int(max(source.max(), target.max())) + 1
    best, reached = np.zeros(states, dtype=np.int64), np.full(states, -1, dtype=np.int64)
    for _ in range(states + 1):
        offer = best[source] + weight
        better = np.flatnonzero(offer > best[target])
        if not better.size:
            return None
        order = better[np.argsort(offer[better], kind="stable")]  # of several offers the greatest comes last
        best[target[order]], reached[target[order]] = offer[order], order
        cycle = _closed(source, reached)
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


# ---------------------------------------------------------------- the expected case


@dataclass(frozen=True)
class Estimate:
    """A mean over independent runs and the half width of its 95 % confidence interval."""

    mean: float
    margin: float

    def __str__(self) -> str:
        return f"{self.mean:.2f} ± {self.margin:.2f}"


@dataclass(frozen=True)
class Expected:
    """What runs of a random scheduler come to, for each write.

    Attributes:
        copies, redundant, gets, clears: for each write; copies of all clients together.
    """

    copies: Estimate
    redundant: Estimate
    gets: Estimate
    clears: Estimate
    runs: int
    moves: int


T95 = 2.045  # Student's t, 29 degrees of freedom
RUNS = 30


def expected(
    program: Program, pages: int, clients: int, *, writes: float = 0.2, moves: int = 400, seed: int = 1
) -> Expected:
    """Simulate RUNS runs of `moves` moves from the start, and estimate what each write costs.

    Args:
        writes: probability that the next move is a write, by the guest or by a device, wherever one is possible;
            otherwise each possible move of the clients is as likely as any other.
        seed: of the random numbers; the same seed gives the same estimate.
    """
    instance = Instance(program, pages, {"Client": clients})
    random = Random(seed)
    found = [_simulated(instance, random, writes, moves) for _ in range(RUNS)]
    counts = {name: _estimate(found, name) for name in ("copies", "redundant", "gets", "clears")}
    return Expected(**counts, runs=RUNS, moves=moves)


def _simulated(instance: Instance, random: Random, writes: float, moves: int) -> Count:
    state, total = instance.initial, Count()
    by_writer = [m.ground.step.by in WRITERS for m in instance.moves]
    for _ in range(moves):
        options = list(instance.successors(state))
        stores = [o for o in options if by_writer[o[0]]]
        others = [o for o in options if not by_writer[o[0]]]
        chosen = stores if stores and (not others or random.random() < writes) else others
        number, after = random.choice(chosen)
        total += counted(instance, instance.moves[number], state, after)
        state = after
    return total


def _estimate(found: Sequence[Count], name: str) -> Estimate:
    values = [getattr(c, name) / max(1, c.writes) for c in found]
    mean = sum(values) / len(values)
    variance = sum((v - mean) ** 2 for v in values) / (len(values) - 1)
    return Estimate(mean, T95 * sqrt(variance / len(values)))
