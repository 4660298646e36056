"""Formulas as SMT-LIB 2 text, and the one place where z3 is asked about that text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from model.errors import UsageError
from model.parametric import logic
from model.parametric.logic import FALSE, TRUE, Formula, Term, atom, conj, disj, equal, neg


def symbol(name: str) -> str:
    """A name as an SMT-LIB symbol; raises ValueError for what bars cannot quote."""
    if "|" in name or "\\" in name:
        raise ValueError(f"{name!r} cannot be an SMT-LIB symbol")
    return name if name.isidentifier() and name.isascii() else f"|{name}|"


def text(f: Formula, names: Mapping[Term, str] | None = None) -> str:
    """The formula as a term of SMT-LIB 2; bound variables are named after their sort, in order of depth."""
    names = names or {}

    def term(t: Term) -> str:
        return names.get(t) or symbol(t.name)

    if f is TRUE or f is FALSE:
        return "true" if f is TRUE else "false"
    if f.op == "atom":
        relation, *terms = f.args
        return f"({symbol(relation)} {' '.join(map(term, terms))})" if terms else symbol(relation)
    if f.op in ("forall", "exists"):
        bound, inside = f.args
        name = f"?{bound.sort[0].lower()}{len(names)}"
        return f"({f.op} (({name} {symbol(bound.sort)})) {text(inside, {**names, bound: name})})"
    if f.op == "equal":
        return f"(= {' '.join(sorted(map(term, f.args)))})"  # not in the order of names that differ from run to run
    parts = [text(a, names) for a in f.args]
    return f"({f.op} {' '.join(parts)})"


def declarations(sorts: Iterable[str], relations: Mapping[str, tuple[str, ...]], terms: Iterable[Term]) -> list[str]:
    """What has to stand before any assertion."""
    found = [f"(declare-sort {symbol(s)} 0)" for s in sorts]
    found += [f"(declare-fun {symbol(r)} ({' '.join(map(symbol, args))}) Bool)" for r, args in relations.items()]
    return found + [f"(declare-const {symbol(t.name)} {symbol(t.sort)})" for t in terms]


def ask_z3(script: Iterable[str], seconds: float) -> str:
    """ "sat", "unsat", or "unknown: ..." for the assertions of a script."""
    import z3

    context = z3.Context()
    solver = z3.Solver(ctx=context)
    solver.set("timeout", max(1, int(seconds * 1000)))
    solver.from_string("\n".join(script))
    answer = str(solver.check())
    return answer if answer != "unknown" else f"unknown: {solver.reason_unknown()}"


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
