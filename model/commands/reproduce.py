"""`clearorder reproduce SCENARIO`: a loss of QEMU, brought about on a QEMU that the user names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from model.cli.files import write_lines, write_out
from model.cli.help import verb
from model.cli.options import Finite, collected, coloured, written
from model.cli.progress import working
from model.cli.terminal import columns, decided, print_lines
from model.errors import MissingTool, UsageError
from model.verdict import PROVED

if TYPE_CHECKING:
    from rich.text import Text

    from model.reproduce.run import Report, Run
    from model.reproduce.scenario import Scenario
    from model.reproduce.verdict import Reproduction

DEFAULT = "qemu-system-x86_64"


@dataclass(frozen=True)
class Options:
    """What was asked on the command line."""

    qemu: str
    runs: int
    cases: tuple[str, ...]
    timeout: float
    listing: bool
    form: str
    as_json: bool
    output: Path | None
    quiet: bool
    color: str


def complete_scenarios(ctx: click.Context, param: click.Parameter, word: str) -> list[str]:
    """Scenarios that begin with `word`."""
    from model.reproduce.scenario import SCENARIOS

    return [name for name in SCENARIOS if name.startswith(word)]


@verb("clearorder reproduce --list")
@click.argument("scenario", required=False, metavar="SCENARIO", shell_complete=complete_scenarios)
@click.option("--qemu", default=DEFAULT, show_default=True, metavar="PATH", help="The QEMU to try: a path or a name.")
@click.option("--runs", type=click.IntRange(1), default=4, show_default=True, help="How often; controls half as often.")
@click.option("--case", "cases", multiple=True, metavar="NAME", help="Only this case of the scenario; may be repeated.")
@click.option(
    "--timeout",
    type=Finite(0, min_open=True),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="Give up on a run after that time: undetermined.",
)
@click.option("--list", "listing", is_flag=True, help="Scenarios and their cases.")
@click.option("--format", "form", type=click.Choice(("text", "json", "ktap")), default="text", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@written
@click.option("-q", "--quiet", is_flag=True, help="No progress on the terminal.")
@coloured
@collected(Options)
def command(scenario: str | None, options: Options) -> int:
    """Migrate a small guest between two of the QEMUs named, and compare the memory of both sides.

    Nothing else is needed: no disk image, no network, and no /dev/kvm but where --list says so.

    Exit codes: 0 not seen in these runs, 1 seen, 2 bad use, or not a QEMU that can run it, 3 undetermined (a migration
    did not complete, or a control lost pages too), 4 a tool is missing, 130 interrupted.
    """
    from model.reproduce.scenario import SCENARIOS
    from model.reproduce.verdict import find_scenario
    from reports.reproductions import listed

    if options.listing:
        with decided(PROVED):
            _print(listed(SCENARIOS), options.color)
        return PROVED
    if scenario is None:
        raise UsageError("name a SCENARIO; --list shows them.")
    wanted = find_scenario(scenario)
    _needed(wanted)
    form = "json" if options.as_json else options.form
    found = _performed(wanted, options, live=form == "text" and options.output is None)
    with decided(found.exit_code):
        _write(found, form, options)
    return found.exit_code


def _needed(scenario: Scenario) -> None:
    """Raises MissingTool where the scenario needs /dev/kvm and it cannot be used."""
    from model.kvm.driver import missing

    if scenario.kvm and (reason := missing()):
        raise MissingTool(f"{scenario.name} needs KVM: {reason}")


def _performed(scenario: Scenario, options: Options, live: bool) -> Reproduction:
    """The runs; `live` prints each when it is over."""
    from model.reproduce.qemu import find
    from model.reproduce.verdict import cases_of, perform
    from reports.reproductions import head, line, width

    cases_of(scenario, options.cases)  # a wrong name is told before anything is started
    qemu = find(options.qemu)
    if live:
        _print([head(scenario, qemu.said)], options.color)

    def told(run: Run) -> None:
        if live:
            _print([line(run, width(scenario))], options.color)

    @contextmanager
    def watching(number: int, of: int) -> Iterator[Report | None]:
        """A line for each run, taken away before the run is told."""
        with working(f"{number} of {of}", quiet=options.quiet) as shown:
            yield shown.report

    return perform(
        scenario, qemu, options.runs, only=options.cases, seconds=options.timeout, watching=watching, told=told
    )


def _write(found: Reproduction, form: str, options: Options) -> None:
    from reports.reproductions import FORMATS, as_text, verdict

    if form in FORMATS:
        write_out(FORMATS[form](found), options.output)
    elif options.output:
        write_lines(as_text(found), options.output, options.color)
    else:
        _print([verdict(found)], options.color)


def _print(lines: Iterable[Text], color: str) -> None:
    """Broken between words where the terminal is narrower."""
    from model.printing.lines import wrapped

    print_lines((part for text in lines for part in wrapped(text, columns(color), 4)), color)
