"""A clause of an invariant in the words of the design."""

from __future__ import annotations

from collections.abc import Mapping

from model.expr import is_register
from model.parametric.clauses import Atom, Clause
from model.parametric.logic import PAGE, Term
from model.parametric.reading import Reading

LETTERS = {PAGE: "pqr"}


def sentence(reading: Reading, clause: Clause) -> str:
    """`cache <= user[c] | mine[c] unless some client is at sync.reported`, of every client `c`."""
    names = _names(reading, clause)
    pages = [v for v in clause.variables if v.sort == PAGE]
    about = [(a, w) for a, w in clause.ordered if pages and pages[0] in a.terms]
    rest = [(a, w) for a, w in clause.ordered if (a, w) not in about]
    if len(pages) == 1:
        claim = _inclusion([_word(reading, a, names) for a, w in about if not w], about, reading, names)
    else:
        rest, claim = clause.ordered, ""
    when = [_word(reading, a, names) for a, w in rest if not w]
    unless = [_word(reading, a, names) for a, w in rest if w]
    if not claim and unless:
        claim, unless = " or ".join(unless), []
    elif not claim:
        claim, when = f"never {' and '.join(when)}", []
    text = (
        claim + (f" while {' and '.join(when)}" if when else "") + (f" unless {' or '.join(unless)}" if unless else "")
    )
    return text + _different(clause, names)


def _inclusion(have: list[str], about: list[tuple[Atom, bool]], reading: Reading, names: Mapping[Term, str]) -> str:
    hold = [_word(reading, a, names) for a, w in about if w]
    return f"{' & '.join(have) or 'ALL'} <= {' | '.join(hold) or 'NONE'}"


def _names(reading: Reading, clause: Clause) -> dict[Term, str]:
    found: dict[Term, str] = {t: _call(reading, t) for terms in reading.constants.values() for t in terms}
    taken: set[str] = set()
    for v in clause.variables:
        letters = LETTERS.get(v.sort) or _from(v.sort[0].lower())
        found[v] = next(x for x in [*letters, f"{v.sort.lower()}_{len(taken)}"] if x not in taken)
        taken.add(found[v])
    return found


def _from(letter: str) -> str:
    start = ord(letter)
    return "".join(chr(n) for n in range(start, ord("o") if start < ord("o") else ord("z") + 1))


def _call(reading: Reading, term: Term) -> str:
    number = int(term.name.rpartition("[")[2][:-1])
    return reading.program.sorts[term.sort].call(number)


def _word(reading: Reading, a: Atom, names: Mapping[Term, str]) -> str:
    terms = [names[t] for t in a.terms if t.sort != PAGE]
    pages = [names[t] for t in a.terms if t.sort == PAGE]
    if a.some and a.some.sort == PAGE:
        plain = _word(reading, Atom(a.relation, a.terms), names)
        return f"something is in {plain}"
    if a.some:
        who = f"some {a.some.sort.lower()}"
        return f"{who} is in {a.relation} {terms[0]}" if a.some.first else f"{who} {_place(a.relation)}"
    if not a.relation:
        return f"{terms[0]} == {terms[1]}"
    variable = reading.program.variable.get(a.relation)
    if variable is None and len(terms) == 1:
        return f"{terms[0]} {_place(a.relation)}"
    if variable is None:
        return f"{a.relation} ({', '.join(terms)})"
    own = is_register(a.relation)
    word = f"{terms[0]}.{a.relation[3:]}" if own else f"{a.relation}[{terms[0]}]" if terms else a.relation
    return f"{pages[0]} in {word}" if pages and len({t for t in names if t.sort == PAGE}) > 1 else word


def _place(relation: str) -> str:
    """`Client at sync.reported` as `is at sync.reported`."""
    where = relation.partition(" ")[2]
    return where if where.startswith("is") else f"is {where}"


def _different(clause: Clause, names: Mapping[Term, str]) -> str:
    found = []
    for sort in dict.fromkeys(v.sort for v in clause.variables):
        same = [names[v] for v in clause.variables if v.sort == sort]
        if len(same) > 1:
            found.append(f"{' and '.join(same)} different")
    return f"   ({', '.join(found)})" if found else ""
