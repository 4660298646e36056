"""The step as a property's observer sees it: its words are compared with words of the design only."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from model.errors import DesignError, did_you_mean, here
from model.expr import Client, Guest, Machine, Property, Slot, Vcpu
from model.program.program import Program
from model.program.source import underlying
from model.program.step import Step

BUILT_IN = ("properties.", "model.")  # properties that are asked of designs with other operations
SORTS = frozenset(s.name for s in (Client, Guest, Machine, Slot, Vcpu))


def shown_to(observe: Callable[..., object], property: Property, program: Program, step: Step) -> Any:
    """`step`, or where the observer is a user's the same with words that refuse to be compared with no word.

    A misspelt operation equals none, so the observer would watch nothing and the property hold.
    """
    found = underlying(observe)
    if found is None or found.__module__.startswith(BUILT_IN):
        return step
    return WatchedStep(step, Vocabulary.of(program, property))


@dataclass(frozen=True)
class Vocabulary:
    """The words that a design has, by what they name."""

    title: str
    words: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, program: Program, property: Property) -> Vocabulary:
        parts = (*program.parts, *program.variable, *property.parts)
        return cls(
            program.title,
            {
                "operation": (*program.operations, *property.operations),
                "step": tuple(s.name for s in program.steps),
                "step with its operation": tuple(s.label for s in program.steps),
                "kind of thread": (*program.sorts, *SORTS),
                "part": parts,
            },
        )

    def check(self, kind: str, word: object) -> None:
        """Refuse a word that the design does not have; the empty one is the name of an only step."""
        if not isinstance(word, str) or not word or word in self.words[kind]:
            return
        known = sorted(w for w in dict.fromkeys(self.words[kind]) if w and "." not in w.partition(".")[2])
        raise DesignError(
            f"it looks for the {kind} '{word}', which {self.title} does not have{did_you_mean(word, known)} It has "
            f"{', '.join(known)}.",
            here(),
        )


class Word(str):
    """A name of the design; compared with what is none it raises DesignError."""

    kind: str
    known: Vocabulary

    def __new__(cls, text: str, kind: str, known: Vocabulary) -> Word:
        made = super().__new__(cls, text)
        made.kind, made.known = kind, known
        return made

    def __eq__(self, other: object) -> bool:
        self.known.check(self.kind, other)
        return str.__eq__(self, other) is True

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


class Words(frozenset[str]):
    """Names of parts; asked for what is none it raises DesignError."""

    known: Vocabulary

    def __new__(cls, names: Collection[str], known: Vocabulary) -> Words:
        made = super().__new__(cls, names)
        made.known = known
        return made

    def __contains__(self, word: object) -> bool:
        self.known.check("part", word)
        return super().__contains__(word)


class WatchedStep:
    """A step whose words are a `Word`, and whose sets of parts are `Words`."""

    def __init__(self, step: Step, known: Vocabulary) -> None:
        self._step, self._known = step, known

    def __getattr__(self, name: str) -> Any:
        kinds = {"operation": "operation", "name": "step", "label": "step with its operation", "by": "kind of thread"}
        value = getattr(self._step, name)
        if name in kinds:
            return Word(value, kinds[name], self._known)
        return Words(value, self._known) if name in ("reads", "writes") else value
