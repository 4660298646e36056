"""The question that is asked of a design where nobody names one: the same in every command and format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from model.designs.catalogue import (
    DEFAULT_PROPERTIES,
    OWN_END,
    designs_beside,
    find_property,
    gallery_designs,
    own_properties,
)
from model.errors import UsageError
from model.expr import INFINITE, Property
from model.program.design import Design, kebab, record
from model.program.program import Program
from model.verify.vacuity import applies_to, watches


@dataclass(frozen=True)
class Defaults:
    """What is asked of a design by default, and why the rest is not: property -> reason."""

    properties: tuple[Property, ...]
    not_asked: dict[str, str] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence for each question that is not asked."""
        return tuple(f"not asked: {name}: {reason}" for name, reason in self.not_asked.items())


def default_questions(design: type[Design]) -> Defaults:
    """The recorded question of a design of the gallery; `complete_copy` of a design that says when it has finished;
    else the two forms of safety, where they apply.

    Raises:
        UsageError: none of them can be asked; the message says what the first one lacks.
    """
    if recorded := decided_by(design):
        return Defaults((find_property(recorded, design),))
    program = record(design)
    beside = dict(_beside(program, design))
    reasons = {name: applies_to(program, find_property(name)) for name in (*DEFAULT_PROPERTIES, OWN_END)}
    if not reasons[OWN_END]:
        return Defaults((find_property(OWN_END),), beside)
    fitting = tuple(find_property(name) for name in DEFAULT_PROPERTIES if not reasons[name])
    if not fitting:
        raise UsageError(f"{reasons[DEFAULT_PROPERTIES[0]]} Ask for a property of your own with --property.")
    return Defaults(fitting, {name: reasons[name] for name in DEFAULT_PROPERTIES if reasons[name]} | beside)


def _beside(program: Program, design: type[Design]) -> Iterator[tuple[str, str]]:
    """The properties in the design's own file, which are asked by name only, each with a reason.

    Raises:
        UsageError: one of them is not well formed. Of several designs in a file, it may be about another.
    """
    alone = len(designs_beside(design)) == 1
    for property in own_properties(design):
        reason = f"it stands beside the design; --property {property.name} asks it"
        if property.kind in INFINITE:
            reason = f"it speaks of infinite runs; clearorder liveness --property {property.name} asks it"
        else:
            try:
                watches(program, property)
            except UsageError as wrong:
                if alone and wrong.place:
                    raise
                reason = wrong.message
        yield property.name, reason


def asked_of(design: type[Design], names: tuple[str, ...] = ()) -> list[Property]:
    """The named properties, or those that are asked by default.

    Raises:
        UsageError: there is no such property, or none can be asked.
    """
    return [find_property(name, design) for name in names] or list(default_questions(design).properties)


def decided_by(design: type[Design]) -> str:
    """The property by which a design of the gallery is recorded as safe or not; empty for any other design."""
    name = kebab(design.__name__)
    if name not in gallery_designs() or not design.__module__.startswith("model.designs."):
        return ""
    from model.designs.gallery import entries

    return next((e.decided_by for e in entries() if e.design == name), "")
