"""A proof in cvc5's calculus (CPC), read: what it assumes, and whether it ends in a contradiction.

Whether each step follows from those before it is for Ethos to say. Here is looked at what Ethos is not told, or what
can be told without it: that the proof has no word of its own for anything the question speaks of, that it assumes what
the question asserts and nothing else, and that its last step, outside of any supposition, is `false`.

Source: cvc5.github.io/docs/latest/proofs/output_cpc.html; the user manual of Ethos, "Full syntax".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from model.errors import UsageError
from model.parametric.smtlib import parse, show

SHORTHAND = re.compile(r"@t\d+")  # what cvc5 calls a term that it says more than once
Term = int


@dataclass
class Terms:
    """Each term by one number, so that equal ones are found without being written out."""

    known: dict[object, Term] = field(default_factory=dict)

    def number(self, what: object) -> Term:
        return self.known.setdefault(what, len(self.known))

    def term(self, e: Any, words: Mapping[str, Term]) -> Term:
        """An expression in which some words stand for terms, as a proof says it or a question does."""
        match e:
            case str():
                return words[e] if e in words else self.number(e.strip("|"))
            case ["forall" | "exists" as op, [[str(name), sort]], inside]:
                bound = self.term(["@var", f'"{name}"', sort], {})
                listed = self.number((self.number("@list"), bound))
                return self.number((self.number(op), listed, self.term(inside, {**words, name: bound})))
        return self.number(tuple(self.term(part, words) for part in e))


def wrong(proof: str, question: str) -> Iterator[str]:
    """What tells, without looking at a single step, that the text is no proof that the question is unsatisfiable.

    Args:
        proof: as cvc5 prints it where it refers to the question instead of declaring its words again.
        question: the SMT-LIB 2 script that it refers to: declarations and assertions.
    """
    try:
        yield from _Reader(commands(proof)).wrong(question)
    except (UsageError, ValueError, TypeError, RecursionError) as problem:
        yield f"it cannot be read ({problem or type(problem).__name__})"


def commands(proof: str) -> list[Any]:
    """The commands of a proof; UsageError where it is none."""
    match parse(proof):
        case [[*found]] if found and all(isinstance(c, list) and c for c in found):
            return found
    raise UsageError("it is no list of commands")


class _Reader:
    def __init__(self, told: list[Any]) -> None:
        self.told, self.terms = told, Terms()
        self.short: dict[str, Term] = {}
        self.assumed: set[Term] = set()
        self.named: set[str] = set()
        self.depth = 0  # suppositions that are made and not yet ended
        self.end: Term | None = None  # what the last command has shown

    def wrong(self, question: str) -> Iterator[str]:
        for command in self.told:
            self.end = None
            yield from self.command(command)
        asserted = {self.terms.term(c[1], {}) for c in parse(question) if c[0] == "assert"}
        if more := len(self.assumed - asserted):
            yield f"it assumes {more} that the condition does not assert"
        if fewer := len(asserted - self.assumed):
            yield f"it leaves out {fewer} that the condition asserts"
        if self.end != self.terms.number("false") or self.depth:
            yield "its last step is not false"

    def command(self, command: list[Any]) -> Iterator[str]:
        match command:
            case ["define", str(name), [], said] if SHORTHAND.fullmatch(name) and name not in self.short:
                self.short[name] = self.terms.term(said, self.short)
            case ["assume", str(name), said] if not self.depth:
                self.assumed.add(self.terms.term(said, self.short))
                self.named.add(name)
            case ["assume-push", str(name), _]:
                self.depth += 1
                self.named.add(name)
            case ["step" | "step-pop", str(), *rest] if attributes(rest) is not None:
                yield from self.step(command)
            case _:
                yield f"it says what no proof of a condition says: {show(command)[:60]}"

    def step(self, command: list[Any]) -> Iterator[str]:
        word, name, *rest = command
        said, given = attributes(rest) or ([], {})
        if word == "step-pop":
            self.depth -= 1
        if self.depth < 0:
            yield f"{name} ends a supposition that was never made"
        if str(given[":rule"]).startswith("trust"):
            yield f"{name} is justified by nothing: cvc5 only says so (rule {given[':rule']})"
        if missing := [p for p in given.get(":premises", ()) if p not in self.named]:
            yield f"{name} rests on {show(missing[0])}, which is not shown before it"
        self.named.add(name)
        if word == "step" and said:
            self.end = self.terms.term(said[0], self.short)


def attributes(rest: list[Any]) -> tuple[list[Any], dict[str, Any]] | None:
    """What a step says that it shows, if it says so, and its rule, premises and arguments; None where it is no step."""
    said, named = rest[: len(rest) % 2], rest[len(rest) % 2 :]
    keys = named[::2]
    if not {":rule"} <= {k for k in keys if isinstance(k, str)} <= {":rule", ":premises", ":args"}:
        return None
    found = dict(zip(keys, named[1::2], strict=True))
    lists = all(isinstance(found.get(k, []), list) for k in (":premises", ":args"))
    return (said, found) if lists and len(found) == len(keys) and isinstance(found[":rule"], str) else None
