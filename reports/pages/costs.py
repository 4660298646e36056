"""What designs cost, as tables for a terminal and for Markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

from model.designs.catalogue import DEFAULT_PROPERTIES
from model.instance.trace import Trace
from model.printing.records import json_document, named
from model.studies.comparison import Row, front, proved
from model.studies.cost import tally
from model.studies.cycle_ratio import GAINS, PAYS
from model.studies.markov import COUNTED, Estimate, Expected
from model.verify.wording import plural

LESS = (
    "A copy is redundant where the page has not changed since that client last read it. "
    "One sync a round: write, at most one sync, then collect and copy everything, and nothing is written meanwhile."
)
WORST = (
    "The greatest ratio of a cycle of the state graph, exact: of one client and one page, in the long run. "
    "A round is one KVM_GET_DIRTY_LOG by any client."
)
EXPECTED = (
    "For each write, all clients together, by a random scheduler: a client begins an operation at rate 1, an operation "
    "takes 1 more on average, pages are written at the stated rate. Exact by the stationary distribution of the Markov "
    "chain, or the mean of simulated runs with its 95 % confidence interval. A lost write saves its copy."
)
BEATS = (
    "Safe beats unsafe. Of two that are both, one beats the other where it has fewer redundant copies, ioctls or "
    "bitmaps and of none more, for each write at the first rate; where confidence intervals overlap, neither has fewer."
)
UNBEATEN = {  # on any schedule, with one sync a round
    (True, True): "yes",
    (True, False): "any schedule",
    (False, True): "one sync",
    (False, False): "",
}


@dataclass(frozen=True)
class Table:
    """A table of text with what it means below it."""

    title: str
    heads: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    note: str


def tables(rows: Sequence[Row]) -> tuple[Table, ...]:
    """Safety and shortest traces, worst cases, expected numbers."""
    best = front(rows), front(rows, rounds=True)
    return (
        Table(
            "Safety, redundant copies, memory",
            ("design", "clients", "other source", "safe", "redundant copy", "one sync a round", "bitmaps", "unbeaten"),
            tuple((*_who(r), safety(r), moves(r.redundant), moves(r.in_rounds), *_end(r, best)) for r in rows),
            f"{LESS} {BEATS}",
        ),
        Table(
            "Worst case: copies (redundant) of one client",
            ("design", "clients", "other source", "a write", "a round", "one sync: a write", "one sync: a round"),
            tuple((*_who(r), *(w for ratios in (r.worst, r.worst_in_rounds) for w in worst(ratios))) for r in rows),
            WORST,
        ),
        Table(
            "Expected for each write",
            ("design", "clients", "other source", "schedule", "writes", *COUNTED, "how"),
            tuple((*_who(r), *line) for r in rows for line in _averages(r)),
            EXPECTED,
        ),
    )


def _who(r: Row) -> tuple[str, str, str]:
    return r.design, str(r.clients), r.source


def _end(r: Row, best: tuple[Sequence[Row], Sequence[Row]]) -> tuple[str, str]:
    return str(r.bitmaps), UNBEATEN[r in best[0], r in best[1]]


def safety(r: Row) -> str:
    """`yes, any number`; `yes, up to 2 pages`; `no, 8 moves (promise 6)`: never more than was found.

    Of a design of which nothing decides, `holds vacuously: finished is never set`.
    """
    if r.loss is not None:
        return f"no, {plural(len(r.loss), 'move')}" + (f" (promise {len(r.broken)})" if r.broken else "")
    if r.vacuous:
        return f"holds vacuously: {r.vacuous}"
    return "yes, any number" if proved(r.proof) else f"yes, up to {plural(r.pages, 'page')}"


def moves(trace: Trace | None) -> str:
    """`14 moves`, or `never`."""
    return plural(len(trace), "move") if trace else "never"


def worst(ratios: Mapping[tuple[str, str], Fraction | None]) -> Iterator[str]:
    """`2 (1)` for each write, then for each round."""
    for per in PAYS:
        yield " ".join(f"({ratio(ratios[of, per])})" if of == "redundant" else ratio(ratios[of, per]) for of in GAINS)


def ratio(value: Fraction | None) -> str:
    """A fraction, or `unbounded`."""
    return "unbounded" if value is None else str(value)


def _averages(r: Row) -> Iterator[tuple[str, ...]]:
    for schedule, found in (("any", r.expected), ("one sync", r.expected_in_rounds)):
        for e in found:
            yield schedule, f"{e.rate:g}", *(str(getattr(e, name)) for name in COUNTED), e.how


def as_markdown(rows: Sequence[Row]) -> str:
    """The three tables."""
    return "\n".join(line for table in tables(rows) for line in _markdown(table)) + "\n"


def _markdown(table: Table) -> Iterator[str]:
    from reports.formats.markdown import escaped

    yield from (f"## {table.title}", "", f"| {' | '.join(table.heads)} |", f"|{' --- |' * len(table.heads)}")
    for line in table.lines:
        yield f"| {' | '.join(escaped(cell) for cell in line)} |"
    yield from ("", table.note, "")


def as_json(rows: Sequence[Row]) -> str:
    """Plain data, one object a row."""
    return json_document(rows=records(rows))


def records(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Each row as plain data; numbers that are not exact have a margin."""
    free, rounds = front(rows), front(rows, rounds=True)
    return [_record(r) | {"unbeaten": {"any": r in free, "one_sync": r in rounds}} for r in rows]


def _record(r: Row) -> dict[str, Any]:
    return {
        **named(r, "design clients source safe"),
        "scope": {"pages": "any", "clients": "any"} if r.safe and proved(r.proof) else _scope(r),
        "loss": r.loss and len(r.loss),
        **({"asked": list(r.asked)} if r.asked != DEFAULT_PROPERTIES else {}),
        **({"vacuous": r.vacuous} if r.vacuous else {}),
        "promise_broken": r.broken and len(r.broken),
        "redundant": {"any": _trace(r.redundant), "one_sync": _trace(r.in_rounds)},
        "worst": {"any": _worst(r.worst), "one_sync": _worst(r.worst_in_rounds)},
        "expected": {
            "any": [_expected(e) for e in r.expected],
            "one_sync": [_expected(e) for e in r.expected_in_rounds],
        },
        "bitmaps": r.bitmaps,
    }


def _scope(r: Row) -> dict[str, int]:
    return named(r, "pages clients")


def _trace(trace: Trace | None) -> dict[str, Any] | None:
    if trace is None:
        return None
    count = tally(trace)
    told = {name: getattr(count, name) for name in ("writes", *COUNTED)}
    return {"pages": trace.instance.pages, "steps": [m.ground.step.label for m in trace.moves], **told}


def _worst(ratios: Mapping[tuple[str, str], Fraction | None]) -> dict[str, str]:
    names = {"writes": "write", "gets": "round"}
    return {f"{of}_per_{names[per]}": ratio(ratios[of, per]) for of, per in product(GAINS, PAYS)}


def _expected(e: Expected) -> dict[str, Any]:
    return {"writes": e.rate, "how": e.how, **{name: _estimate(getattr(e, name)) for name in COUNTED}}


def _estimate(e: Estimate) -> dict[str, float]:
    return {"mean": round(e.mean, 4) + 0.0, "margin": round(e.margin, 4)}
