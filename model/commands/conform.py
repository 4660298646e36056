"""`clearorder conform FILE --design DESIGN`: is what this VMM did a behaviour of the design?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from model.cli.files import write_lines, write_out
from model.cli.help import verb
from model.cli.options import Finite, collected, coloured, complete_designs, elements, surrounded, written
from model.cli.progress import working
from model.cli.terminal import columns, decided
from model.errors import UsageError
from model.verdict import INTERRUPTED, PROVED, REFUTED, UNDETERMINED

if TYPE_CHECKING:
    from rich.text import Text

    from model.conformance.answer import Answer
    from model.conformance.automaton import Explanations
    from model.limits import Limits


@dataclass(frozen=True)
class Options:
    """What was asked on the command line."""

    design: str | None
    infer: bool
    clients: int
    extra: tuple[tuple[str, int], ...]
    environment: str
    timeout: float | None
    form: str
    as_json: bool
    output: Path | None
    quiet: bool
    verbose: bool
    color: str


@verb("clearorder conform qemu.jsonl.gz --design per-slot-cache")
@click.argument("file", metavar="FILE")
@click.option("--design", metavar="DESIGN", shell_complete=complete_designs, help="A built-in design or a user's file.")
@click.option("--infer", is_flag=True, help="Ask of every built-in design, and name the weakest that explains it.")
@click.option("--clients", type=click.IntRange(1), default=2, show_default=True, help="Clients that may have acted.")
@elements
@surrounded
@click.option("--timeout", type=Finite(0, min_open=True), metavar="SECONDS", help="Stop reading after that time.")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option("--json", "as_json", is_flag=True, hidden=True, help="The same as --format json.")
@written
@click.option("-q", "--quiet", is_flag=True, help="The verdict only, and no progress.")
@click.option("-v", "--verbose", is_flag=True, help="List possible states.")
@coloured
@collected(Options)
def command(file: str, options: Options) -> int:
    """Hold a recording of a VMM's dirty-log ioctls against a DESIGN: is it a behaviour of the design?

    GET and CLEAR are seen, with their bitmaps; guest writes, collects, reads and which client acts are not, and may be
    whatever explains the recording. Each page of each slot is looked at by itself. FILE is a recording as `clearorder
    record -o FILE -- qemu-system-x86_64 …` makes it, plain or gzipped; `-` is stdin.

    Exit codes: 0 it conforms (with --infer: to some design), 1 it does not, and the first ioctl that no state of the
    design explains is shown, 2 bad use, not a recording or a design whose steps are no ioctls, 3 undetermined: what was
    not recorded is said, 130 interrupted.
    """
    from model.limits import Limits

    if options.infer == bool(options.design):
        raise UsageError("name a design, --design per-slot-cache, or ask of all of them with --infer.")
    with working(file, quiet=options.quiet) as line:
        limits = Limits(seconds=options.timeout, report=line.report)
        answers, order = _inferred(file, options, limits) if options.infer else (_asked(file, options, limits), None)
    code = _code(answers)
    with decided(code):
        _write(answers, order, options)
    return code


def _asked(file: str, options: Options, limits: Limits) -> list[Answer]:
    from model.conformance.conform import conform

    return conform(file, [_explanations(str(options.design), options)], limits)


def _inferred(file: str, options: Options, limits: Limits) -> tuple[list[Answer], tuple[list[str], list[str]]]:
    from model.conformance.conform import conform
    from model.conformance.infer import ordered
    from model.designs.catalogue import built_in_designs

    designs = {name: _explanations(name, options) for name in built_in_designs()}
    answers = conform(file, list(designs.values()), limits)
    explaining = {a.design: designs[a.design] for a in answers if not a.offence and not a.doubts}
    return answers, ordered(explaining)


def _explanations(name: str, options: Options) -> Explanations:
    from model.conformance.automaton import Explanations
    from model.conformance.letters import Reading
    from model.designs.environment import load_in
    from model.verify.question import sized_program
    from model.verify.result import sizes_for

    program, sizes = sized_program(load_in(name, options.environment), options.clients, dict(options.extra))
    return Explanations(Reading(program, sizes_for(program, sizes)))


def _code(answers: Sequence[Answer]) -> int:
    """That of the one answer; of several 0 if a design explains the recording, else 3 if one may, else 1."""
    codes = {a.exit_code for a in answers}
    return next(c for c in (PROVED, INTERRUPTED, UNDETERMINED, REFUTED) if c in codes)


def _write(answers: Sequence[Answer], order: tuple[list[str], list[str]] | None, options: Options) -> None:
    from model.conformance.report import as_json

    if options.as_json or options.form == "json":
        more = {"weakest": order[0], "strongest": order[1]} if order else {}
        write_out(as_json(answers, more), options.output)
        return
    width = columns("never" if options.output else options.color)
    write_lines(_lines(answers, order, options, width), options.output, options.color)


def _lines(
    answers: Sequence[Answer], order: tuple[list[str], list[str]] | None, options: Options, width: int
) -> Iterator[Text]:
    from rich.text import Text

    from model.conformance.report import STYLE, headline, inferred, text

    if order:
        yield Text(f"{answers[0].file}: which of the built-in designs explain it, page by page")
        yield from map(Text, inferred(answers, *order))
    elif options.quiet:
        yield from (Text(headline(a), STYLE[a.verdict]) for a in answers)
    else:
        yield from text(answers, width=width, verbose=options.verbose)
