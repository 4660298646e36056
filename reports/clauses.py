"""Clauses of an invariant in words, and what the names in them mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from model.expr import Client, bare, is_register
from model.program.program import Program, Variable

CLAIM = re.compile(r"(?P<have>.+?) <= (?P<hold>.+?)(?P<rest>$|(?: while | unless |   \().*)")
NAME = re.compile(r"[A-Za-z_][\w.]*")
HOLDER = "the holder"


def plain(clause: str) -> str:
    """`c.want <= NONE unless …` as `c.want is empty unless …`; a clause that claims nothing of sets stays as it is."""
    found = CLAIM.fullmatch(clause)
    if found is None:
        return clause
    return _claim(found["have"].split(" & "), found["hold"].split(" | ")) + found["rest"]


def _claim(have: Sequence[str], hold: Sequence[str]) -> str:
    """That every page in all of the one is in some of the other."""
    within = "" if hold == ["NONE"] else f"is in {_listed(hold, 'or')}"
    both = "both " if len(have) == 2 else ""
    if have == ["ALL"]:
        return f"every page {within}" if within else "never"
    if len(have) == 1:
        return f"every page of {have[0]} {within}" if within else f"{have[0]} is empty"
    together = f"in {both}{_listed(have, 'and')}"
    return f"every page {together} {within}" if within else f"no page is {together}"


def _listed(names: Sequence[str], last: str) -> str:
    """`a, b or c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def glossary(program: Program, clauses: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(word, meaning) of every name that stands in the clauses: who, parts, registers, locks, flags of the property."""
    said = " ".join(clauses)
    words = set(NAME.findall(said))
    if HOLDER in said:
        yield HOLDER, "the thread that holds a lock"
    if any(word == "c" or word.startswith("c.") for word in words):
        others = ", other than the holder" if HOLDER in said else ""
        yield "c", f"any client{others}" if Client in program.sorts.values() else f"any thread{others}"
    for lock in program.locks:
        if lock.name in words:
            yield f"{lock.name} (lock)", lock.doc
    for variable in program.variables:
        word = bare(variable.name)
        if word in words or (is_register(variable.name) and any(w.endswith(f".{word}") for w in words)):
            yield _entry(program, variable, word)
    for step in program.steps:
        if step.label in words and "." in step.label:
            yield f"at {step.label}", "has taken that step and not yet the next one of its operation"
            return


def _entry(program: Program, variable: Variable, word: str) -> tuple[str, str]:
    if variable.role == "ghost":
        return word, f"flag of the property: {variable.doc}" if variable.doc else "what the property remembers"
    if not is_register(variable.name):
        return word, variable.doc
    chosen = [s.operation for s in program.steps if any(p.name == word for p in s.params)]
    what = f"the pages that {chosen[0]} has chosen" if chosen else f"kept by the thread: {variable.doc}"
    return f"{word} of a thread", what
