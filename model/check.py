"""`python -m model.check [DESIGN …]`: search, prove, compare, and show why a page was lost."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from model.cli import columns, complain, print_lines, run, write_out
from model.errors import ModelError, UsageError
from model.export import EXPORTS
from model.verdict import INTERRUPTED, PROVED, REFUTED, Proved, Refuted, Undetermined, Verdict, exit_code
from reports.formats import PROGRAMS, REPORTS, SINGLE

if TYPE_CHECKING:
    from model.design import Design
    from model.engines.limits import Progress
    from model.expr import Property
    from model.result import Result
    from model.run import Question

ENGINES = ("auto", "explicit", "lanes", "bounded", "induction", "inductive")
REDUCTIONS = ("symmetry", "order", "pages")
GRAPHS = ("dot", "graphml")
FORMATS = ("text", *REPORTS, *PROGRAMS, *EXPORTS, *GRAPHS)
GRAPH_STATES = 5_000
EXPORT_STATES = 10_000_000  # up to which the verdict that an export names is looked for


def _complete_designs(ctx: click.Context, param: click.Parameter, word: str) -> list[str]:
    from model.designs.catalogue import built_in_designs

    files = [str(p) for p in Path().glob("*.py")]
    return [name for name in [*built_in_designs(), *files] if name.startswith(word)]


def _complete_properties(ctx: click.Context, param: click.Parameter, word: str) -> list[str]:
    from model.designs.catalogue import built_in_properties

    return [name for name in ["all", *built_in_properties()] if name.startswith(word)]


def version_line() -> str:
    """`clearorder 0.1.0 (z3 4.13.0, Python 3.11.7)`."""
    from importlib.metadata import PackageNotFoundError, version
    from platform import python_version

    from model import __version__

    try:
        z3 = version("z3-solver")
    except PackageNotFoundError:
        z3 = "not installed"
    return f"clearorder {__version__} (z3 {z3}, Python {python_version()})"


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        click.echo(version_line())
        ctx.exit(0)


class Size(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """Bytes, written 512M or 4G."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        number, unit = str(value)[:-1], {"K": 10, "M": 20, "G": 30}.get(str(value)[-1:].upper())
        if unit is None or not number.isdigit():
            self.fail(f"write a number and K, M or G, such as 512M, not {value!r}.", param, ctx)
        return int(number) << unit


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("designs", nargs=-1, metavar="[DESIGN]...", shell_complete=_complete_designs)
@click.option("--pages", type=click.IntRange(1), default=2, show_default=True, help="Pages of the finite instance.")
@click.option("--clients", type=click.IntRange(1), default=2, show_default=True, help="Clients of the finite instance.")
@click.option("--slots", type=click.IntRange(1), help="Memory slots, where a design has several.")
@click.option("--vcpus", type=click.IntRange(1), help="vCPUs, where a design tells them apart.")
@click.option("--size", "extra", multiple=True, metavar="SORT=N", help="Elements of an index sort of the design's own.")
@click.option(
    "--property",
    "properties",
    multiple=True,
    metavar="NAME",
    shell_complete=_complete_properties,
    help="What must hold; may be repeated. Default: no_lost_write and promise_kept; 'all' adds the disciplines.",
)
@click.option("--engine", type=click.Choice(ENGINES), default="auto", show_default=True, help="Who is asked.")
@click.option("--max-states", type=click.IntRange(1), metavar="N", help="Give up after so many states: undetermined.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Give up after that time, for each engine and property.",
)
@click.option("--depth", type=click.IntRange(1), metavar="N", help="Moves to unroll at most (bounded, induction).")
@click.option("--memory", type=Size(), metavar="SIZE", help="Stay within, such as 512M: what is more goes to a file.")
@click.option("--symmetry/--no-symmetry", help="Keep one state of those that differ in the order of what is alike.")
@click.option(
    "--reduce",
    "reductions",
    multiple=True,
    type=click.Choice((*REDUCTIONS, "all")),
    help="Fewer states, the same verdict: alike ones once; unnoticed steps first; one page where none relates two.",
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
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write there.")
@click.option(
    "--refines", nargs=2, metavar="A B", help="Is every behaviour that clients can see of design A possible in B?"
)
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write the evidence pack: one HTML page and the files beside it.",
)
@click.option(
    "--certificate",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write the certificate of every proof for any number there, for `python -m model.certify`.",
)
@click.option("--explain", is_flag=True, help="Print the invariant of every proof, a clause a line.")
@click.option("--show", is_flag=True, help="Print the recorded atomic steps instead of checking.")
@click.option("--list", "listing", is_flag=True, help="List designs and properties.")
@click.option("-q", "--quiet", is_flag=True, help="Verdicts only.")
@click.option("-v", "--verbose", is_flag=True, help="Every engine's answer, every counterexample, seconds.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show versions."
)
def command(designs: tuple[str, ...], **options: Any) -> int:
    """Search every interleaving of a dirty-tracking DESIGN for a write that is never migrated.

    DESIGN is a built-in name (see --list), a file my_design.py, or my_design.py:ClassName. Without any, the three
    designs of the 2019 discussion are compared with their recorded verdicts.

    Exit codes: 0 every property holds (comparison: every verdict is the recorded one), 1 a property is refuted, 2 bad
    use or an ill-formed design, 3 undetermined, 4 an outside tool is missing, 70 internal error, 130 interrupted.
    """
    if options["listing"]:
        return _list(options["color"])
    if options["show"]:
        return _show(designs, options)
    if options["form"] in GRAPHS:
        return _graph(designs, options)
    if options["form"] in EXPORTS:
        return _export(designs, options)
    comparing = not designs and not options["refines"]
    with _progress(options["quiet"]) as report:
        if options["refines"]:
            results = [_refinement(options, report)]
        else:
            results = _ask(list(_questions(designs, options)), report)
    code = _exit_code(results, comparing=comparing)
    command.code = code  # type: ignore[attr-defined]  # for `| head`
    _write(results, comparing=comparing, options=options)
    if code == INTERRUPTED:
        complain("interrupted; what was covered so far is above.")
    return code


