"""Reading SMT-LIB 2 back: commands, and formulas over the vocabulary of a reading."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from model.errors import UsageError
from model.parametric import logic
from model.parametric.logic import Formula, Term, atom, conj, disj, equal, neg

TOKEN = re.compile(r"\s+|;[^\n]*|(\|[^|]*\||\"[^\"]*\"|[()]|[^\s()|\";]+)")


def parse(text: str) -> list[Any]:
    """The S-expressions of a text as nested lists; raises UsageError where brackets do not match."""
    stack: list[list[Any]] = [[]]
    position = 0
    while position < len(text):
        found = TOKEN.match(text, position)
        if found is None:
            raise UsageError(f"not SMT-LIB 2 at character {position}: {text[position : position + 20]!r}")
        position, token = found.end(), found.group(1)
        if token == "(":
            stack.append([])
        elif token == ")":
            if len(stack) < 2:
                raise UsageError("not SMT-LIB 2: a bracket is closed that was never opened")
            done = stack.pop()
            stack[-1].append(done)
        elif token:
            stack[-1].append(token)
    if len(stack) > 1:
        raise UsageError("not SMT-LIB 2: a bracket is never closed")
    return stack[0]


def show(expression: Any) -> str:
    """The text of an S-expression."""
    return expression if isinstance(expression, str) else f"({' '.join(map(show, expression))})"


def queries(text: str) -> Iterator[tuple[str, str]]:
    """For each `check-sat` of a script: the answer that it states to expect, and the script that asks only that."""
    levels: list[list[str]] = [[]]
    expected = ""
    for command in parse(text):
        match command:
            case ["push", *_]:
                levels.append([])
            case ["pop", *_] if len(levels) > 1:
                levels.pop()
            case ["set-info", ":status", status]:
                expected = status
            case ["check-sat"]:
                yield expected, "\n".join(line for level in levels for line in level)
                expected = ""
            case ["set-info" | "set-option", *_]:
                pass
            case _:
                levels[-1].append(show(command))


def formula(text: str, relations: Mapping[str, tuple[str, ...]], constants: Mapping[str, Term]) -> Formula:
    """A formula over these relations and constants.

    Raises:
        UsageError: it is not one.
    """
    try:
        (expression,) = parse(text)
        return _formula(expression, relations, constants)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UsageError(f"not a formula over this design's state: {text}") from None


def _formula(e: Any, relations: Mapping[str, tuple[str, ...]], terms: Mapping[str, Term]) -> Formula:
    match e:
        case "true" | "false":
            return logic.TRUE if e == "true" else logic.FALSE
        case str():
            return _atom(e, (), relations, terms)
        case [("forall" | "exists") as op, [[name, sort]], inside]:
            bound = logic.variable(_name(sort))
            return logic.bind(op, bound, _formula(inside, relations, {**terms, _name(name): bound}))
        case ["not", inside]:
            return neg(_formula(inside, relations, terms))
        case ["and" | "or" as op, *parts]:
            return (conj if op == "and" else disj)(*(_formula(p, relations, terms) for p in parts))
        case ["=", left, right]:
            return equal(terms[_name(left)], terms[_name(right)])
        case [relation, *arguments]:
            return _atom(relation, arguments, relations, terms)
    raise ValueError(e)


def _atom(
    relation: str, arguments: Any, relations: Mapping[str, tuple[str, ...]], terms: Mapping[str, Term]
) -> Formula:
    given = tuple(terms[_name(a)] for a in arguments)
    if relations[_name(relation)] != tuple(t.sort for t in given):
        raise ValueError(relation)
    return atom(_name(relation), *given)


def _name(symbol: str) -> str:
    return symbol.strip("|")
