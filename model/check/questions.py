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
from reports.formats.registry import SINGLE

if TYPE_CHECKING:
    from model.expr import Property
    from model.program.design import Design
    from model.verify.question import Question

REDUCTIONS = ("symmetry", "order", "pages")


def asked_questions(designs: Sequence[str], options: Options) -> Iterator[Question]:
    """One question for each property of each design; without designs, of the three that are compared.

    Raises:
        UsageError: a property speaks of infinite runs, or what is to be written holds one question and there are more.
    """
    from model.designs.catalogue import MAIN, load
    from model.expr import INFINITE
    from model.limits import Limits
    from model.verify.question import Question

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
        design = load(spec)
        for property in _properties(options.properties, design):
            if property.kind == "sometimes" and options.checkpoint:
                raise UsageError(f"--checkpoint saves one search, and {property.name} is one for each thing to happen.")
            if property.kind in INFINITE:
                raise UsageError(
                    f"{property.name} speaks of infinite runs, not of states; `clearorder liveness {spec} "
                    f"--property {property.name}` asks it."
                )
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
            )


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
    from model.designs.catalogue import DEFAULT_PROPERTIES

    names = options.properties or DEFAULT_PROPERTIES[:1]
    if len(designs) != 1 or len(names) != 1 or "all" in names:
        raise UsageError(f"{what} one property of one design: name one DESIGN and one --property.")
    return replace(options, properties=tuple(names))


def _properties(names: Sequence[str], design: type[Design]) -> Iterator[Property]:
    from model.designs.catalogue import built_in_properties, find_property
    from model.verify.portfolio import applies

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
    from model.verify.portfolio import applies

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
    from model.designs.catalogue import gallery_designs
    from model.program.design import kebab

    if kebab(design.__name__) not in gallery_designs() or not design.__module__.startswith("model.designs."):
        return ""
    from model.designs.gallery import entries

    return next((e.decided_by for e in entries() if e.design == kebab(design.__name__)), "")


def asked_sizes(design: type[Design], options: Options) -> dict[str, int]:
    """Sizes by index sort; a size that was typed for a sort that the design lacks is refused."""
    from model.instance.sizes import used_sorts
    from model.program.design import record

    program = record(design)
    used = used_sorts(program)
    named = {"Slot": options.slots, "Vcpu": options.vcpus}
    typed = {sort: n for sort, n in named.items() if n} | dict(options.extra)
    for name in typed:
        if name not in used:
            raise UsageError(f"{program.name} has no {name}; it has {', '.join(sorted(used - {'Guest'})) or 'none'}.")
    return ({"Client": options.clients} if "Client" in used else {}) | typed
