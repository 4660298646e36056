"""What `python -m model.check` writes instead of results: lists, recorded steps, state graphs, exports."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from model.check.options import Options
from model.check.questions import asked_questions, asked_sizes
from model.cli.files import write_lines, write_out
from model.cli.progress import Working, working
from model.cli.terminal import columns, print_lines
from model.errors import ModelError, UsageError
from model.verdict import PROVED, Verdict

if TYPE_CHECKING:
    from model.verify.question import Question

GRAPHS = ("dot", "graphml")
GRAPH_STATES = 5_000
ENGINES = {"cubicle": "views"}  # who alone is asked what an export expects, as it is for any number of everything
EXPORT_STATES = 10_000_000  # up to which the verdict that an export names is looked for


def list_all(color: str) -> int:
    """Every property and design in groups, properties first, one per line."""
    from reports.formats.text import listing

    print_lines(listing({**_properties(), **_designs()}, width=columns(color)), color)
    return PROVED


def _properties() -> dict[str, dict[str, str]]:
    """The properties by what they speak of."""
    from model.designs.catalogue import DEFAULT_PROPERTIES, built_in_properties
    from model.expr import INFINITE
    from reports.formats.text import first_sentence

    titles = {
        "asked": "Properties that are asked by default",
        "always": "Properties of every state (--property NAME)",
        "sometimes": "Properties of what has to happen (--property NAME)",
        "infinite": "Properties of infinite runs (clearorder liveness DESIGN --property NAME)",
    }
    found: dict[str, dict[str, str]] = {title: {} for title in titles.values()}
    for name, property in built_in_properties().items():
        kind = "infinite" if property.kind in INFINITE else property.kind
        found[titles["asked" if name in DEFAULT_PROPERTIES else kind]][name] = first_sentence(property.doc)
    return found


def _designs() -> dict[str, dict[str, str]]:
    """The designs by family."""
    from model.designs.catalogue import load
    from model.designs.gallery import entries
    from reports.formats.text import first_sentence

    found: dict[str, dict[str, str]] = {}
    for entry in entries():
        title = f"Designs of the family {entry.family} (clearorder gallery NAME tells of one)"
        found.setdefault(title, {})[entry.design] = first_sentence(load(entry.design).__doc__ or "")
    return found


def show_steps(designs: Sequence[str], options: Options) -> int:
    """The recorded atomic steps of each design."""
    from rich.text import Text

    from model.designs.catalogue import MAIN
    from model.designs.environment import load_in
    from model.program.design import record
    from reports.formats import text

    lines: list[Text] = []
    for spec in designs or MAIN:
        if lines:
            lines.append(Text())
        lines += text.steps(record(load_in(spec, options.environment)), width=columns(options.color))
    write_lines(lines, options.output, options.color)
    return PROVED


def write_graph(designs: Sequence[str], options: Options) -> int:
    """The state graph of one design as DOT or GraphML; with one property, bad states and the way to one are marked."""
    from model.designs.catalogue import find_property
    from model.designs.environment import load_in
    from model.instance.problem import Problem
    from model.program.design import record
    from model.program.store_buffer import SIZE
    from model.verify.state_graph import as_text, state_graph

    if len(designs) != 1 or len(options.properties) > 1:
        raise UsageError(
            f"--format {options.form} writes the state graph of one design: name it, and at most one --property."
        )
    design = load_in(designs[0], options.environment)
    sizes = asked_sizes(design, options)
    named = [find_property(name, design) for name in options.properties]
    asked = Problem.of(record(design, buffer=sizes.get(SIZE)), *named, pages=options.pages, sizes=sizes)
    with working("state graph", quiet=options.quiet):
        text = as_text(state_graph(asked, max_states=options.max_states or GRAPH_STATES), options.form)
    write_out(text, options.output)
    return PROVED


def write_export(designs: Sequence[str], options: Options) -> int:
    """One property of one design in the language of another tool; the file is what is asked for, not the verdict."""
    from model.cli.files import replacing
    from model.export import written
    from model.export.problem import claim
    from model.program.design import record
    from model.program.store_buffer import SIZE

    question = next(asked_questions(designs, options))
    program = record(question.design, buffer=question.sizes.get(SIZE))
    with working("our own verdict, for the file", quiet=options.quiet) as line:
        expected = _expected(question, options.form, line)
        size = question.pages, question.sizes
        asked = claim(program, question.property, *size, expected=expected, depth=options.depth)
        text = written(options.form, asked)
    if options.output:
        with replacing(options.output) as temporary:
            temporary.write_bytes(text)
    else:
        sys.stdout.buffer.write(text)
    return PROVED


def _expected(question: Question, form: str, line: Working) -> Verdict | None:
    """What our own engine says, within limits; None where it cannot be asked."""
    from dataclasses import replace

    from model.verify.portfolio import answer

    limits = replace(question.limits, states=question.limits.states or EXPORT_STATES, depth=None, report=line.report)
    engine = ENGINES.get(form, "lanes" if question.engine in ("auto", "inductive") else question.engine)
    try:
        return answer(replace(question, engine=engine, limits=limits)).verdict
    except ModelError:
        return None
