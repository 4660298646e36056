"""What `repair` and `synthesize` share: the properties, sizes and limits by which candidates are judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import click

from model.cli.options import Finite, coloured, sized
from model.limits import Limits
from model.program.design import Design
from model.verify.defaults import asked_of
from model.verify.judge import PROOF_SECONDS, SCOPES, Judge


def judged(function: Callable[..., int]) -> Callable[..., int]:
    """The options of a judge."""
    count = click.IntRange(1)
    for option in (
        coloured,
        click.option("--verbose", "-v", is_flag=True, help="Tell every trace, not only the first."),
        click.option("--seconds", type=Finite(0), default=PROOF_SECONDS, show_default=True, help="For each proof."),
        click.option("--states", type=count, default=30_000_000, show_default=True, help="At most, for a search."),
        sized(),
        click.option("--property", "names", multiple=True, metavar="NAME", help="Default: what `check` asks."),
    ):
        function = option(function)
    return function


@dataclass(frozen=True)
class Judging:
    """What was asked of a judge on the command line."""

    names: tuple[str, ...]
    pages: int
    clients: int
    states: int
    seconds: float
    verbose: bool
    color: str

    def judge_of(self, design: type[Design]) -> Judge:
        """A judge by these properties, at the small sizes up to this one and at this one."""
        asked = asked_of(design, self.names)
        size = self.pages, self.clients
        scopes = [s for s in SCOPES if s[0] <= size[0] and s[1] <= size[1]]
        return Judge(asked, [*scopes, *([] if size in scopes else [size])], Limits(states=self.states))
