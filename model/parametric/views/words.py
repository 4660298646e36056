"""A proof by views in clauses that people read, in the words of the design."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from model.errors import CannotSay
from model.expr.registers import PREFIX, is_register
from model.instance.locations import at
from model.limits import Limits
from model.parametric.views.certificate import PROTOCOL, SECONDS, VIEWS, data_of
from model.parametric.views.clauses import few_clauses
from model.parametric.views.formulas import Clause, Words
from model.parametric.views.protocol import LOCK
from model.parametric.views.table import Conjunct, Safe


def explained(found: Safe) -> Safe:
    """The proof with its clauses in words, if there are few enough."""
    data = data_of(found)
    try:
        clauses = few_clauses(data[PROTOCOL], data[VIEWS], Limits(seconds=SECONDS))
    except CannotSay:
        return found
    words = Words.of_views(data[PROTOCOL], data[VIEWS])
    sorts = [s for s, _ in found.table.locals]
    shapes = len({tuple(sorted(sorts[m] for m in holders)) for _, holders in found.table.shared})
    made = _Sentences(words, _calls(found, data[PROTOCOL]))
    return replace(found, conjuncts=tuple(_merged(made, clauses, shapes)))


def _calls(found: Safe, protocol: Mapping[str, Any]) -> Mapping[str, str]:
    """What fields of elements that the design names are called: `user[0]` is `user[MIGRATION]`."""
    calls = {}
    for name, number, _, kind in protocol["shared"]:
        variable = found.program.variable.get(name)
        sort = found.program.sorts.get(name.removeprefix(at("")))
        if number is not None and variable is not None and variable.per is not None:
            calls[f"{name}[{number}]"] = _named(name, variable.per.call(number))
        elif isinstance(kind, list) and sort is not None:
            calls[name if number is None else f"{name}[{number}]"] = sort.call(number or 0)
    return calls


def _merged(made: _Sentences, clauses: Mapping[Clause, Sequence[str]], shapes: int) -> Iterator[Conjunct]:
    """One conjunct for the same said of different holders of locks; who holds one is said where it is not all."""
    same: dict[tuple[Any, ...], list[Clause]] = {}
    for clause in clauses:
        same.setdefault((clause.literals, clause.about), []).append(clause)
    for group in same.values():
        needed = tuple(dict.fromkeys(step for c in group for step in clauses[c]))
        held = [] if len(group) == shapes else [_held(c.shape) for c in group]
        yield Conjunct(made.sentence(group[0], " or ".join(held)), needed)


def _held(shape: Sequence[str]) -> str:
    return " and ".join(f"a {s.lower()} holds a lock" for s in shape) if shape else "nobody holds a lock"


@dataclass
class _Said:
    """What the literals of a clause say: sets of pages that have the page or not, and conditions."""

    without: list[str]
    within: list[str]
    when: list[str]
    unless: list[str]


@dataclass(frozen=True)
class _Sentences:
    """Clauses in words; `calls` says what some fields of the shared part are called."""

    words: Words
    calls: Mapping[str, str]

    def sentence(self, clause: Clause, held: str) -> str:
        """`unread[c] <= kernel | user[c]`, while something is so, unless something else is."""
        said = _Said([], [], [held] if held else [], [])
        for where, values in clause.literals:
            people = {"S": (), "H": clause.shape, "O": clause.about}[where[0]]
            name, kind = self.words.of(people[where[1]] if people else None)[where[-1]]
            who = {"S": "", "H": "the holder", "O": "c"}[where[0]]
            who += f" {where[1] + 1}" if len(people) > 1 else ""
            self.literal(said, _named(name, who) if who else self.calls.get(name, name), kind, values, who)
        return _text(said)

    def literal(self, said: _Said, name: str, kind: Any, values: Sequence[int], who: str) -> None:
        """What one literal says."""
        if isinstance(kind, list):
            others = [v for v in self.words.values(kind) if v not in values]
            few, says = (others, said.when) if len(others) <= len(values) else (list(values), said.unless)
            says.append(" or ".join(f"{who or name} {kind[v]}" for v in few))
        elif kind == "pages" and self.words.pages == 1:
            (said.within if 1 in values else said.without).append(name)
        elif kind == "truth":
            shown = f"{name.removeprefix(LOCK)} is taken" if name.startswith(LOCK) else name
            (said.unless if 1 in values else said.when).append(shown)
        else:
            said.unless.append(f"{name} is {' or '.join(format(v, f'0{self.words.pages}b') for v in values)}")


def _named(name: str, who: str) -> str:
    return f"{who}.{name.removeprefix(PREFIX)}" if is_register(name) else f"{name}[{who}]"


def _text(said: _Said) -> str:
    when, unless = said.when, said.unless
    if said.without or said.within:
        claim = f"{' & '.join(sorted(said.without)) or 'ALL'} <= {' | '.join(sorted(said.within)) or 'NONE'}"
    elif unless:
        claim, unless = " or ".join(unless), []
    else:
        claim, when = f"never {' and '.join(when)}", []
    claim += f" while {' and '.join(when)}" if when else ""
    return claim + (f" unless {' or '.join(unless)}" if unless else "")