# ---------------------------------------------------------------- what is asked


def _questions(designs: Sequence[str], options: Mapping[str, Any]) -> Iterator[Question]:
    from model.designs.catalogue import MAIN, load
    from model.engines.limits import Limits
    from model.expr import INFINITE
    from model.run import Question

    limits = Limits(options["max_states"], options["timeout"], options["depth"], memory=options["memory"])
    if options["form"] in (*SINGLE, *EXPORTS):
        options = _one_of_one(designs, options, f"--format {options['form']} writes")
    if options["checkpoint"]:
        options = _one_of_one(designs, options, "--checkpoint saves")
    reductions = set(options["reductions"]) | ({"symmetry"} if options["symmetry"] else set())
    wanted = tuple(r for r in REDUCTIONS if r in reductions or "all" in reductions)
    packed: dict[str, Any] = {"reductions": wanted} if wanted else {}
    packed |= {"checkpoint": options["checkpoint"]} if options["checkpoint"] else {}
    packed |= {"kernel": options["kernel"]} if options["kernel"] != "auto" else {}
    for spec in designs or MAIN:
        design = load(spec)
        for property in _properties(options["properties"], design):
            if property.kind in INFINITE:
                raise UsageError(
                    f"{property.name} speaks of infinite runs, not of states; `python -m model.liveness {spec} "
                    f"--property {property.name}` asks it."
                )
            yield Question(
                design,
                property,
                options["pages"],
                _sizes(design, options),
                options["engine"],
                limits,
                spec=spec,
                side_by_side=True,
                packed=packed,
            )


