"""What `repair` and `synthesize` share: the properties, sizes and limits by which candidates are judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from model.cli.options import Finite, coloured, sized
from model.designs.catalogue import DEFAULT_PROPERTIES, find_property
from model.limits import Limits
from model.program.design import Design
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
        click.option("--property", "names", multiple=True, metavar="NAME", help="Default: both forms of safety."),
    ):
        function = option(function)
    return function


def judge_of(design: type[Design], names: Sequence[str], pages: int, clients: int, states: int) -> Judge:
    """A judge by these properties, at the small sizes up to this one and at this one."""
    asked = [find_property(n, design) for n in names or DEFAULT_PROPERTIES]
    scopes = [s for s in SCOPES if s[0] <= pages and s[1] <= clients]
    return Judge(asked, [*scopes, *([] if (pages, clients) in scopes else [(pages, clients)])], Limits(states=states))
