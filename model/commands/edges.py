"""`clearorder edges DESIGN -o DIR`: every state and every move of a finite instance, as arrays in files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from model.cli.options import Finite
from model.cli.terminal import decided
from model.errors import UsageError
from model.verdict import PROVED

if TYPE_CHECKING:
    from model.engines.packed.edges import Graph
    from model.instance.instance import Instance
    from model.limits import Progress


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("design", metavar="DESIGN")
@click.option("--pages", type=click.IntRange(1), default=2, show_default=True)
@click.option("--clients", type=click.IntRange(1), default=2, show_default=True)
@click.option("--size", "extra", multiple=True, metavar="SORT=N", help="Elements of another index sort.")
@click.option("--max-states", type=click.IntRange(1), metavar="N", help="Give up after so many states.")
@click.option("--timeout", type=Finite(0, min_open=True), metavar="SECONDS", help="Give up after that time.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="Write there; a graph that is there already is replaced.",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def command(
    design: str,
    pages: int,
    clients: int,
    extra: tuple[str, ...],
    max_states: int | None,
    timeout: float | None,
    output: Path,
    quiet: bool,
) -> int:
    """Write the whole state graph of DESIGN for programs that work on graphs, and count its components.

    DIR gets arrays in NumPy's format (states, edges as compressed sparse rows, which step each edge is) and
    metadata.json, which says what each bit of a state, each step and each location is.

    Exit codes: 0 written, 2 bad use, 3 a limit was reached or the disk is full, 130 interrupted; but for 0 nothing is
    written.
    """
    from model.designs.catalogue import load
    from model.engines.packed.edges import write
    from model.instance.instance import Instance
    from model.limits import Limits
    from model.program.design import record
    from model.verify.result import sizes_for

    program = record(load(design))
    instance = Instance(program, pages, sizes_for(program, {"Client": clients}) | _sizes(extra))
    with _progress(quiet) as report:
        graph = write(instance, output, Limits(max_states, timeout, report=report))
    with decided(PROVED):
        for line in _summary(instance, graph, output):
            click.echo(line)
    return PROVED


def _sizes(texts: Sequence[str]) -> dict[str, int]:
    found = {}
    for text in texts:
        name, _, number = text.partition("=")
        if not number.isdecimal():
            raise UsageError(f"--size {text}: write the sort and a number from 1, such as --size Slot=2.")
        found[name] = int(number)
    return found


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[Progress], None] | None]:
    """A line on stderr that says how far the search has come; only on a terminal."""
    from model.cli.progress import ProgressLine
    from model.cli.terminal import console

    status = console("auto", stderr=True)
    if quiet or not status.is_terminal:
        yield None
        return
    line = ProgressLine()
    with status.status(line):
        yield line.report


def _summary(instance: Instance, graph: Graph, directory: Path) -> Iterator[str]:
    from model.verify.result import finite_scope

    found = graph.components
    scope = ", ".join(f"{n} {name if n != 1 else name[:-1]}" for name, n in finite_scope(instance).items())
    yield f"{instance.program.name}, {scope}: the graph is in {directory}"
    yield f"{graph.depth.size:>15,} states, depth {graph.metadata['depth']}"
    yield f"{graph.indices.size:>15,} edges"
    yield f"{found.sizes.size:>15,} strongly connected components"
    yield f"{found.sizes.max():>15,} states in the largest"
    yield f"{found.terminal.sum():>15,} terminal (no edge leads out)"
