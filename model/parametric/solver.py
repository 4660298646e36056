"""The one place where z3 is asked about formulas for any number of everything: built as terms, never as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import z3

from model.parametric.logic import Formula, Term


def fresh_context() -> z3.Context:
    """What one after another may be asked in."""
    return z3.Context()


class Question:
    """Formulas that are to hold together, over uninterpreted sorts; each answer is given by a solver of its own.

    Args:
        sorts, relations, terms: everything that the formulas speak of; names may be any text, and one of a sort is
            never one of a relation.
        context: of z3, where many questions share one, which takes longer to make than most of them to answer.
    """

    def __init__(
        self,
        sorts: Iterable[str],
        relations: Mapping[str, tuple[str, ...]],
        terms: Iterable[Term],
        context: z3.Context | None = None,
    ) -> None:
        self.context = context or z3.Context()
        self.sorts = {s: z3.DeclareSort(s, self.context) for s in sorts}
        truth = z3.BoolSort(self.context)
        self.relations = {r: z3.Function(r, *(self.sorts[s] for s in own), truth) for r, own in relations.items()}
        self.terms = {t: z3.Const(t.name, self.sorts[t.sort]) for t in terms}
        self.known: dict[int, Any] = {}
        self.premises: list[Any] = []
        self.kept: list[Formula] = []  # formulas are known by their identity, so they have to live

    def suppose(self, formula: Formula) -> None:
        """Let the formula hold in every answer from now on."""
        self.premises.append(self.value(formula))

    def ask(self, seconds: float, *more: Formula) -> str:
        """ "sat", "unsat" or "unknown: ...": whether all that is supposed and these hold together."""
        solver = z3.Solver(ctx=self.context)
        solver.set("timeout", max(1, int(seconds * 1000)))
        solver.add(*self.premises, *(self.value(f) for f in more))
        answer = str(solver.check())
        return answer if answer != "unknown" else f"unknown: {solver.reason_unknown()}"

    def value(self, f: Formula) -> Any:
        """The formula as a term of z3."""
        if id(f) not in self.known:
            self.kept.append(f)
            self.known[id(f)] = TERMS[f.op](self, f)
        return self.known[id(f)]

    def term(self, t: Term) -> Any:
        """A constant, or a variable, whose name nothing else bears."""
        return self.terms[t] if t in self.terms else self._bound(t)

    def _bound(self, t: Term) -> Any:
        self.terms[t] = z3.Const(t.name, self.sorts[t.sort])
        return self.terms[t]

    def _quantified(self, f: Formula) -> Any:
        bound, inside = f.args
        make = z3.ForAll if f.op == "forall" else z3.Exists
        return make([self.term(bound)], self.value(inside))

    def _joined(self, f: Formula) -> Any:
        make = z3.And if f.op == "and" else z3.Or
        return make(*(self.value(a) for a in f.args)) if f.args else z3.BoolVal(f.op == "and", self.context)


TERMS = {
    "atom": lambda q, f: q.relations[f.args[0]](*map(q.term, f.args[1:])),
    "equal": lambda q, f: q.term(f.args[0]) == q.term(f.args[1]),
    "not": lambda q, f: z3.Not(q.value(f.args[0])),
    "and": Question._joined,
    "or": Question._joined,
    "forall": Question._quantified,
    "exists": Question._quantified,
}
