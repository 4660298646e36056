"""`clearorder sweep [DESIGN …]`: many designs × sizes × properties, on all cores or on a cluster."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from model.cli.help import verb
from model.cli.options import Size, SortSize, bounded, by_property, collected, surrounded
from model.cli.terminal import print_lines
from model.studies.campaign import Configuration, Row, campaign, locally, on_cluster, sweep
from model.verdict import INTERRUPTED, PROVED, REFUTED, UNDETERMINED

ENGINES = ("lanes", "explicit", "auto", "bounded", "induction", "inductive", "views")


class PagesAndClients(SortSize):
    """`2x3`: 2 pages and 3 clients; or `Slot=2`, at each of them."""

    name = "pages x clients"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if "=" in str(value):
            return super().convert(value, param, ctx)
        pages, _, clients = str(value).partition("x")
        if not (pages.isdigit() and clients.isdigit() and int(pages) and int(clients)):
            self.fail(f"write pages x clients, such as 2x3, not {value!r}.", param, ctx)
        return int(pages), int(clients)


@dataclass(frozen=True)
class Options:
    """What was asked on the command line."""

    sizes: tuple[tuple[int, int] | tuple[str, int], ...]
    environment: str
    properties: tuple[str, ...]
    engine: str
    max_states: int | None
    timeout: float | None
    memory: int | None
    reductions: tuple[str, ...]
    symmetry: bool
    jobs: int | None
    scheduler: str | None
    output: Path
    quiet: bool


@verb("clearorder sweep naive top-layer --size 1x2 -o results.jsonl")
@click.argument("designs", nargs=-1, metavar="[DESIGN]...")
@click.option(
    "--size",
    "sizes",
    multiple=True,
    type=PagesAndClients(),
    metavar="PxC|SORT=N",
    help="Pages x clients; repeat. SORT=N: so many of another sort at each of them, Buffer=N of store buffers.",
)
@surrounded
@by_property("properties", "May be repeated. Default: what `check` asks of each design.")
@click.option("--engine", type=click.Choice(ENGINES), default="lanes", show_default=True)
@bounded
@click.option("--memory", type=Size(), metavar="SIZE", help="Of one worker, such as 512M.")
@click.option(
    "--reduce", "reductions", multiple=True, type=click.Choice(("symmetry",)), help="One state per symmetry class."
)
@click.option("--symmetry/--no-symmetry", hidden=True, help="The same as --reduce symmetry.")
@click.option("--jobs", type=click.IntRange(1), help="Processes on this machine. Default: one for each processor.")
@click.option("--scheduler", metavar="ADDRESS", help="Compute on the Dask cluster at tcp://HOST:PORT instead.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="JSON lines, one a result. What is in it already is not computed again.",
)
@click.option("-q", "--quiet", is_flag=True, help="Only the last line.")
@collected(Options)
def command(designs: tuple[str, ...], options: Options) -> int:
    """Answer every property of every DESIGN (default: all built-in ones) at every size, into one file.

    An interrupted campaign goes on where it was when the same command is given again.

    Exit codes: 0 every property holds, 1 some are refuted, 3 some are undetermined or refused and none refuted,
    130 interrupted.
    """
    from rich.text import Text

    from model.designs.catalogue import built_in_designs
    from model.printing.lines import verdict

    sizes = tuple((a, b) for a, b in options.sizes if isinstance(a, int))
    wanted = campaign(
        designs or tuple(built_in_designs()),
        options.properties,
        sizes or ((1, 1), (2, 1), (1, 2), (2, 2)),
        others=tuple((a, b) for a, b in options.sizes if isinstance(a, str)),
        engine=options.engine,
        environment=options.environment,
        max_states=options.max_states,
        timeout=options.timeout,
        memory=options.memory,
        symmetry=options.symmetry or bool(options.reductions),
    )

    def compute(missing: Sequence[Configuration]) -> Iterable[Row]:
        if options.scheduler:
            return on_cluster(missing, options.scheduler)
        return locally(missing, options.jobs or os.cpu_count() or 1)

    def report(have: int, of: int, row: Row) -> None:
        size = f"{row['pages']}x{row['clients']}"
        begin = f"{have:>{len(str(of))}}/{of}  {row['design']} {row['property']} {size}: "
        print_lines([Text(begin) + verdict(row["verdict"])], "auto")

    try:
        rows = sweep(wanted, options.output, compute, None if options.quiet else report)
    except KeyboardInterrupt:
        click.echo(f"interrupted; the same command goes on with what is missing in {options.output}.", err=True)
        return INTERRUPTED
    words = Counter(r["verdict"] for r in rows)
    counts = ", ".join(f"{n:,} {w}" for w, n in sorted(words.items()))
    print_lines([Text(f"{len(rows):,} results in {options.output}: {counts}")], "auto")
    if words["refuted"]:
        return REFUTED
    return UNDETERMINED if set(words) - {"proved"} else PROVED
