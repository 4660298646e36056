"""What `python -m model.check` writes of results: text, a format, the evidence pack, certificates, the comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from model.check.options import Options
from model.cli.files import write_lines, write_out
from model.cli.progress import working
from model.cli.terminal import columns
from model.verdict import PROVED, REFUTED, Refuted, Undetermined, exit_code

if TYPE_CHECKING:
    from rich.text import Text

    from model.program.program import Program
    from model.verify.result import Result


def write_results(results: Sequence[Result], comparing: bool, options: Options) -> None:
    """All that the options ask for: certificates, the pack, and the results as a format or as text."""
    with working("writing", quiet=options.quiet):
        if options.certificate:
            from model.check.certificates import write_certificates

            write_certificates(results, options)
        if options.report:
            from reports.formats.phrases import tool
            from reports.pages.pack import write

            write(results, options.report, tool())
        text = list(_text(results, comparing, options)) if options.form == "text" else _rendered(results, options.form)
    if isinstance(text, str):
        write_out(text, options.output)
    else:
        write_lines(text, options.output, options.color)


def _rendered(results: Sequence[Result], form: str) -> str:
    from reports.formats.registry import render

    return render(form, results)


def _text(results: Sequence[Result], comparing: bool, options: Options) -> Iterator[Text]:
    from reports.formats import text

    width = columns(options.color)
    stories = [] if options.quiet else [r for r in results if not comparing or _in_comparison(r, options.verbose)]
    yield from text.results(results, width=width, verbose=options.verbose, quiet=options.quiet, stories=stories)
    if options.explain:
        yield from text.explanations(_programs(results), width=width)
        yield from text.cutoffs(_cutoffs(results), width=width)
    if comparing:
        yield from _comparison(results, width)


def _programs(results: Sequence[Result]) -> Iterator[tuple[Result, Program]]:
    """Each result with the program that was asked: what the property observes is part of it."""
    for result in results:
        yield result, result.problem.program if result.problem else result.program


def _cutoffs(results: Sequence[Result]) -> Iterator[tuple[Result, str, int]]:
    """(result, why one page does not decide or nothing, side conditions proved) for each question about every state."""
    from model.parametric.cutoff import pages_independent

    for result in results:
        if asked := result.problem:
            found = pages_independent(asked.program, asked.invariants, seconds=2.0)
            yield result, found.reason, found.conditions


def _in_comparison(result: Result, verbose: bool) -> bool:
    return verbose or result.property == "no_lost_write"


def _comparison(results: Sequence[Result], width: int) -> Iterator[Text]:
    from rich.text import Text

    from model.printing.lines import wrapped

    yield Text()
    different = [f"{r.design} {r.property}" for r in results if _differs(r)]
    if different:
        yield from wrapped(f"Not the expected verdict: {', '.join(different)}.", width, 2, "bold red")
    elif any(isinstance(r.verdict, Undetermined) for r in results):
        yield Text("Not every question was answered.", "bold yellow")
    else:
        losers = sum(1 for r in results if isinstance(r.verdict, Refuted) and r.property == "no_lost_write")
        told = f"All verdicts match the expected results: {losers} of {len(results) // 2} designs lose writes."
        yield from wrapped(told, width, 2)


def _differs(result: Result) -> bool:
    from model.designs.manifest import recorded

    expected = recorded(result.design, result.property, result.evidence[-1].scope)
    return expected is not None and expected != result.verdict.word


def code_of(results: Sequence[Result], comparing: bool) -> int:
    """The exit code; in a comparison a recorded refutation is a success."""
    if not comparing or any(isinstance(r.verdict, Undetermined) for r in results):
        return exit_code(r.verdict for r in results)
    return REFUTED if any(_differs(r) for r in results) else PROVED
