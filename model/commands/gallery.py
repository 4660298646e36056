"""`clearorder gallery`: real designs, real bugs, each with its verdict; and which ordering rule each breaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from model.cli.files import write_lines, write_out
from model.cli.help import verb
from model.cli.options import collected, coloured, written
from model.cli.progress import Working, working
from model.cli.terminal import columns, print_lines
from model.designs.gallery import RULES, Entry, Row, entries
from model.errors import UsageError, did_you_mean
from model.limits import Limits
from model.verdict import PROVED, REFUTED, Verdict
from reports.gallery import FORMATS, as_text

if TYPE_CHECKING:
    from model.program.program import Program
    from model.verify.result import Result

# ---------------------------------------------------------------- asking


def ask(entry: Entry, row: Row, limits: Limits | None = None) -> Verdict:
    """The verdict of the packed engine at the size of the row."""
    from model.designs.catalogue import find_property, load
    from model.engines.packed import search as lanes
    from model.instance.problem import Problem
    from model.program.design import record

    design = load(entry.design)
    property = find_property(row.property, design)
    asked = Problem.of(record(design), property, pages=row.pages, sizes=row.sizes)
    return uninterrupted(lanes.search(asked, limits))


def uninterrupted(verdict: Verdict) -> Verdict:
    """The verdict; a search that Ctrl-C ended is the end of the command, not of one row.

    Raises:
        KeyboardInterrupt: the search was interrupted.
    """
    if getattr(verdict, "interrupted", False):
        raise KeyboardInterrupt
    return verdict


def differences(
    found: Sequence[Entry], *, nightly: bool, line: Working | None = None
) -> Iterator[tuple[Entry, Row, Verdict, float, bool]]:
    """(entry, row, verdict, seconds, as recorded) of every recorded row; slow ones only where `nightly`."""
    line = line or Working()
    asked = [(entry, row) for entry in found for row in entry.rows if nightly or not row.nightly]
    for entry, row in line.each(asked, lambda each: f"{each[0].design} {each[1].property}", len(asked)):
        begin = monotonic()
        verdict = ask(entry, row, Limits(report=line.report))
        same = (row.verdict, row.depth, row.states) == (verdict.word, verdict.depth, verdict.states)
        yield entry, row, verdict, monotonic() - begin, same


def rule_verdicts(entry: Entry) -> dict[str, str]:
    """What each ordering rule says of the design at its recorded size: "keeps", "breaks" or "-" (does not apply)."""
    from model.designs.catalogue import built_in_properties, load
    from model.program.design import record

    program = record(load(entry.design))
    row = entry.deciding
    known = built_in_properties()
    return {name: _rule(program, known[name], row) for name in RULES}


def _rule(program: Program, rule: Any, row: Row | None) -> str:
    from model.engines.packed import search as lanes
    from model.instance.problem import Problem

    try:
        asked = Problem.of(program, rule)
    except UsageError:
        return "-"
    sizes = {} if row is None else row.sizes
    pages = 1 if row is None or row.states > 100_000 else row.pages
    verdict = uninterrupted(lanes.search(asked.at(pages, sizes), Limits(states=2_000_000)))
    return {"proved": "keeps", "refuted": "breaks"}.get(verdict.word, "?")


def asked_rules(found: Sequence[Entry], line: Working) -> list[tuple[Entry, dict[str, str]]]:
    """Each design with what each ordering rule says of it, asked of the engine now."""
    return [(entry, rule_verdicts(entry)) for entry in line.each(found, lambda e: e.design, len(found))]


def broken(entry: Entry) -> list[str]:
    """The ordering rules that the design breaks, asked now."""
    return [rule for rule, said in rule_verdicts(entry).items() if said == "breaks"]


def run_now(entry: Entry, line: Working) -> Result | None:
    """The answer of the packed engine at the recorded size; None where nothing is recorded."""
    from model.designs.catalogue import find_property, load
    from model.verify.portfolio import answer
    from model.verify.question import Question

    row = entry.deciding
    if row is None:
        return None
    design = load(entry.design)
    asked = find_property(row.property, design)
    line.doing(f"{entry.design} {row.property}")
    limits = Limits(report=line.report)
    return answer(Question(design, asked, row.pages, row.sizes, "lanes", limits, spec=entry.design))


# ---------------------------------------------------------------- the command


@dataclass(frozen=True)
class Options:
    """What was asked on the command line."""

    families: tuple[str, ...]
    properties: tuple[str, ...]
    form: str
    rules: bool
    again: bool
    nightly: bool
    output: Path | None
    color: str


@verb("clearorder gallery top-layer")
@click.argument("designs", nargs=-1, metavar="[DESIGN]...")
@click.option("--family", "families", multiple=True, metavar="NAME", help="Only this family; may be repeated.")
@click.option("--property", "properties", multiple=True, metavar="NAME", help="Only what this property decides.")
@click.option("--format", "form", type=click.Choice(("text", *FORMATS)), default="text", show_default=True)
@click.option("--matrix", "rules", is_flag=True, help="Which design breaks which ordering rule, asked now.")
@click.option("--check", "again", is_flag=True, help="Run every recorded verdict again and compare.")
@click.option("--nightly", is_flag=True, help="With --check: also those that take longer than a second.")
@written
@coloured
@collected(Options)
def command(designs: tuple[str, ...], options: Options) -> int:
    """Show real designs and bugs with their verdicts; --check runs them again against the record.

    Exit code 1 where --check finds a verdict, a depth or a count that is not the recorded one.
    """
    from rich.text import Text

    from reports.gallery_entry import told

    found = chosen(designs, options.families, options.properties)
    if options.again:
        return _check(found, options.nightly, options.color)
    width = columns("never" if options.output else options.color)
    if options.rules:
        _matrix(found, options, width)
    elif options.form != "text":
        write_out(FORMATS[options.form](found), options.output)
    elif designs:
        with working() as line:
            lines = [text for e in found for text in (*told(e, run_now(e, line), broken(e), width), Text())]
        write_lines(lines[:-1], options.output, options.color)
    else:
        write_lines(as_text(found, width), options.output, options.color)
    return PROVED


def _matrix(found: Sequence[Entry], options: Options, width: int) -> None:
    from reports import matrix

    if options.form not in ("text", *matrix.FORMATS):
        raise UsageError(f"--matrix is written as text, {' or '.join(matrix.FORMATS)}, not as {options.form}.")
    with working() as line:
        asked = asked_rules(found, line)
    if options.form == "text":
        write_lines(matrix.as_text(asked, width), options.output, options.color)
    else:
        write_out(matrix.FORMATS[options.form](asked), options.output)


def chosen(designs: Sequence[str], families: Sequence[str], properties: Sequence[str]) -> list[Entry]:
    """The entries that are asked for.

    Raises:
        UsageError: a design, a family or a property is not in the gallery.
    """
    found = list(entries())
    _known("design", designs, {e.design for e in found})
    _known("family", families, {e.family for e in found})
    _known("property", properties, {e.decided_by for e in found})
    return [
        e
        for e in found
        if (not designs or e.design in designs)
        and (not families or e.family in families)
        and (not properties or e.decided_by in properties)
    ]


def _known(what: str, asked: Sequence[str], known: set[str]) -> None:
    for name in asked:
        if name not in known:
            raise UsageError(f"the gallery has no {what} '{name}'{did_you_mean(name, sorted(known))}")


def _check(found: Sequence[Entry], nightly: bool, color: str) -> int:
    from model.printing.lines import wrapped

    count, wrong = 0, list[str]()
    with working() as line:
        for entry, row, verdict, _, same in differences(found, nightly=nightly, line=line):
            count += 1
            if not same:
                said = f"{verdict.word}, depth {verdict.depth}, {verdict.states:,} states"
                kept = f"{row.verdict}, depth {row.depth}, {row.states:,} states"
                wrong.append(f"{entry.design} {row.property}: run now: {said}; recorded: {kept}")
    width = columns(color)
    print_lines((line for each in wrong for line in wrapped(each, width, 4, "bold red")), color)
    many = f"{count} recorded verdict{'s were' if count != 1 else ' was'} run again, {len(wrong)} came out differently."
    print_lines(wrapped(many, width), color)
    return REFUTED if wrong else PROVED
