"""`clearorder liveness DESIGN`: what holds in the end, and what follows on what, under fairness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from model.cli.files import write_lines, write_out
from model.cli.help import verb
from model.cli.options import Sizes, bounded, by_property, collected, coloured, sized, written
from model.cli.progress import Working, working
from model.cli.terminal import columns, decided
from model.errors import UsageError, did_you_mean
from model.verdict import PROVED, Undetermined, Verdict, exit_code

if TYPE_CHECKING:
    from rich.text import Text

    from model.expr import Property
    from model.instance.instance import Instance
    from model.liveness.goal import Asked
    from model.liveness.lasso import Fairness
    from model.program.design import Design
    from model.program.program import Program
    from model.verify.result import Result

KINDS = ("strong", "weak", "none")
ENGINES = ("graph", "z3")
FORMATS = ("text", "json", "promela")


@dataclass(frozen=True)
class Options(Sizes):
    """What was asked on the command line."""

    names: tuple[str, ...]
    fairness: str
    but: tuple[str, ...]
    engine: str
    max_states: int | None
    timeout: float | None
    depth: int | None
    form: str
    output: Path | None
    quiet: bool
    color: str


def _complete(ctx: click.Context, param: click.Parameter, word: str) -> list[str]:
    from model.designs.catalogue import built_in_properties
    from model.expr import INFINITE

    return [n for n, p in built_in_properties().items() if p.kind in INFINITE and n.startswith(word)]


@verb("clearorder liveness per-slot-cache --fairness weak --property told_is_read")
@click.argument("design", metavar="DESIGN")
@by_property(
    "names", "Of kind `eventually` or `leads_to`; may be repeated. Default: the built-in ones that apply.", _complete
)
@click.option("--fairness", type=click.Choice(KINDS), default="strong", show_default=True, help="Of every step.")
@click.option(
    "--but", multiple=True, metavar="OPERATION=KIND", help="Another fairness for one operation: collect=none."
)
@sized(pages=1)
@click.option("--engine", type=click.Choice(ENGINES), default="graph", show_default=True, help="Who is asked.")
@bounded
@click.option("--depth", type=click.IntRange(1), metavar="N", help="Moves of stem and loop at most (z3).")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="What to write.")
@written
@click.option("-q", "--quiet", is_flag=True, help="Verdicts only.")
@coloured
@collected(Options)
def command(design: str, options: Options) -> int:
    """Decide, for a finite size, what is said of all fair infinite runs of a DESIGN.

    Strong fairness: what a thread can do again and again it does again and again (a fair lock included). Weak: what it
    can do all the time. Nobody owes a write. A refutation is a lasso: moves, and a loop that repeats for ever. The
    graph engine decides; z3 finds the lasso with the fewest moves and proves nothing. `--format promela` writes the
    question for Spin, with fairness and the LTL formula.

    Exit codes: 0 every property holds, 1 a lasso refutes one, 2 bad use, 3 undetermined, 130 interrupted.
    """
    from model.designs.environment import load_in
    from model.liveness.lasso import Fairness
    from model.verify.question import sized_program

    loaded = load_in(design, options.environment)
    program, sizes = sized_program(loaded, options.clients, dict(options.extra))
    fairness = Fairness(options.fairness, dict(_kind(word, program.operations) for word in options.but))
    asked = _Asked(program, sizes, fairness, options, design)
    properties, notes = _properties(options.names, loaded, program)
    if options.form == "promela":
        write_out(_promela(asked, properties), options.output)
        return PROVED
    with working(quiet=options.quiet) as line:
        results = list(_answers(asked, properties, notes, line))
    code = exit_code(r.verdict for r in results)
    with decided(code):
        _write(results, options)
    return code


# ---------------------------------------------------------------- what is asked


def _kind(word: str, operations: tuple[str, ...]) -> tuple[str, str]:
    operation, _, kind = word.partition("=")
    if operation not in operations:
        raise UsageError(f"there is no operation '{operation}'{did_you_mean(operation, list(operations))}")
    if kind not in KINDS:
        raise UsageError(f"--but {word}: write {operation}=strong, {operation}=weak or {operation}=none.")
    return operation, kind


def _properties(names: Sequence[str], design: type[Design], program: Program) -> tuple[list[Property], tuple[str, ...]]:
    """What is asked, and a sentence for each question that is not: the named ones, or those that are asked by default.

    By default the built-in ones that apply; where none does, those beside the design.
    """
    from model.designs.catalogue import built_in_properties, find_property, own_properties
    from model.expr import INFINITE
    from model.liveness.goal import applies

    if names:
        return [find_property(name, design) for name in names], ()
    known = [p for p in built_in_properties().values() if p.kind in INFINITE]
    own = [p for p in own_properties(design) if p.kind in INFINITE]
    reasons = {p.name: applies(program, p) for p in known}
    fitting = [p for p in known if not reasons[p.name]] or own
    if not fitting:
        raise UsageError(f"{next(iter(reasons.values()))} Ask for a property of your own with --property.")
    beside = {p.name: f"it stands beside the design; --property {p.name} asks it" for p in own if p not in fitting}
    notes = [f"not asked: {name}: {reason}" for name, reason in (reasons | beside).items() if reason]
    return fitting, tuple(notes)


@dataclass(frozen=True)
class _Asked:
    """A recorded design at its sizes, under a fairness; `spec` is where it is found again."""

    program: Program
    sizes: Mapping[str, int]
    fairness: Fairness
    options: Options
    spec: str

    def instance(self, program: Program) -> Instance:
        from model.instance.instance import Instance
        from model.verify.result import sizes_for

        return Instance(program, self.options.pages, sizes_for(program, self.sizes))

    def verdict(self, question: Asked, line: Working) -> Verdict:
        from model.limits import Limits

        options, instance = self.options, self.instance(question.program)
        limits = Limits(options.max_states, options.timeout, options.depth, report=line.report)
        if options.engine == "z3":
            from model.liveness import bounded as liveness_bounded

            return liveness_bounded.search(instance, question, self.fairness, limits)
        from model.liveness import graph as liveness_graph

        return liveness_graph.search(instance, question, self.fairness, limits)


def _answers(asked: _Asked, properties: Sequence[Property], notes: Sequence[str], line: Working) -> Iterator[Result]:
    """The answers; the notes stand under the first."""
    from model.liveness.goal import asked as read
    from model.liveness.result import result

    named = line.each(properties, lambda p: f"{asked.program.name} {p.name}", len(properties))
    for number, property in enumerate(named):
        question = read(asked.program, property)
        verdict = asked.verdict(question, line)
        found = result(question, asked.instance(question.program), asked.fairness, verdict, asked.spec)
        yield replace(found, notes=(*found.notes, *notes)) if not number else found
        if isinstance(verdict, Undetermined) and verdict.interrupted:
            break


def _promela(asked: _Asked, properties: Sequence[Property]) -> str:
    from model.export import ltl
    from model.liveness.goal import asked as read

    if len(asked.options.names) != 1:
        raise UsageError("--format promela writes one property: name one --property.")
    question = read(asked.program, properties[0])
    return ltl.text(question, asked.instance(question.observed), asked.fairness, asked.verdict(question, Working()))


# ---------------------------------------------------------------- what is written


def _write(results: Sequence[Result], options: Options) -> None:
    if options.form == "json":
        from reports.formats.registry import render

        write_out(render("json", results), options.output)
        return
    lines = list(_report(results, options.quiet, columns(options.color)))
    write_lines(lines, options.output, options.color)


def _report(results: Sequence[Result], quiet: bool, width: int) -> Iterator[Text]:
    from rich.text import Text

    from model.printing.lines import verdict, wrapped
    from model.verify.result_text import lasso, scope

    for found in results:
        word = found.verdict.word
        why = f": {found.verdict.reason}" if isinstance(found.verdict, Undetermined) else ""
        begin = Text(f"{found.design}  {found.property}  ")
        yield from wrapped(begin + verdict(word) + Text(f"  {scope(found.scope)}{why}"), width, 4)
        if not quiet:
            for note in found.notes:
                yield from wrapped(f"    {note}", width, 6)
            yield from lasso(found.story, width) if found.story else ()
