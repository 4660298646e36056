"""Designs side by side: a row a design with its safety and all that it costs, and which row beats which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import product

from model.designs.catalogue import DEFAULT_PROPERTIES, built_in_properties
from model.expr import Client, Property, Sort, show
from model.instance.problem import Problem
from model.instance.trace import Trace
from model.limits import Limits
from model.program.design import Design, record
from model.program.holes import filled, opened
from model.program.program import Program
from model.program.step import Step
from model.program.store_buffer import SIZE
from model.studies.cost import bitmaps, one_sync_a_round, redundant_copy, with_device
from model.studies.cycle_ratio import GAINS, PAYS, state_graph
from model.studies.markov import RATE, Estimate, Expected, expected
from model.verdict import Proved, Verdict
from model.verify.judge import violation
from model.verify.question import asked_sizes
from model.verify.result import sizes_for
from model.verify.vacuity import vacuous

SOURCES = ("none", "device", "careless")
SEARCH = Limits(states=30_000_000)
EXACT = 1e-9  # by which two numbers of an exact chain may differ and be the same

Ratios = Mapping[tuple[str, str], Fraction | None]  # ("redundant", "gets"): redundant copies for each round


@dataclass(frozen=True)
class Candidate:
    """A design, or a design with another mask in its clear.

    Attributes:
        sizes: elements of further index sorts, and entries of store buffers.
        inputs, table: what the mask looks at and its truth table (`program.holes`); no table for the design as it is.
    """

    name: str
    design: type[Design]
    inputs: tuple[str, ...] = ()
    table: int | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)

    def program(self, source: str) -> Program:
        """The candidate with this other source of dirty pages, as many of each sort as `sizes` says."""
        program = self._sized(record(self._beside(source), buffer=self.sizes.get(SIZE)))
        return program if self.table is None else filled(opened(program, self.inputs)[0], self.table)

    def _sized(self, program: Program) -> Program:
        others = asked_sizes(program, 1, {s: n for s, n in self.sizes.items() if s != Client.name})
        own = {s: _sized(program.sorts[s], n) for s, n in others.items() if s not in (Client.name, SIZE)}
        return replace(program, sorts={**program.sorts, **own})

    def _beside(self, source: str) -> type[Design]:
        return self.design if source == "none" else with_device(self.design, tells_one=source == "careless")


def _sized(sort: Sort, size: int) -> Sort:
    """The sort with exactly so many elements."""
    return Sort(sort.name, sort.doc, sort.names, size)


@dataclass(frozen=True)
class Row:
    """What a design costs with so many clients and this other source of dirty pages.

    Attributes:
        vacuous: why a design without a loss is not called safe: nothing is left of what decides.
        asked: the names of the properties that decide, the loss first.
        source: "none"; "device", which marks every client's bitmap; "careless", which marks MIGRATION's only.
        pages: searches went up to so many.
        loss: a shortest trace to a lost write, or None where there is none.
        broken: of a design that loses, a shortest trace to a broken promise.
        proof: of safety for any number of pages and clients, where one was asked for; it stands for the search.
        redundant: a shortest trace to a redundant copy on any schedule, or None where none is reachable.
        in_rounds: the same on schedules with one sync a round.
        worst, worst_in_rounds: of one client and one page, for each write or round; None where unbounded.
        expected, expected_in_rounds: for each rate of writing.
    """

    design: str
    clients: int
    source: str
    pages: int
    loss: Trace | None
    broken: Trace | None
    proof: Verdict | None
    redundant: Trace | None
    in_rounds: Trace | None
    worst: Ratios
    worst_in_rounds: Ratios
    expected: tuple[Expected, ...]
    expected_in_rounds: tuple[Expected, ...]
    bitmaps: int
    vacuous: str = ""
    asked: tuple[str, ...] = DEFAULT_PROPERTIES

    @property
    def safe(self) -> bool:
        return self.loss is None and not self.vacuous

    @property
    def group(self) -> tuple[int, str]:
        """Rows of one group can be compared."""
        return self.clients, self.source


def row(
    candidate: Candidate,
    clients: int,
    source: str = "none",
    *,
    pages: int = 2,
    rates: Sequence[float] = (RATE,),
    average_pages: int | None = None,
    seed: int = 1,
    proof: Verdict | None = None,
    asked: Sequence[Property] = (),
) -> Row:
    """Measure a candidate; searches go up to `pages` pages, worst cases are those of one page.

    Args:
        average_pages: pages of the chain for the expected numbers; default: `pages`.
        asked: what must hold: a loss is a violation of the first, a broken promise of the second. Default: the two
            forms of safety.
        proof: what an engine said of its safety for any number of pages and clients.

    Raises:
        Unsettled: a search ended at a limit.
        UsageError: nothing is copied, or there are too many states for the worst case.
    """
    program = candidate.program(source)
    rounds = one_sync_a_round(program)
    size = average_pages or pages
    first, *others = asked or [built_in_properties()[name] for name in DEFAULT_PROPERTIES]
    loss = None if proved(proof) else shortest(first, program, pages, clients)
    return Row(
        design=candidate.name,
        clients=clients,
        source=source,
        pages=pages,
        loss=loss,
        broken=shortest(others[0], program, pages, clients) if loss and others else None,
        proof=proof,
        redundant=_redundant(program, pages, clients),
        in_rounds=_redundant(rounds, pages, clients),
        worst=_ratios(program, clients),
        worst_in_rounds=_ratios(rounds, clients),
        expected=expected(program, size, clients, rates=rates, seed=seed),
        expected_in_rounds=expected(rounds, size, clients, rates=rates, seed=seed),
        bitmaps=bitmaps(program, clients),
        vacuous="" if loss else vacuous(Problem.of(program, first, sizes=sizes_for(program, {Client.name: clients}))),
        asked=tuple(p.name for p in (first, *others)),
    )


def shortest(property: Property, program: Program, pages: int, clients: int) -> Trace | None:
    """A shortest trace to a violation at up to so many pages, at the smallest size where it is that short."""
    asked = Problem.of(program, property)
    sizes = (asked.at(p, sizes_for(program, {Client.name: clients})) for p in range(1, pages + 1))
    found = [trace for trace in (violation(each, SEARCH) for each in sizes) if trace]
    return min(found, key=len, default=None)


def _redundant(program: Program, pages: int, clients: int) -> Trace | None:
    found = [trace for p in range(1, pages + 1) if (trace := redundant_copy(program, p, clients, SEARCH))]
    return min(found, key=len, default=None)


def _ratios(program: Program, clients: int) -> Ratios:
    graph = state_graph(program, 1, clients)
    return {(of, per): graph.worst(of, per) for of, per in product(GAINS, PAYS)}


# ---------------------------------------------------------------- which row beats which


def measures(r: Row, *, rounds: bool = False) -> tuple[Estimate, Estimate, Estimate]:
    """Redundant copies for each write, ioctls for each write, bitmaps: less of each is better.

    Args:
        rounds: on schedules with one sync a round, not on any schedule; at the first rate in both cases.
    """
    e = (r.expected_in_rounds if rounds else r.expected)[0]
    ioctls = Estimate(e.gets.mean + e.clears.mean, e.gets.margin + e.clears.margin)
    return e.redundant, ioctls, Estimate(float(r.bitmaps))


def beats(a: Row, b: Row, *, rounds: bool = False) -> bool:
    """Safe beats unsafe; of two that are both, the one that is in one measure certainly less and in none more.

    Certainly less: the confidence intervals do not overlap. Rows of different groups are not compared.
    """
    if a.group != b.group or a.safe != b.safe:
        return a.group == b.group and a.safe
    pairs = list(zip(measures(a, rounds=rounds), measures(b, rounds=rounds), strict=True))
    return any(_less(x, y) for x, y in pairs) and not any(_less(y, x) for x, y in pairs)


def front(rows: Sequence[Row], *, rounds: bool = False) -> list[Row]:
    """The safe rows that no other beats."""
    return [r for r in rows if r.safe and not any(beats(other, r, rounds=rounds) for other in rows)]


def _less(a: Estimate, b: Estimate) -> bool:
    return a.high + EXACT < b.low


# ---------------------------------------------------------------- one program inside another


def contains(larger: Program, smaller: Program) -> bool:
    """Every run of the smaller program is a run of the larger, which has the same state and more steps.

    So what is proved of the larger holds of the smaller.
    """
    same = larger.variables == smaller.variables
    threads = all(larger.threads.get(sort) == places for sort, places in smaller.threads.items())
    return same and threads and set(_texts(smaller.steps)) <= set(_texts(larger.steps))


def _texts(steps: Sequence[Step]) -> Iterator[tuple[str, ...]]:
    for s in steps:
        yield (
            f"{s.label} {s.by} {s.source} {s.target} {s.params} {s.takes} {s.frees}",
            *(show(g) for g in s.guards),
            *(f"{u.variable}[{u.index}] := {show(u.value)}" for u in s.updates),
        )


def proved(verdict: Verdict | None) -> bool:
    """There is a proof for any number of pages and clients."""
    return isinstance(verdict, Proved)
