"""`clearorder cost [DESIGN …]`: safety, redundant copies, ioctls and bitmaps of designs, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import click

from model.cli.files import write_out
from model.cli.help import verb
from model.cli.options import Finite, by_property, elements, surrounded
from model.cli.progress import working
from model.cli.terminal import columns, print_lines
from model.designs.environment import load_in
from model.expr import Client
from model.program.design import record
from model.program.program import Program
from model.studies.comparison import SOURCES, Candidate, Row, row
from model.studies.cost import tally, with_totals
from model.studies.markov import RATE
from model.verdict import PROVED
from model.verify.defaults import asked_of
from model.verify.judge import PROOF_SECONDS, Judge
from model.verify.wording import plural

if TYPE_CHECKING:
    from rich.text import Text

    from model.instance.trace import Trace
    from reports.pages.costs import Table

DESIGNS = ("naive", "top-layer", "top-layer-and-cache", "per-slot-cache")
Lines = Iterator["Text"]


@verb("clearorder cost top-layer per-slot-cache --clients 1")
@click.argument("designs", nargs=-1, metavar="[DESIGN]...")
@click.option("--pages", type=click.IntRange(1), default=2, show_default=True, help="Searches go up to so many.")
@click.option("--clients", type=click.IntRange(1), multiple=True, help="Default: 1 and 2.")
@elements
@surrounded
@by_property("names", "What decides; may be repeated. Default: what `check` asks of each design.")
@click.option("--source", "sources", type=click.Choice(SOURCES), multiple=True, help="Default: none and device.")
@click.option(
    "--writes",
    "rates",
    type=Finite(0, min_open=True),
    multiple=True,
    metavar="RATE",
    help=f"Writes in the time a client is idle between operations; may be repeated. Default: {RATE:g}.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the simulated runs.")
@click.option("--prove", is_flag=True, help="Also prove safety for any number.")
@click.option(
    "--timeout", type=Finite(0), default=PROOF_SECONDS, show_default=True, metavar="SECONDS", help="For each proof."
)
@click.option("--traces", is_flag=True, help="List the moves to each redundant copy with one sync a round.")
@click.option(
    "--format", "form", type=click.Choice(("text", "json", "svg", "markdown")), default="text", show_default=True
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write there.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True)
def command(
    designs: tuple[str, ...],
    pages: int,
    clients: tuple[int, ...],
    extra: tuple[tuple[str, int], ...],
    environment: str,
    names: tuple[str, ...],
    sources: tuple[str, ...],
    rates: tuple[float, ...],
    seed: int,
    prove: bool,
    timeout: float,
    traces: bool,
    form: str,
    output: Path | None,
    color: str,
) -> int:
    """Compare what DESIGNs cost, with and without another source of dirty pages.

    A copy is redundant where the page has not changed since that client last read it.
    """
    found = []
    with working() as line:
        for design in [load_in(d, environment) for d in designs or DESIGNS]:
            program, asked = record(design), asked_of(design, names)
            one = Candidate(program.heading, design, sizes=dict(extra))
            for count, source in product(_counts(program, clients), sources or _sources(program)):
                line.doing(f"{program.name}, {plural(count, 'client')}, other source: {source}")
                proven = Judge(asked).proof(one.program(source), timeout) if prove else None
                how = {"pages": pages, "rates": rates or (RATE,), "seed": seed, "proof": proven, "asked": asked}
                found.append(row(one, count, source, **how))  # type: ignore[arg-type]
    if form == "text" and output is None:
        print_lines(_text(found, traces, columns(color)), color)
    else:
        write_out(_written(found, form, traces), output)
    return PROVED


def _counts(program: Program, clients: Sequence[int]) -> Sequence[int]:
    """How many clients there are in turn: 1 and 2, or as many as the design says."""
    own = program.sorts[Client.name].size if Client.name in program.sorts else 1
    return clients or ((own,) if own else (1, 2))


def _sources(program: Program) -> Sequence[str]:
    """Where pages come from besides; a device marks the clients' own bitmaps, so there is one where they have some."""
    user = program.variable.get("user")
    return SOURCES[:2] if user is not None and user.per is not None and user.per.name == Client.name else SOURCES[:1]


def _written(found: Sequence[Row], form: str, traces: bool) -> str:
    from reports.pages.costs import as_json, as_markdown
    from reports.pages.pareto import as_svg

    forms = {"json": as_json, "svg": as_svg, "markdown": as_markdown}
    if form in forms:
        return forms[form](found)
    return "".join(f"{line.plain}\n" for line in _text(found, traces, 100))


def _text(found: Sequence[Row], traces: bool, width: int) -> Lines:
    from rich.text import Text

    from model.printing.lines import wrapped
    from reports.pages.costs import tables

    for number, table in enumerate(tables(found)):
        yield from [Text()] * bool(number)
        yield from _table(table, width)
    for each in found:
        if traces and each.in_rounds:
            yield Text()
            title = f"{each.design}, {each.clients} client{'s' * (each.clients > 1)}, {each.source}: a redundant copy"
            yield from wrapped(title, width, 2, "bold")
            yield from _moves(each.in_rounds, width)


def _table(table: Table, width: int) -> Lines:
    from model.printing import tables
    from model.printing.lines import wrapped

    yield from wrapped(table.title, width, style="bold")
    yield from tables.table(table.heads, table.lines, width)
    yield from wrapped(table.note, width, style="dim")


def _moves(trace: Trace, width: int) -> Lines:
    from model.printing.lines import wrapped

    for number, (text, _) in enumerate(with_totals(trace), 1):
        yield from wrapped(f"{number:3} {text}", width, 6)
    count = tally(trace)
    said = f"    {count.writes} writes, {count.copies} copies, {count.redundant} redundant; {count.gets} GET, "
    yield from wrapped(f"{said}{count.clears} CLEAR", width, 6)
