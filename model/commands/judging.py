"""What `repair` and `synthesize` share: the properties, sizes and limits by which candidates are judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import click

from model.cli.options import Finite, Sizes, coloured, sized
from model.cli.progress import Working
from model.expr import Client
from model.instance.instance import Instance
from model.limits import Limits
from model.program.design import Design
from model.program.program import Program
from model.verify.defaults import asked_of
from model.verify.judge import PROOF_SECONDS, SCOPES, Judge
from model.verify.question import sized_program
from model.verify.result import any_scope


def judged(function: Callable[..., int]) -> Callable[..., int]:
    """The options of a judge."""
    count = click.IntRange(1)
    for option in (
        coloured,
        click.option("--verbose", "-v", is_flag=True, help="Tell every trace, not only the first."),
        click.option(
            "--timeout",
            "seconds",
            type=Finite(0),
            default=PROOF_SECONDS,
            show_default=True,
            metavar="SECONDS",
            help="Give up on a proof after that time.",
        ),
        click.option(
            "--max-states",
            "states",
            type=count,
            default=30_000_000,
            show_default=True,
            metavar="N",
            help="Give up on a search after so many states: undetermined.",
        ),
        sized(),
        click.option("--property", "names", multiple=True, metavar="NAME", help="Default: what `check` asks."),
    ):
        function = option(function)
    return function


@dataclass(frozen=True)
class Judging(Sizes):
    """What was asked of a judge on the command line."""

    names: tuple[str, ...]
    states: int
    seconds: float
    verbose: bool
    color: str

    def judged(self, design: type[Design], line: Working) -> tuple[Program, Judge]:
        """The recorded design, and a judge by these properties at the small sizes up to this one and at this one."""
        asked = asked_of(design, self.names)
        program, sizes = sized_program(design, self.clients, dict(self.extra))
        others = {sort: n for sort, n in sizes.items() if sort != Client.name}
        size = self.pages, self.clients
        scopes = [s for s in SCOPES if s[0] <= size[0] and s[1] <= size[1]]
        more = [] if size in scopes else [size]
        return program, Judge(asked, [*scopes, *more], Limits(states=self.states, report=line.report), others)


def any_number(program: Program) -> str:
    """What a proof speaks of: `any number of pages and clients`, with what of a size belongs to the design."""
    from model.verify.result_text import scope

    return scope(any_scope(Instance(program, 1, open_holes=True)))
