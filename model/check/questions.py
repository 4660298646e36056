"""What the options of `python -m model.check` ask: one question for each property of each design."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from model.check.options import Options
from model.errors import UsageError
from model.export import EXPORTS
from model.expr import Client
from reports.formats.registry import SINGLE

if TYPE_CHECKING:
    from model.expr import Property
    from model.program.design import Design
    from model.verify.question import Lemma, Question

REDUCTIONS = ("symmetry", "order", "pages")


def asked_questions(designs: Sequence[str], options: Options) -> Iterator[Question]:
    """One question for each property of each design; without designs, of the three that are compared.

    Raises:
        UsageError: a property speaks of infinite runs, or what is to be written holds one question and there are more.
    """
    from model.designs.catalogue import MAIN
    from model.designs.environment import load_in
    from model.limits import Limits
    from model.program.design import record
    from model.verify.question import Question, refuse_infinite

    limits = Limits(options.max_states, options.timeout, options.depth, memory=options.memory)
    if options.form in (*SINGLE, *EXPORTS):
        options = _one_of_one(designs, options, f"--format {options.form} writes")
    if options.checkpoint:
        options = _one_of_one(designs, options, "--checkpoint saves")
        _can_be_saved(options)
    reductions = set(options.reductions) | ({"symmetry"} if options.symmetry else set())
    wanted = tuple(r for r in REDUCTIONS if r in reductions or "all" in reductions)
    packed: dict[str, Any] = {"reductions": wanted} if wanted else {}
    packed |= {"checkpoint": options.checkpoint} if options.checkpoint else {}
    packed |= {"kernel": options.kernel} if options.kernel != "auto" else {}
    for spec in designs or MAIN:
        design = load_in(spec, options.environment)
        for property, notes in _properties(options.properties, design):
            if property.kind == "sometimes" and options.checkpoint:
                raise UsageError(f"--checkpoint saves one search, and {property.name} is one for each thing to happen.")
            refuse_infinite(property, spec + record(design).surroundings)
            yield Question(
                design,
                property,
                options.pages,
                asked_sizes(design, options),
                options.engine,
                limits,
                spec=spec,
                side_by_side=True,
                packed=packed,
                notes=notes,
                lemmas=_lemmas(designs, options, design),
                explained=options.explain or options.report is not None,
            )


def _lemmas(designs: Sequence[str], options: Options, design: type[Design]) -> tuple[Lemma, ...]:
    """The user's own invariants."""
    from model.designs.catalogue import find_property
    from model.verify.question import Lemma

    if options.invariants and not designs:
        raise UsageError("--invariant is about one design: name a DESIGN.")
    if options.invariants and options.engine not in ("auto", "inductive"):
        raise UsageError(
            f"--invariant is a lemma of a proof for any number, and {options.engine} is asked; leave out --engine."
        )
    found = [Lemma(spec, find_property(spec, design)) for spec in dict.fromkeys(options.invariants)]
    names = [lemma.name for lemma in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"--invariant: two are named {twice[0]}, and the answer would not say which; rename one.")
    return tuple(found)


def _can_be_saved(options: Options) -> None:
    """Refuse a checkpoint that would not be written, before anything is searched."""
    assert options.checkpoint is not None
    folder = options.checkpoint.resolve().parent
    if options.engine not in ("auto", "lanes"):
        raise UsageError(f"--checkpoint saves a search of the engine lanes, and {options.engine} is asked.")
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as wrong:
        raise UsageError(
            f"--checkpoint: nothing can be written to {folder} ({wrong.strerror}); name a file elsewhere."
        ) from None


def _one_of_one(designs: Sequence[str], options: Options, what: str) -> Options:
    """The options for a file that holds one property of one design: by default the first."""
    from model.designs.environment import load_in
    from model.verify.defaults import default_questions

    names = options.properties
    if len(designs) == 1 and not names:
        names = (default_questions(load_in(designs[0], options.environment)).properties[0].name,)
    if len(designs) != 1 or len(names) != 1 or "all" in names:
        raise UsageError(f"{what} one property of one design: name one DESIGN and one --property.")
    return replace(options, properties=tuple(names))


def _properties(names: Sequence[str], design: type[Design]) -> Iterator[tuple[Property, tuple[str, ...]]]:
    """(property, what is said besides): those that are named, or those that are asked by default."""
    from model.designs.catalogue import built_in_properties, find_property
    from model.verify.defaults import default_questions
    from model.verify.portfolio import applies

    if not names:
        found = default_questions(design)
        yield from ((p, found.notes if p is found.properties[0] else ()) for p in found.properties)
    for name in names:
        if name != "all":
            yield find_property(name, design), ()
            continue
        yield from ((p, ()) for p in built_in_properties().values() if not applies(design, p))


def given(option: str) -> bool:
    """The option stands on the command line."""
    context = click.get_current_context(silent=True)
    return context is not None and context.get_parameter_source(option) is click.core.ParameterSource.COMMANDLINE


def asked_sizes(design: type[Design], options: Options) -> dict[str, int]:
    """Sizes by index sort; a size that was typed for a sort that the design lacks is refused."""
    from model.instance.sizes import refuse_size, used_sorts
    from model.program.design import record
    from model.verify import question

    named = {"Slot": options.slots, "Vcpu": options.vcpus}
    typed = {sort: n for sort, n in named.items() if n} | dict(options.extra)
    program = record(design)
    if Client.name in used_sorts(program) and given("clients"):
        refuse_size(program, Client.name, options.clients)
    return question.asked_sizes(program, options.clients, typed)
