"""`clearorder mutants [DESIGN …]`: one-line mutants of designs, judged by finite search and by proof."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from model.cli.help import verb
from model.cli.options import Finite, sized
from model.cli.progress import Working, working
from model.cli.terminal import columns, print_lines
from model.designs.catalogue import find_property
from model.designs.environment import load_in
from model.engines.worker import spread
from model.instance.problem import Problem
from model.limits import Limits
from model.program.mutation import mutants
from model.program.program import Program
from model.verdict import PROVED, REFUTED, Verdict
from model.verify.defaults import asked_of
from model.verify.portfolio import proof
from model.verify.question import sized_program
from model.verify.result import sizes_for

if TYPE_CHECKING:
    from rich.text import Text

SAFE = ("per-slot-cache", "top-layer-and-cache", "top-layer")  # the last with a single client
SECONDS = 10.0


@dataclass(frozen=True)
class Judged:
    """A mutant and what the two sides say of it.

    Attributes:
        finite: the verdict of the finite search at `pages` and `clients`.
        proof: the verdict of the parametric proof.
    """

    design: str
    kind: str
    change: str
    asked: str
    finite: Verdict
    proof: Verdict

    @property
    def agrees(self) -> bool:
        """The two do not contradict one another: nothing that is refuted is proved."""
        return not (self.finite.word == "refuted" and self.proof.word == "proved")


def judged(
    design: str,
    *,
    pages: int = 2,
    clients: int = 2,
    seconds: float = SECONDS,
    properties: Sequence[str] = (),
    others: Mapping[str, int] | None = None,
    environment: str = "none",
    line: Working | None = None,
) -> list[Judged]:
    """Every mutant of a built-in design (or of a file's), for both forms of safety, two at a time."""
    loaded = load_in(design, environment)
    program, sizes = sized_program(loaded, clients, others or {})
    wanted = [
        (program.heading, m.kind, m.change, m.program, name, (design, environment), pages, sizes, seconds)
        for m in mutants(program)
        for name in [p.name for p in asked_of(loaded, tuple(properties or ()))]
    ]
    answers = spread(_judge, wanted, 2)
    named = (line or Working()).each(wanted, lambda w: f"{w[0]}: {w[1]}: {w[2]}", len(wanted))
    return [next(answers) for _ in named]


def _judge(
    design: str,
    kind: str,
    change: str,
    program: Program,
    name: str,
    spec: tuple[str, str],
    pages: int,
    sizes: Mapping[str, int],
    seconds: float,
) -> Judged:
    from model.engines.packed import search as lanes

    wanted = find_property(name, load_in(*spec))  # a property is not sent to another process
    asked = Problem.of(program, wanted, pages=pages, sizes=sizes_for(program, sizes))
    finite = lanes.search(asked, Limits(states=20_000_000))
    return Judged(design, kind, change, name, finite, proof(asked, seconds)[0])


@verb("clearorder mutants top-layer --clients 1")
@click.argument("designs", nargs=-1, metavar="[DESIGN]...")
@sized(clients=None, help="Default: 2; 1 for top-layer, which is safe with one.")
@click.option(
    "--timeout",
    "seconds",
    type=Finite(0, min_open=True),
    default=SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Give up on a proof after that time.",
)
@click.option("--property", "names", multiple=True, metavar="NAME", help="Default: what `check` asks.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True)
def command(
    designs: tuple[str, ...],
    pages: int,
    clients: int | None,
    extra: tuple[tuple[str, int], ...],
    environment: str,
    seconds: float,
    names: tuple[str, ...],
    color: str,
) -> int:
    """Change one line of a safe DESIGN in every way, and compare what finite search and proof say of each.

    Exit code 0 where the two never contradict one another, else 1.
    """
    found: list[Judged] = []
    asked = {"pages": pages, "seconds": seconds, "properties": names, "others": dict(extra)}
    asked["environment"] = environment
    with working() as line:
        for design in designs or SAFE:
            size = clients or (1 if design == "top-layer" else 2)
            found += judged(design, clients=size, line=line, **asked)  # type: ignore[arg-type]
    print_lines(_table(found, columns(color)), color)
    return PROVED if all(j.agrees for j in found) else REFUTED


def _table(found: Sequence[Judged], width: int) -> Iterator[Text]:
    from rich.text import Text

    last = ("", "")
    for one in found:
        if (one.design, one.change) != last:
            last = (one.design, one.change)
            yield Text(f"{one.design}: {one.kind}: {one.change}"[:width], "bold")
        finite = f"{one.finite.word} ({one.finite.depth} moves)" if one.finite.word == "refuted" else (one.finite.word)
        verdict = "agree" if one.agrees else "CONTRADICT ONE ANOTHER"
        both = one.finite.conclusive and one.proof.conclusive
        text = f"    {one.asked:15}finite {finite:22}proof {one.proof.word:14}{verdict if both else ''}"
        yield Text(text.rstrip(), "" if one.agrees else "bold red")
    yield Text()
    concluded = [j for j in found if j.finite.conclusive and j.proof.conclusive]
    changes = {(j.design, j.change) for j in found}
    wrong = [j for j in found if not j.agrees]
    yield Text(
        f"{len(changes)} mutants, {len(found)} questions: both sides conclude on {len(concluded)}, "
        f"{len(wrong)} contradiction{'' if len(wrong) == 1 else 's'}."
    )
