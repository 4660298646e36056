"""Formulas as SMT-LIB 2 text, for certificates, and the way back: what a text says, to compare with what was meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from model.errors import UsageError
from model.parametric import logic
from model.parametric.logic import FALSE, TRUE, Formula, Term, atom, conj, disj, equal, neg

KEPT = "".join(c for c in map(chr, range(32, 127)) if c not in "%|\\")  # what stands in a symbol as it is
SIMPLE = re.compile(r"[A-Za-z0-9~!@$^&*_+=<>.?/%-]+")
SORT, RELATION, TERM = "sort.", "s.", "e."  # one space a kind, and none of them has a word of SMT-LIB's own


def symbol(kind: str, name: str) -> str:
    """A name of a kind as an SMT-LIB symbol: the one way by which a name reaches a query."""
    word = kind + quote(name, safe=KEPT)
    return word if SIMPLE.fullmatch(word) else f"|{word}|"


def comment(text: str) -> str:
    """A line that says nothing to a solver."""
    return "; " + "".join(c if c.isprintable() else quote(c) for c in text)


def text(f: Formula, names: Mapping[Term, str] | None = None) -> str:
    """The formula as a term of SMT-LIB 2; bound variables are named after their sort, in order of depth."""
    names = names or {}

    def term(t: Term) -> str:
        return names.get(t) or symbol(TERM, t.name)

    if f is TRUE or f is FALSE:
        return "true" if f is TRUE else "false"
    if f.op == "atom":
        relation, *terms = f.args
        word = symbol(RELATION, relation)
        return f"({word} {' '.join(map(term, terms))})" if terms else word
    if f.op in ("forall", "exists"):
        bound, inside = f.args
        name = f"?{_letter(bound.sort)}{len(names)}"
        return f"({f.op} (({name} {symbol(SORT, bound.sort)})) {text(inside, {**names, bound: name})})"
    if f.op == "equal":
        return f"(= {' '.join(sorted(map(term, f.args)))})"  # not in the order of names that differ from run to run
    parts = [text(a, names) for a in f.args]
    return f"({f.op} {' '.join(parts)})"


def _letter(sort: str) -> str:
    return sort[0].lower() if re.match("[A-Za-z]", sort) else "x"


def declarations(sorts: Iterable[str], relations: Mapping[str, tuple[str, ...]], terms: Iterable[Term]) -> list[str]:
    """What has to stand before any assertion."""

    def sorted_as(names: Iterable[str]) -> str:
        return " ".join(symbol(SORT, s) for s in names)

    found = [f"(declare-sort {symbol(SORT, s)} 0)" for s in sorts]
    found += [f"(declare-fun {symbol(RELATION, r)} ({sorted_as(args)}) Bool)" for r, args in relations.items()]
    return found + [f"(declare-const {symbol(TERM, t.name)} {symbol(SORT, t.sort)})" for t in terms]


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


class Script(NamedTuple):
    """What a script says to a solver: what it declares and what it asserts, in order."""

    sorts: tuple[str, ...]
    relations: Mapping[str, tuple[str, ...]]
    terms: tuple[Term, ...]
    asserted: tuple[Formula, ...]


def read(text: str) -> Script:
    """A script of `declarations`, assertions and questions, read back.

    Raises:
        UsageError: it has a command of another kind, or one that cannot be read.
    """
    sorts: list[str] = []
    relations: dict[str, tuple[str, ...]] = {}
    terms: list[Term] = []
    asserted: list[Formula] = []
    try:
        for command in parse(text):
            match command:
                case ["declare-sort", name, "0"]:
                    sorts.append(_name(SORT, name))
                case ["declare-fun", name, own, "Bool"]:
                    relations[_name(RELATION, name)] = tuple(_name(SORT, s) for s in own)
                case ["declare-const", name, sort]:
                    terms.append(Term(_name(TERM, name), _name(SORT, sort)))
                case ["assert", said]:
                    asserted.append(_formula(said, relations, {t.name: t for t in terms}))
                case ["set-logic" | "set-info" | "push" | "pop" | "check-sat", *_]:
                    pass
                case _:
                    raise ValueError(command)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UsageError(f"no condition of a proof: {show(command)[:80]}") from None
    return Script(tuple(sorts), relations, tuple(terms), tuple(asserted))


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
            bound = logic.variable(_name(SORT, sort))
            return logic.bind(op, bound, _formula(inside, relations, {**terms, name: bound}))
        case ["not", inside]:
            return neg(_formula(inside, relations, terms))
        case ["and" | "or" as op, *parts]:
            return (conj if op == "and" else disj)(*(_formula(p, relations, terms) for p in parts))
        case ["=", left, right]:
            return equal(_term(left, terms), _term(right, terms))
        case [relation, *arguments]:
            return _atom(relation, arguments, relations, terms)
    raise ValueError(e)


def _atom(
    relation: str, arguments: Any, relations: Mapping[str, tuple[str, ...]], terms: Mapping[str, Term]
) -> Formula:
    name, given = _name(RELATION, relation), tuple(_term(a, terms) for a in arguments)
    if relations[name] != tuple(t.sort for t in given):
        raise ValueError(relation)
    return atom(name, *given)


def _term(word: str, terms: Mapping[str, Term]) -> Term:
    """A bound variable by its word, a constant by its name."""
    return terms[word if word.startswith("?") else _name(TERM, word)]


def _name(kind: str, word: str) -> str:
    """The name that a symbol of this kind stands for."""
    inside = word.strip("|")
    if not inside.startswith(kind):
        raise ValueError(word)
    return unquote(inside.removeprefix(kind), errors="strict")
