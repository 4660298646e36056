"""`python -m model.check [DESIGN …]`: search, prove, compare, and show why a page was lost."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from model.check.certificates import ready
from model.check.options import Options
from model.check.outputs import GRAPHS, list_all, show_steps, write_export, write_graph
from model.check.questions import REDUCTIONS, asked_questions, asked_sizes
from model.check.results import code_of, write_results
from model.cli.help import verb
from model.cli.options import (
    Size,
    bounded,
    by_property,
    collected,
    coloured,
    complete_designs,
    complete_properties,
    folder,
    sized,
    written,
)
from model.cli.progress import working
from model.cli.terminal import complain, decided
from model.cli.version import show_version
from model.export import EXPORTS
from model.verdict import INTERRUPTED, Undetermined
from reports.formats.registry import PROGRAMS, REPORTS

if TYPE_CHECKING:
    from model.cli.progress import Working
    from model.limits import Progress
    from model.verify.question import Question
    from model.verify.result import Result

ENGINES = ("auto", "explicit", "lanes", "bounded", "induction", "inductive", "views")
FORMATS = ("text", *REPORTS, *PROGRAMS, *EXPORTS, *GRAPHS)
BRIEF = {  # what `--help` tells, first of the argument; `--help-all` tells of every option
    "": "DESIGN: a built-in name (--list), my_design.py, my_design.py:Class; none: the three of 2019.\n"
    "Exit codes: 0 holds, 1 refuted, 2 bad use, 3 undetermined, 4 no tool, 70 our bug, 130 interrupted.",
    "property": "What must hold; default: no_lost_write and promise_kept.",
    "engine": "Who is asked: auto (default), explicit, lanes, bounded, induction, …",
    "show": "Print the recorded atomic steps instead of checking.",
    "pages": "Pages of the finite instance; default 2.",
    "clients": "Clients of the finite instance; default 2.",
    "max-states": "Give up after so many states: undetermined.",
    "timeout": "Give up on a property after that time: undetermined.",
    "explain": "Print the invariant of every proof, one clause per line.",
    "format": "What to write: text (default), json, mail, html, sarif, …",
    "output": "Write there.",
    "quiet": "Verdicts only.",
    "verbose": "Also what every engine did, every counterexample, seconds.",
}


@verb("python -m model.check top-layer --property no_lost_write -v", BRIEF)
@click.argument("designs", nargs=-1, metavar="[DESIGN]...", shell_complete=complete_designs)
@sized()
@click.option("--slots", type=click.IntRange(1), help="Memory slots, where a design has several.")
@click.option("--vcpus", type=click.IntRange(1), help="vCPUs, where a design tells them apart.")
@by_property(
    "properties",
    "What must hold; may be repeated. Default: no_lost_write and promise_kept; 'all' adds the disciplines.",
    complete_properties,
)
@click.option(
    "--invariant",
    "invariants",
    multiple=True,
    metavar="FILE:NAME",
    help="An invariant of yours, an @always property, as a lemma: proved with what is asked, or why not is shown.",
)
@click.option("--engine", type=click.Choice(ENGINES), default="auto", show_default=True, help="Who is asked.")
@bounded
@click.option("--depth", type=click.IntRange(1), metavar="N", help="Moves to unroll at most (bounded, induction).")
@click.option("--memory", type=Size(), metavar="SIZE", help="Stay within, such as 512M: what is more goes to a file.")
@click.option("--symmetry/--no-symmetry", hidden=True, help="The same as --reduce symmetry.")
@click.option(
    "--reduce",
    "reductions",
    multiple=True,
    type=click.Choice((*REDUCTIONS, "all")),
    help="Fewer states, the same verdict: a state per symmetry class; invisible steps first; one page.",
)
@click.option(
    "--kernel",
    type=click.Choice(("auto", "numpy", "c")),
    default="auto",
    show_default=True,
    help="Of the packed engine: auto is C where there is a compiler and enough to do.",
)
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Save the search there now and then, and go on from it: one DESIGN, one --property.",
)
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="What to write.")
@written
@click.option(
    "--refines", nargs=2, metavar="A B", help="Is every behaviour that clients can see of design A possible in B?"
)
@folder("--report", help="Write the evidence pack: one HTML page and the files beside it.")
@folder("--certificate", help="Write the certificate of every proof for any number there, for `clearorder certify`.")
@click.option("--proofs", is_flag=True, help="With --certificate: a proof by cvc5 of every condition, for Ethos.")
@click.option("--explain", is_flag=True, help="Print the invariant of every proof in words, one clause per line.")
@click.option("--show", is_flag=True, help="Print the recorded atomic steps instead of checking.")
@click.option("--list", "listing", is_flag=True, help="List designs and properties.")
@click.option("--watch", is_flag=True, help="Check again whenever a DESIGN's file is saved, until Ctrl-C.")
@click.option("-q", "--quiet", is_flag=True, help="Verdicts only.")
@click.option("-v", "--verbose", is_flag=True, help="Every engine's answer, every counterexample, seconds.")
@coloured
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=show_version, help="Show versions."
)
@collected(Options)
def command(designs: tuple[str, ...], options: Options) -> int:
    """Search every interleaving of a dirty-tracking DESIGN for a write that is never migrated.

    DESIGN is a built-in name (see --list), a file my_design.py, or my_design.py:ClassName. Without any, the three
    designs of the 2019 discussion are compared with their recorded verdicts.

    Exit codes: 0 every property holds (comparison: all verdicts match the expected results), 1 a property is refuted,
    2 bad use or an ill-formed design, 3 undetermined, 4 an outside tool is missing, 70 internal error, 130 interrupted.
    """
    from model.designs.environment import known_environment

    if options.watch:
        from model.check.watching import watch

        return watch(designs, sys.argv[2:] if sys.argv[1:2] == ["check"] else sys.argv[1:])
    known_environment(options.environment)
    if options.listing:
        return list_all(options.color)
    if options.show:
        return show_steps(designs, options)
    if options.form in GRAPHS:
        return write_graph(designs, options)
    if options.form in EXPORTS:
        return write_export(designs, options)
    ready(options)
    comparing = not designs and not options.refines and options.environment == "none"
    with working(quiet=options.quiet) as line:
        if options.refines:
            results = [_refinement(*options.refines, options, line.report)]
        else:
            results = _ask(list(asked_questions(designs, options)), line)
    code = code_of(results, comparing=comparing)
    with decided(code):
        write_results(results, comparing=comparing, options=options)
    if code == INTERRUPTED:
        complain("interrupted; what was covered so far is above.")
    return code


def _refinement(a: str, b: str, options: Options, report: Callable[[Progress], None] | None) -> Result:
    from model.designs.environment import load_in
    from model.limits import Limits
    from model.verify.refinement import refines
    from model.verify.vacuity import SMALL

    concrete, abstract = (load_in(spec, options.environment) for spec in (a, b))
    limits = Limits(options.max_states or SMALL, options.timeout, report=report)
    return refines(concrete, abstract, pages=options.pages, sizes=asked_sizes(concrete, options), limits=limits)


def _ask(questions: Sequence[Question], line: Working) -> list[Result]:
    """Answer one after another; an interrupted answer is the last."""
    from dataclasses import replace

    from model.verify.lemma import answers

    results: list[Result] = []
    named = line.each(questions, lambda q: f"{q.spec} {q.property.name}", len(questions))
    for question in named:
        found = answers(replace(question, limits=replace(question.limits, report=line.report)))
        known = {(r.spec, r.property) for r in results}
        results += [r for r in found[:-1] if (r.spec, r.property) not in known] + found[-1:]
        verdict = results[-1].verdict
        if isinstance(verdict, Undetermined) and verdict.interrupted:
            break
    return results
