"""`clearorder edges DESIGN -o DIR`: every state and every move of a finite instance, as arrays in files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from model.cli.help import verb
from model.cli.options import Sizes, bounded, collected, folder, sized
from model.cli.progress import working
from model.cli.terminal import decided, print_lines
from model.verdict import PROVED

if TYPE_CHECKING:
    from model.engines.packed.edges import Graph
    from model.instance.instance import Instance


@dataclass(frozen=True)
class Options(Sizes):
    """What was asked on the command line."""

    max_states: int | None
    timeout: float | None
    output: Path
    quiet: bool


@verb("clearorder edges naive --pages 1 -o graph")
@click.argument("design", metavar="DESIGN")
@sized()
@bounded
@folder("-o", "--output", required=True, help="Write there; a graph that is there already is replaced.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@collected(Options)
def command(design: str, options: Options) -> int:
    """Write the whole state graph of DESIGN for programs that work on graphs, and count its components.

    DIR gets arrays in NumPy's format (states, edges as compressed sparse rows, which step each edge is) and
    metadata.json, which says what each bit of a state, each step and each location is.

    Exit codes: 0 written, 2 bad use, 3 a limit was reached or the disk is full, 130 interrupted; but for 0 nothing is
    written.
    """
    from rich.text import Text

    from model.designs.environment import load_in
    from model.engines.packed.edges import write
    from model.instance.instance import Instance
    from model.limits import Limits
    from model.verify.question import sized_program

    program, sizes = sized_program(load_in(design, options.environment), options.clients, dict(options.extra))
    instance = Instance(program, options.pages, sizes)
    with working("edges", quiet=options.quiet) as shown:
        limits = Limits(options.max_states, options.timeout, report=shown.report)
        graph = write(instance, options.output, limits)
    with decided(PROVED):
        print_lines(map(Text, _summary(instance, graph, options.output)), "auto")
    return PROVED


def _summary(instance: Instance, graph: Graph, directory: Path) -> Iterator[str]:
    from model.verify.result import finite_scope
    from model.verify.result_text import scope

    found = graph.components
    yield f"{instance.program.heading}, {scope(finite_scope(instance))}: the graph is in {directory}"
    yield f"{graph.depth.size:>15,} states, depth {graph.metadata['depth']}"
    yield f"{graph.indices.size:>15,} edges"
    yield f"{found.sizes.size:>15,} strongly connected components"
    yield f"{found.sizes.max():>15,} states in the largest"
    yield f"{found.terminal.sum():>15,} terminal (no edge leads out)"
