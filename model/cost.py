"""`python -m model.cost [DESIGN …]`: safety, redundant copies, ioctls and bitmaps of designs, in one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import click

from model.cli import columns, print_lines, run
from model.costing import Expected, bitmaps, expected, one_sync_a_round, redundant_copy, tally, with_device, worst
from model.design import Design, Program, record
from model.designs.catalogue import DEFAULT_PROPERTIES, built_in_properties, load
from model.engines.limits import Limits
from model.synthesis import Judge
from model.trace import Trace
from model.verdict import PROVED

if TYPE_CHECKING:
    from rich.text import Text

DESIGNS = ("naive", "top-layer", "top-layer-and-cache", "per-slot-cache")
SOURCES = ("none", "device", "careless")


@dataclass(frozen=True)
class Row:
    """What one design costs with so many clients and this other source of dirty pages.

    Attributes:
        source: "none"; "device", which marks every client's bitmap; "careless", which marks MIGRATION's only.
        loss: moves of a shortest trace to a loss or a broken promise, or None where it is safe at that size.
        redundant: a shortest trace to a redundant copy on any schedule, or None where none is reachable.
        in_rounds: the same on schedules with one sync a round.
        worst: copies of one client for each write on any schedule; None where unbounded.
        worst_in_rounds: redundant copies of one client for each write, with one sync a round.
    """

    design: str
    clients: int
    source: str
    loss: int | None
    redundant: Trace | None
    in_rounds: Trace | None
    worst: Fraction | None
    worst_in_rounds: Fraction | None
    expected: Expected
    bitmaps: int


def row(design: type[Design], clients: int, source: str, *, pages: int = 2, seed: int = 1) -> Row:
    """Measure one design; searches go up to `pages` pages, ratios are those of one page.

    Raises:
        Unsettled: a search ended at a limit.
    """
    plain = record(design)
    changed = {"none": design, "device": with_device(design), "careless": with_device(design, tells_one=True)}
    program = record(changed[source])
    judge = Judge([built_in_properties()[n] for n in reversed(DEFAULT_PROPERTIES)], _sizes(pages, clients))
    killing = judge.killing(program)
    rounds = one_sync_a_round(program)
    return Row(
        design=plain.name,
        clients=clients,
        source=source,
        loss=len(killing.trace) if killing else None,
        redundant=_redundant(program, pages, clients),
        in_rounds=_redundant(rounds, pages, clients),
        worst=worst(program, 1, clients),
        worst_in_rounds=worst(rounds, 1, clients, of="redundant"),
        expected=expected(program, pages, clients, seed=seed),
        bitmaps=bitmaps(program, clients),
    )


def _sizes(pages: int, clients: int) -> list[tuple[int, int]]:
    return [(p, clients) for p in range(1, pages + 1)]


def _redundant(program: Program, pages: int, clients: int) -> Trace | None:
    limits = Limits(states=30_000_000)
    found = (redundant_copy(program, *size, limits) for size in _sizes(pages, clients))
    return next((trace for trace in found if trace), None)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("designs", nargs=-1, metavar="[DESIGN]...")
@click.option("--pages", type=click.IntRange(1), default=2, show_default=True)
@click.option("--clients", type=click.IntRange(1), multiple=True, help="Default: 1 and 2.")
@click.option("--source", "sources", type=click.Choice(SOURCES), multiple=True, help="Default: none and device.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the simulated runs.")
@click.option("--traces", is_flag=True, help="List the moves to each redundant copy with one sync a round.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True)
def command(
    designs: tuple[str, ...],
    pages: int,
    clients: tuple[int, ...],
    sources: tuple[str, ...],
    seed: int,
    traces: bool,
    color: str,
) -> int:
    """Compare what DESIGNs cost, with and without another source of dirty pages.

    A copy is redundant where the page has not changed since that client last read it.
    """
    found = [
        row(load(design), count, source, pages=pages, seed=seed)
        for design in designs or DESIGNS
        for count in clients or (1, 2)
        for source in sources or SOURCES[:2]
    ]
    print_lines(_table(found, pages, traces, columns(color)), color)
    return PROVED


HEADS = ("design", "clients", "other source", "safe", "redundant", "in rounds", "worst", "worst in rounds")
MORE = ("copies", "redundant", "GET", "CLEAR", "bitmaps")


def _table(found: Sequence[Row], pages: int, traces: bool, width: int) -> Lines:
    from rich.text import Text

    cells = [HEADS + MORE, *(_cells(r) for r in found)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    for number, line in enumerate(cells):
        text = "  ".join(cell.ljust(size) for cell, size in zip(line, widths, strict=True)).rstrip()
        yield Text(text, "" if number else "bold")
    yield Text()
    for note in _legend(found, pages):
        yield Text(note)
    for each in found:
        if traces and each.in_rounds:
            yield from _moves(each, each.in_rounds)


Lines = Iterator["Text"]


def _cells(r: Row) -> tuple[str, ...]:
    e = r.expected
    safe = "yes" if r.loss is None else f"no, {r.loss} moves"
    unbounded = ["unbounded" if ratio is None else str(ratio) for ratio in (r.worst, r.worst_in_rounds)]
    numbers = (str(e.copies), str(e.redundant), str(e.gets), str(e.clears), str(r.bitmaps))
    return (r.design, str(r.clients), r.source, safe, _moved(r.redundant), _moved(r.in_rounds), *unbounded, *numbers)


def _moved(trace: Trace | None) -> str:
    return f"{len(trace)} moves" if trace else "never"


def _legend(found: Sequence[Row], pages: int) -> Iterator[str]:
    e = found[0].expected
    yield f"safe, redundant: shortest trace, searched to the end up to {pages} page{'s' * (pages > 1)}"
    yield "in rounds: write, at most one sync, then collect and copy everything, and nothing is written meanwhile"
    yield "worst: copies by one client for each write in the long run; in rounds: redundant copies (one page, exact)"
    yield (
        f"copies to CLEAR: for each write, all clients together; mean and 95 % interval of {e.runs} simulated runs of "
        f"{e.moves} moves"
    )


def _moves(each: Row, trace: Trace) -> Lines:
    from rich.text import Text

    from model.argue import writes_page
    from model.story import move_text

    count, versions = tally(trace), [0] * trace.instance.pages
    yield Text()
    yield Text(
        f"{each.design}, {each.clients} client{'s' * (each.clients > 1)}, {each.source}: a redundant copy", "bold"
    )
    for number in range(1, len(trace) + 1):
        versions = [v + writes_page(trace, number, p) for p, v in enumerate(versions)]
        yield Text(f"{number:3} {move_text(trace, number, versions)}")
    yield Text(
        f"    {count.writes} writes, {count.copies} copies, {count.redundant} redundant; {count.gets} GET, "
        f"{count.clears} CLEAR"
    )


if __name__ == "__main__":
    run(command, "python -m model.cost")
