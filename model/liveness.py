"""`python -m model.liveness DESIGN`: once the guest stops, is every write read, and do the bitmaps drain?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from model.cli import print_lines, run
from model.design import record
from model.designs.catalogue import load
from model.errors import UsageError, did_you_mean
from model.instance import Instance
from model.lasso import GOALS, Fairness, Lasso, lasso
from model.run import sizes_for
from model.story import move_text
from model.trace import Trace
from model.verdict import PROVED, REFUTED

if TYPE_CHECKING:
    from rich.text import Text

KINDS = ("strong", "weak", "none")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("design", metavar="DESIGN")
@click.option("--fairness", type=click.Choice(KINDS), default="strong", show_default=True, help="Of every step.")
@click.option(
    "--but", multiple=True, metavar="OPERATION=KIND", help="Another fairness for one operation: collect=none."
)
@click.option("--pages", type=click.IntRange(1), default=1, show_default=True)
@click.option("--clients", type=click.IntRange(1), default=2, show_default=True)
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True)
def command(design: str, fairness: str, but: tuple[str, ...], pages: int, clients: int, color: str) -> int:
    """Decide, for a finite size, whether every write is eventually read and every bitmap drains for good.

    Strong fairness: what a client can do again and again it does again and again (a fair lock included). Weak: what
    it can do all the time. Exit code 0 where both hold, 1 where a lasso refutes one, 3 where there are too many states.
    """
    program = record(load(design))
    instance = Instance(program, pages, sizes_for(program, {"Client": clients}))
    given = Fairness(fairness, dict(_kind(word, program.operations) for word in but))
    found = {name: lasso(instance, goal(program), given) for name, goal in GOALS.items()}
    print_lines(_report(instance, found), color)
    return REFUTED if any(found.values()) else PROVED


def _kind(word: str, operations: tuple[str, ...]) -> tuple[str, str]:
    operation, _, kind = word.partition("=")
    if operation not in operations:
        raise UsageError(f"there is no operation '{operation}'{did_you_mean(operation, list(operations))}")
    if kind not in KINDS:
        raise UsageError(f"--but {word}: write {operation}=strong, {operation}=weak or {operation}=none.")
    return operation, kind


def _report(instance: Instance, found: dict[str, Lasso | None]) -> Iterator[Text]:
    from rich.text import Text

    sizes = ", ".join(
        [
            f"{instance.pages} page{'s' * (instance.pages > 1)}",
            f"{instance.sizes['Client']} client{'s' * (instance.sizes['Client'] > 1)}",
        ]
    )
    for name, run_of in found.items():
        verdict = "refuted" if run_of else "proved"
        yield Text(f"{instance.program.name}  {name}  {verdict}  {sizes}", "bold red" if run_of else "bold green")
        if run_of:
            yield from _told(run_of)


def _told(found: Lasso) -> Iterator[Text]:
    from rich.text import Text

    from model.argue import writes_page
    from model.design import Invariant
    from model.expr import TRUE

    moves = found.stem + found.loop
    trace = Trace(found.instance, moves, found.states, Invariant("", TRUE), None)
    versions = [0] * found.instance.pages
    for number in range(1, len(moves) + 1):
        if number == len(found.stem) + 1:
            yield Text("    nobody writes from here on, and the rest repeats for ever:")
        versions = [v + writes_page(trace, number, p) for p, v in enumerate(versions)]
        yield Text(f"{number:3} {move_text(trace, number, versions)}")
    if not found.loop:
        yield Text("    nothing can happen any more")


if __name__ == "__main__":
    run(command, "python -m model.liveness")