def _one_of_one(designs: Sequence[str], options: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    """The options for a file that holds one property of one design: by default the first."""
    from model.designs.catalogue import DEFAULT_PROPERTIES

    names = options["properties"] or DEFAULT_PROPERTIES[:1]
    if len(designs) != 1 or len(names) != 1 or "all" in names:
        raise UsageError(f"{what} one property of one design: name one DESIGN and one --property.")
    return {**options, "properties": names}


def _properties(names: Sequence[str], design: type[Design]) -> Iterator[Property]:
    from model.designs.catalogue import built_in_properties, find_property
    from model.run import applies

    for name in names or _defaults(design):
        if name != "all":
            yield find_property(name, design)
            continue
        yield from (p for p in built_in_properties().values() if not applies(design, p))


def _defaults(design: type[Design]) -> list[str]:
    """The two forms of safety where they apply; a design with an end of its own is asked about that.

    Raises:
        UsageError: none of them applies; the message says what the first one lacks.
    """
    from model.designs.catalogue import DEFAULT_PROPERTIES, OWN_END, find_property
    from model.run import applies

    if recorded := _decided_by(design):
        return [recorded]
    reasons = {name: applies(design, find_property(name)) for name in (*DEFAULT_PROPERTIES, OWN_END)}
    if not reasons[OWN_END]:
        return [OWN_END]
    fitting = [name for name in DEFAULT_PROPERTIES if not reasons[name]]
    if not fitting:
        raise UsageError(f"{reasons[DEFAULT_PROPERTIES[0]]} Ask for a property of your own with --property.")
    for name in set(DEFAULT_PROPERTIES) - set(fitting):
        click.echo(f"note: {reasons[name]}", err=True)
    return fitting


def _decided_by(design: type[Design]) -> str:
    """The property by which a design of the gallery is recorded as safe or not; empty for any other design."""
    from model.design import kebab
    from model.designs.catalogue import gallery_designs

    if kebab(design.__name__) not in gallery_designs() or not design.__module__.startswith("model.designs."):
        return ""
    from model.gallery import entries

    return next((e.decided_by for e in entries() if e.design == kebab(design.__name__)), "")


def _sizes(design: type[Design], options: Mapping[str, Any]) -> dict[str, int]:
    """Sizes by index sort; a size that was typed for a sort that the design lacks is refused."""
    from model.design import record
    from model.sizes import used_sorts

    program = record(design)
    used = used_sorts(program)
    sizes = {"Client": options["clients"]} if "Client" in used else {}
    typed = {s: options[f"{s.lower()}s"] for s in ("Slot", "Vcpu") if options[f"{s.lower()}s"]}
    for text in options["extra"]:
        name, _, number = text.partition("=")
        if not number.isdigit() or int(number) < 1:
            raise UsageError(f"--size {text}: write the sort and a number from 1, such as --size Chunk=2.")
        typed[name] = int(number)
    for name in typed:
        if name not in used:
            raise UsageError(f"{program.name} has no {name}; it has {', '.join(sorted(used - {'Guest'})) or 'none'}.")
    return sizes | typed


def _refinement(options: Mapping[str, Any], report: Callable[[Progress], None] | None) -> Result:
    from model.designs.catalogue import load
    from model.engines.limits import Limits
    from model.refining import refines
    from model.vacuity import SMALL

    concrete, abstract = (load(name) for name in options["refines"])
    limits = Limits(options["max_states"] or SMALL, options["timeout"], report=report)
    return refines(concrete, abstract, pages=options["pages"], sizes=_sizes(concrete, options), limits=limits)


def _ask(questions: Sequence[Question], report: Callable[[Progress], None] | None) -> list[Result]:
    """Answer one after another; an interrupted answer is the last."""
    from dataclasses import replace

    from model.run import answer

    results = []
    for question in questions:
        results.append(answer(replace(question, limits=replace(question.limits, report=report))))
        verdict = results[-1].verdict
        if isinstance(verdict, Undetermined) and verdict.interrupted:
            break
    return results


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[Progress], None] | None]:
    """A line on stderr that says how far the search has come; only on a terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from model.cli import console

    line = ProgressLine()
    with console("auto", stderr=True).status(line):
        yield line.report


class ProgressLine:
    """What is shown while an engine runs; it is asked again several times a second, so that silence shows too."""

    def __init__(self) -> None:
        self.last: Progress | None = None
        self.at = monotonic()

    def report(self, progress: Progress) -> None:
        self.last, self.at = progress, monotonic()

    def __rich__(self) -> str:
        return self.last.text(monotonic() - self.at) if self.last else "starting"


def _exit_code(results: Sequence[Result], comparing: bool) -> int:
    if not comparing or any(isinstance(r.verdict, Undetermined) for r in results):
        return exit_code(r.verdict for r in results)
    return REFUTED if any(_differs(r) for r in results) else PROVED


def _differs(result: Result) -> bool:
    from model.designs.manifest import recorded

    expected = recorded(result.design, result.property, result.evidence[-1].scope)
    return expected is not None and expected != result.verdict.word


# ---------------------------------------------------------------- what is written


def _write(results: Sequence[Result], comparing: bool, options: Mapping[str, Any]) -> None:
    if options["certificate"]:
        _certificates(results, options["certificate"])
    if options["report"]:
        from reports.pack import write
        from reports.words import tool

        write(results, options["report"], tool())
    if options["form"] != "text":
        from reports.formats import render

        write_out(render(options["form"], results), options["output"])
        return
    from reports import text

    width = columns(options["color"])
    stories = [] if options["quiet"] else [r for r in results if not comparing or _in_comparison(r, options["verbose"])]
    lines = list(
        text.results(results, width=width, verbose=options["verbose"], quiet=options["quiet"], stories=stories)
    )
    if options["explain"]:
        lines += text.explanations(results, width=width)
        lines += text.cutoffs(_cutoffs(results), width=width)
    if comparing:
        lines += _comparison(results)
    if options["output"]:
        write_out("".join(f"{line.plain}\n" for line in lines), options["output"])
    else:
        print_lines(lines, options["color"])


def _cutoffs(results: Sequence[Result]) -> Iterator[tuple[Result, str, int]]:
    """(result, why one page does not decide or nothing, side conditions proved) for each question about every state."""
    from model.designs.catalogue import find_property, load
    from model.observing import invariant, observed
    from model.parametric.cutoff import pages_independent

    for result in results:
        property = find_property(result.property, load(result.spec)) if result.spec else None
        if property is not None and property.kind == "always":
            watched = observed(result.program, property)
            found = pages_independent(watched, [invariant(watched, property)], seconds=2.0)
            yield result, found.reason, found.conditions


def _certificates(results: Sequence[Result], directory: Path) -> None:
    """One directory a proof: design-property."""
    from model.export.certificate import write

    proved = [r for r in results if r.proof is not None and isinstance(r.verdict, Proved)]
    if not proved:
        raise UsageError("--certificate: nothing was proved for any number, so there is nothing to certify.")
    directory.mkdir(parents=True, exist_ok=True)
    for result in proved:
        write(result.proof, directory / f"{result.design}-{result.property}", result.spec, [result.property])


def _in_comparison(result: Result, verbose: bool) -> bool:
    return verbose or result.property == "no_lost_write"


def _comparison(results: Sequence[Result]) -> Iterator[Any]:
    from rich.text import Text

    yield Text()
    different = [f"{r.design} {r.property}" for r in results if _differs(r)]
    if different:
        yield Text(f"Not the recorded verdict: {', '.join(different)}.", "bold red")
    elif any(isinstance(r.verdict, Undetermined) for r in results):
        yield Text("Not every question was answered.", "bold yellow")
    else:
        losers = sum(1 for r in results if isinstance(r.verdict, Refuted) and r.property == "no_lost_write")
        yield Text(f"Every verdict is the recorded one: {losers} of {len(results) // 2} designs lose writes.")


def _list(color: str) -> int:
    from model.designs.catalogue import built_in_designs, built_in_properties, gallery_designs, load
    from reports.text import first_sentence, listing

    names = [*built_in_designs(), *gallery_designs()]
    designs = {name: first_sentence(load(name).__doc__ or "") for name in names}
    print_lines(listing(designs, built_in_properties(), width=columns(color)), color)
    return PROVED


def _show(designs: Sequence[str], options: Mapping[str, Any]) -> int:
    from rich.text import Text

    from model.design import record
    from model.designs.catalogue import MAIN, load
    from reports import text

    lines: list[Text] = []
    for spec in designs or MAIN:
        if lines:
            lines.append(Text())
        lines += text.steps(record(load(spec)), width=columns(options["color"]))
    if options["output"]:
        write_out("".join(f"{line.plain}\n" for line in lines), options["output"])
    else:
        print_lines(lines, options["color"])
    return PROVED


def _graph(designs: Sequence[str], options: Mapping[str, Any]) -> int:
    """The state graph of one design as DOT or GraphML."""
    from model.design import record
    from model.designs.catalogue import load
    from model.graph import as_text, state_graph
    from model.instance import Instance

    if len(designs) != 1:
        raise UsageError(f"--format {options['form']} writes the state graph of one design: name it.")
    design = load(designs[0])
    instance = Instance(record(design), options["pages"], _sizes(design, options))
    graph = state_graph(instance, max_states=options["max_states"] or GRAPH_STATES)
    write_out(as_text(graph, options["form"]), options["output"])
    return PROVED


def _export(designs: Sequence[str], options: Mapping[str, Any]) -> int:
    """One property of one design in the language of another tool; the file is what is asked for, not the verdict."""
    from model.cli import replacing
    from model.design import record
    from model.export import written
    from model.export.claim import claim

    question = next(_questions(designs, options))
    text = written(
        options["form"],
        claim(
            record(question.design),
            question.property,
            question.pages,
            question.sizes,
            expected=_expected(question),
            depth=options["depth"],
        ),
    )
    if options["output"]:
        with replacing(options["output"]) as temporary:
            temporary.write_bytes(text)
    else:
        sys.stdout.buffer.write(text)
    return PROVED


def _expected(question: Question) -> Verdict | None:
    """What our own engine says, within limits; None where it cannot be asked."""
    from dataclasses import replace

    from model.run import answer

    limits = replace(question.limits, states=question.limits.states or EXPORT_STATES, depth=None)
    engine = "lanes" if question.engine in ("auto", "inductive") else question.engine
    try:
        return answer(replace(question, engine=engine, limits=limits)).verdict
    except ModelError:
        return None


if __name__ == "__main__":
    run(command, "python -m model.check")
