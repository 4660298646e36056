"""`clearorder repair DESIGN`: the smallest changes that make a refuted design safe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import ndiff
from typing import TYPE_CHECKING

import click

from model.cli.help import verb
from model.cli.options import collected
from model.cli.progress import working
from model.cli.terminal import columns, print_lines
from model.commands.judging import Judging, any_number, judged
from model.designs.environment import load_in
from model.expr import Client
from model.instance.problem import Problem
from model.program.program import Program
from model.studies.repair import Change, Rejected, Repairs, repairs
from model.verdict import PROVED, REFUTED, UNDETERMINED
from model.verify.result import sizes_for
from model.verify.vacuity import vacuous

if TYPE_CHECKING:
    from rich.text import Text

Lines = Iterator["Text"]


@dataclass(frozen=True)
class Options(Judging):
    """What was asked on the command line.

    Attributes:
        most: changes at a time.
    """

    most: int


@verb("clearorder repair top-layer")
@click.argument("design", metavar="DESIGN")
@click.option("--most", type=click.IntRange(1, 3), default=2, show_default=True, help="Changes at a time.")
@judged
@collected(Options)
def command(design: str, options: Options) -> int:
    """Find the smallest sets of changes that make a refuted DESIGN safe.

    Exit code 0 where there is a repair (or nothing to repair), 1 where no set of changes is enough, 3 where an engine
    gave up or the design holds vacuously.
    """
    with working(f"repairs of {design}") as line:
        program, judge = options.judged(load_in(design, options.environment), line)
        found = repairs(program, judge, options.most)
        named = line.each(found.repairs, lambda r: f"proof: {_and(r.changes)}", len(found.repairs))
        proved = tuple(replace(r, proof=judge.proof(r.program, options.seconds)) for r in named)
    lines = _report(replace(found, repairs=proved), options.most, options.verbose, columns(options.color))
    print_lines(lines, options.color)
    if _vacuous(found):
        return UNDETERMINED
    return PROVED if found.repairs else REFUTED


def _vacuous(found: Repairs) -> str:
    """Of a design that needs no repair: why nothing is left of what it is asked."""
    if not found.repairs or found.repairs[0].changes:
        return ""
    pages, clients = found.judge.scopes[-1]
    sizes = sizes_for(found.program, {Client.name: clients, **found.judge.sizes})
    return vacuous(Problem.of(found.program, found.judge.properties[0], pages=pages, sizes=sizes))


def _report(found: Repairs, most: int, verbose: bool, width: int) -> Lines:
    from rich.text import Text

    if found.repairs and not found.repairs[0].changes:
        if idle := _vacuous(found):
            yield Text(f"{found.program.heading}: nothing to repair, but it holds vacuously: {idle}.", "bold yellow")
        else:
            yield Text(f"{found.program.heading} is safe as it is.", "bold green")
        return
    size = len(found.repairs[0].changes) if found.repairs else most
    yield Text(f"{found.program.heading}: {_outcome(found, size)}; {found.tried} sets of changes tried", "bold")
    for repair in found.repairs:
        yield Text()
        yield Text(_and(repair.changes), "bold green")
        yield Text(f"  for {any_number(repair.program)}: {repair.proof.word if repair.proof else 'not asked'}")
        for line in difference(found.program, repair.program):
            yield Text(line, {"+": "green", "-": "red"}.get(line.strip()[:1], ""))
    yield Text()
    parts = {frozenset(c.text for c in r.changes) for r in found.repairs}
    for rejected in found.rejected:
        mine = frozenset(c.text for c in rejected.changes)
        if verbose or any(mine < whole for whole in parts):
            yield from _rejected(rejected, verbose, width)


def _outcome(found: Repairs, size: int) -> str:
    changes = f"{size} change{'s' * (size > 1)}"
    if not found.repairs:
        return f"no set of up to {changes} makes it safe"
    return f"{changes} needed, in {len(found.repairs)} way{'s' * (len(found.repairs) > 1)}"


def _rejected(rejected: Rejected, verbose: bool, width: int) -> Lines:
    from rich.text import Text

    from model.verify.narration import narrated
    from model.verify.result_text import story

    trace, name = rejected.killing.trace, rejected.killing.property.name
    yield Text(f"not enough: {_and(rejected.changes)}: refuted, {len(trace)} moves ({name})")
    if verbose:
        yield from story(narrated(trace, rejected.killing.program.name), width=width)


def _and(changes: Sequence[Change]) -> str:
    return "; ".join(c.text for c in changes) or "no change"


def difference(before: Program, after: Program) -> list[str]:
    """The recorded steps of the operations that differ; lines begin with `+`, `-` or a blank."""
    return [
        f"  {line.rstrip()}" for op in before.operations for line in _changed(_lines(before, op), _lines(after, op))
    ]


def _changed(old: list[str], new: list[str]) -> list[str]:
    return [] if old == new else [line for line in ndiff(old, new) if not line.startswith("?")]


def _lines(program: Program, operation: str) -> list[str]:
    from reports.formats.text import formulas

    steps = [s for s in program.steps if s.operation == operation]
    return [line for s in steps for line in (s.label, *(f"    {row}" for row in formulas(s)))]
