"""`clearorder replay DESIGN`: the counterexample on /dev/kvm, move by move; of a safe design, random walks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from model.cli.files import write_lines, write_out
from model.cli.help import verb
from model.cli.options import Sizes, bounded, by_property, collected, coloured, sized, written
from model.cli.progress import Working, working
from model.errors import CannotSay, MissingTool, UsageError
from model.printing.records import json_document
from model.verdict import PROVED, REFUTED, UNDETERMINED, USAGE

if TYPE_CHECKING:
    from rich.text import Text

    from model.expr import Property
    from model.kvm.trial import Replayed, Walked
    from model.limits import Limits

WORST_LAST = (PROVED, USAGE, UNDETERMINED, REFUTED)  # a refutation outranks undetermined


@dataclass(frozen=True)
class Options(Sizes):
    """What was asked on the command line."""

    everything: bool
    names: tuple[str, ...]
    walks: int
    seed: int
    stride: int
    max_states: int | None
    timeout: float | None
    form: str
    output: Path | None
    color: str
    quiet: bool

    def limits(self, line: Working) -> Limits:
        from model.kvm.trial import MOST_SECONDS, MOST_STATES
        from model.limits import Limits

        return Limits(self.max_states or MOST_STATES, self.timeout or MOST_SECONDS, report=line.report)


@dataclass(frozen=True)
class Told:
    """What is said of one property of one design, as text and as JSON."""

    text: list[Text]
    json: dict[str, Any]
    code: int


@verb("clearorder replay naive")
@click.argument("designs", nargs=-1, metavar="DESIGN|TRACE.json...")
@click.option("--all", "everything", is_flag=True, help="Every refuted design of the gallery, a line each.")
@sized(most=8)
@by_property("names", "What is asked; may be repeated. Default: what `check` asks first.")
@click.option("--walks", type=click.IntRange(0), default=200, show_default=True, help="Random walks of a safe design.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random walks.")
@click.option(
    "--stride", type=click.IntRange(1, 4096), default=64, show_default=True, help="How far apart the pages lie."
)
@bounded
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@written
@coloured
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@collected(Options)
def command(designs: tuple[str, ...], options: Options) -> int:
    """Perform a counterexample on the real kernel and compare its dirty log with the model's after every move.

    DESIGN is a name or a file as for `check`, and its shortest counterexample is performed; TRACE.json is what
    `python -m model.check --format json` wrote. Of a design without one, random walks are performed instead. A design
    is refused where a step of it is KVM's own inside, and no ioctl.

    Each property is given up after 60 s and 1,000,000 states unless --timeout and --max-states say otherwise; it is
    then undetermined, whatever the walks came to.

    Exit codes: 0 nothing was lost, 1 the kernel lost a write as the model says, 2 bad use, or the design is refused,
    3 undetermined, or the kernel and the model disagree, or the kernel refused something, 4 /dev/kvm cannot be used.
    With --all: 0 every design is performed and agrees, or is refused by name; else 3.
    """
    from model.kvm.device import missing

    if options.everything == bool(designs):
        raise UsageError("name the designs to replay, or say --all for the refuted ones of the gallery: not both.")
    if options.everything and (options.names or options.environment != "none"):
        raise UsageError("--all asks each design its recorded question: leave --property and --environment out.")
    if reason := missing():
        raise MissingTool(reason)
    with working(quiet=options.quiet) as line:
        told = _gallery(options, line) if options.everything else _each(designs, options, line)
    if options.form == "json":
        write_out(json_document(replays=[t.json for t in told if t.json]), options.output)
    else:
        write_lines((line for t in told for line in t.text), options.output, options.color)
    return max((t.code for t in told), key=WORST_LAST.index)


def _gallery(options: Options, line: Working) -> list[Told]:
    from model.commands.replay_gallery import rows, table

    found = [*rows(options.limits(line), options.stride, line)]
    codes = [UNDETERMINED if row.unsettled else PROVED for row in found]
    lines = Told([*table(found)], {}, PROVED)
    return [lines, *(Told([], row.json, code) for row, code in zip(found, codes, strict=True))]


def _each(designs: tuple[str, ...], options: Options, line: Working) -> list[Told]:
    """What is said of each design; one that is refused stops the command only where it is the only one."""
    told: list[Told] = []
    for spec in line.each(designs, str, len(designs)):
        try:
            told += map(_told, _asked(spec, options, line))
        except CannotSay as refused:
            if len(designs) == 1:
                raise
            told.append(_refused(spec, refused.message))
    return told


def _asked(spec: str, options: Options, line: Working) -> Iterator[Replayed | Walked]:
    if spec.endswith(".json"):
        yield from _loaded(Path(spec), options.stride)
        return
    from model.designs.environment import load_in
    from model.kvm.trial import tried
    from model.verify.defaults import asked_of
    from model.verify.question import Question, refuse_infinite, sized_program

    design = load_in(spec, options.environment)
    program, sizes = sized_program(design, options.clients, dict(options.extra))
    asked = asked_of(design, options.names)
    for property in asked if options.names else asked[:1]:  # by default the loss, not the form that speaks of states
        refuse_infinite(property, spec + program.surroundings)
        _refuse_goal(property)
        limits = options.limits(line)
        question = Question(design, property, options.pages, sizes, "lanes", limits, name=program.heading)
        yield tried(question, count=options.walks, seed=options.seed, stride=options.stride)


def _refuse_goal(property: Property) -> None:
    """Refuse what asks whether something ever happens."""
    if property.kind == "sometimes":
        raise UsageError(
            f"{property.name} asks whether something ever happens; no single run violates it, so there is none to "
            f"perform. `python -m model.check --property {property.name}` answers it."
        )


def _loaded(path: Path, stride: int) -> Iterator[Replayed]:
    """The counterexamples of a saved file, JSON or ITF, each run again on the model first."""
    from model.kvm.trial import replayed
    from model.verify.trace_file import load_traces
    from model.verify.trace_file import replay as run_again

    for saved in load_traces(path):
        trace = run_again(saved)
        yield replayed(saved.design + trace.instance.program.where, saved.property, trace, stride)


def _told(found: Replayed | Walked) -> Told:
    from model.commands.replay_text import as_json, lines

    return Told([*lines(found)], as_json(found), found.exit_code)


def _refused(spec: str, why: str) -> Told:
    from rich.text import Text

    return Told([Text(f"{spec}: refused: {why}", "bold yellow")], {"design": spec, "refused": why}, USAGE)
