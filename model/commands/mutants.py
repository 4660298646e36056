"""`clearorder mutants [DESIGN …]`: one-line mutants of designs, judged by finite search and by proof."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from model.cli.help import verb
from model.cli.options import Finite, coloured, sized
from model.cli.progress import Working, working
from model.cli.terminal import columns, print_lines
from model.designs.catalogue import find_property
from model.designs.environment import load_in
from model.engines.worker import spread
from model.instance.problem import Problem
from model.limits import Limits
from model.program.mutation import mutants
from model.program.program import Program
from model.verdict import PROVED, REFUTED, Undetermined, Verdict
from model.verify.defaults import asked_of
from model.verify.portfolio import proof
from model.verify.question import sized_program
from model.verify.result import sizes_for
from model.verify.wording import plural

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
@click.option("-v", "--verbose", is_flag=True, help="What search and proof say of each property.")
@coloured
def command(
    designs: tuple[str, ...],
    pages: int,
    clients: int | None,
    extra: tuple[tuple[str, int], ...],
    environment: str,
    seconds: float,
    names: tuple[str, ...],
    verbose: bool,
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
    print_lines(_report(found, verbose, columns(color)), color)
    return PROVED if all(j.agrees for j in found) else REFUTED


Slip = tuple[str, str, str]  # design, kind, change


def _report(found: Sequence[Judged], verbose: bool, width: int) -> Iterator[Text]:
    """Each mutant whole with one verdict, then the slips that are safe, and how often the two sides conclude."""
    from rich.text import Text

    from model.printing.lines import verdict, wrapped
    from model.printing.tables import Row, table

    slips: dict[Slip, list[Judged]] = {}
    for one in found:
        slips.setdefault((one.design, one.kind, one.change), []).append(one)
    for design in dict.fromkeys(design for design, *_ in slips):
        yield Text(design, "bold")
        rows = [
            Row((verdict(word), f"{kind}: {change}", why), _each(answers) if verbose else ())
            for (of, kind, change), answers in slips.items()
            if of == design
            for word, why in [summary(answers)]
        ]
        yield from table(("verdict", "mutant", "because"), rows, width)
        yield Text()
    safe = [slip for slip, answers in slips.items() if summary(answers)[0] in ("proved", "safe")]
    yield from wrapped(f"Safe slips: {len(safe)} of {len(slips)}{':' if safe else '.'}", width, style="bold")
    for design, kind, change in safe:
        yield from wrapped(f"  {design}: {kind}: {change}", width, 6)
    yield Text()
    concluded = [j for j in found if j.finite.conclusive and j.proof.conclusive]
    wrong = [j for j in found if not j.agrees]
    counts = (
        f"{plural(len(slips), 'mutant')}, {plural(len(found), 'question')}: both sides conclude on {len(concluded)}, "
    )
    yield from wrapped(f"{counts}{plural(len(wrong), 'contradiction')}.", width, style="bold red" if wrong else "")


def summary(answers: Sequence[Judged]) -> tuple[str, str]:
    """One verdict for a mutant, and what it rests on.

    `proved`: everything that is asked, for any number; `safe`: at the size that was searched.
    """
    if wrong := [j for j in answers if not j.agrees]:
        return "contradiction", f"finite search refutes {wrong[0].asked}, and the proof proves it"
    if refuted := [j for j in answers if j.finite.word == "refuted"]:
        return "refuted", " and ".join(f"{plural(j.finite.depth, 'move')} ({j.asked})" for j in refuted)
    if all(j.proof.word == "proved" for j in answers):
        return "proved", "for any number"
    if all(j.finite.word == "proved" for j in answers):
        return "safe", "at the size that was searched; no proof for any number"
    return "undetermined", "; ".join(dict.fromkeys(_reason(j.finite) for j in answers if not j.finite.conclusive))


def _reason(verdict: Verdict) -> str:
    return verdict.reason if isinstance(verdict, Undetermined) else ""


def _each(answers: Sequence[Judged]) -> list[str]:
    """What the two sides say of each property."""
    return [f"{j.asked}: finite search: {j.finite.word}; proof for any number: {j.proof.word}" for j in answers]
