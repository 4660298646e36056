"""Identifiers of a Cubicle model: capitals begin what has a value, small letters begin everything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from model.export.identifiers import field_word, place_word, spelled, unique
from model.export.reserved import CUBICLE
from model.instance.locations import at
from model.instance.state import Field
from model.parametric.views.protocol import Protocol
from model.parametric.views.rule import Rule


def capital(text: str) -> str:
    """A word of Cubicle that begins with a capital."""
    return spelled(text)[:1].upper() + spelled(text)[1:]


def small(text: str) -> str:
    """A word of Cubicle that begins with a small letter."""
    return spelled(text)[:1].lower() + spelled(text)[1:]


class Words:
    """Names for the parts of a protocol."""

    def __init__(self, made: Protocol) -> None:
        self.made, self.instance, self.sorts = made, made.instance, made.cast.sorts
        self.fields = [*made.layout.shared, *(f for s in self.sorts for f in made.layout.local[s])]

    @cached_property
    def large(self) -> dict[object, str]:
        """Words that begin with a capital: variables, arrays, places and kinds of threads, all in one space."""
        shared = self.made.layout.shared
        wanted: dict[object, str] = {("global", f.key): field_word(self.instance, f) for f in shared}
        wanted |= {("array", s, f.name): self._own_word(f) for s in self.sorts for f in self.made.layout.local[s]}
        wanted |= {("place", s, c): self._place_word(s, c) for s in self.placed for c in range(self.places(s))}
        wanted |= {("kind", s): f"a {s}" for s in self.sorts} | {"kind": "kind"}
        return unique({key: capital(word) for key, word in wanted.items()}, CUBICLE)

    @cached_property
    def types(self) -> dict[object, str]:
        """Names of types, by kind of thread; "kind" is that of the kinds.

        Cubicle calls what a variable of a type can be `type_Variable`, so no type may look like that.
        """
        wanted: dict[object, str] = {s: f"place{spelled(s).replace('_', '')}" for s in self.placed}
        wanted["kind"] = "kind"
        return unique({key: small(word) for key, word in wanted.items()}, CUBICLE)

    def transitions(self, rules: Sequence[Rule]) -> list[str]:
        """A name for each transition of these rules."""
        wanted: dict[object, str] = {n: small(self._who_does(rule)) for n, rule in enumerate(rules)}
        return list(unique(wanted, CUBICLE).values())

    def _who_does(self, rule: Rule) -> str:
        assert rule.actor is not None
        sort, number = rule.actor
        named = self.made.cast.is_named(sort, number)
        return f"{rule.label} by {self.instance.program.sorts[sort].call(number) if named else sort}"

    def _own_word(self, f: Field) -> str:
        return field_word(self.instance, replace(f, number=None))

    def _place_word(self, sort: str, code: int) -> str:
        return place_word(self.instance, sort, code) if code else f"idle {sort}"

    # -- what is to be named

    @cached_property
    def placed(self) -> list[str]:
        """Kinds of threads whose places are told apart."""
        return sorted({sort_of(f.name) for f in self.fields if f.role == "location"})

    def places(self, sort: str) -> int:
        return len(self.instance.codes[sort])

    def type_of(self, f: Field) -> str:
        return self.types[sort_of(f.name)] if f.role == "location" else "bool"

    def constant(self, f: Field, value: int) -> str:
        return self.large["place", sort_of(f.name), value] if f.role == "location" else str(bool(value))


def sort_of(location: str) -> str:
    """The kind of thread whose place a field of this name says."""
    return location.removeprefix(at(""))
