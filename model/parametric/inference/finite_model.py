"""The parametric reading written out at small sizes, for a solver that knows only truth values.

The search asks here, because answers come fast and with a state to look at; what it finds is proved elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations, product
from typing import Any

import numpy as np
import z3

from model.parametric.clauses import Clause, World
from model.parametric.logic import Formula, Term, tuples
from model.parametric.reading import Reading, Transition
from model.parametric.samples import numbers

Numbers = tuple[int, ...]


@dataclass
class Move:
    """A step whose thread, elements and single pages are chosen; its sets of pages are not."""

    transition: Transition
    terms: Mapping[Term, int]
    flag: Any
    after: dict[tuple[str, Numbers], Any]


class Ground:
    """All states of one size at once: a truth value for each relation and elements; one solver for every question."""

    def __init__(self, reading: Reading, sizes: Mapping[str, int]) -> None:
        self.reading, self.sizes, self.constants = reading, dict(sizes), numbers(reading)
        self.context = z3.Context()
        self.solver = z3.Solver(ctx=self.context)
        self.state = {
            (r, ns): z3.Bool(f"{r}{list(ns)}", self.context)
            for r, sorts in reading.relations.items()
            for ns in tuples(self.sizes, sorts)
        }
        for name, some in reading.summaries.items():
            for ns in tuples(self.sizes, some.others):
                there = [self.state[some.relation, some.arguments(ns, n)] for n in range(self.sizes[some.sort])]
                self.state[name, ns] = z3.Bool(f"{name}{list(ns)}", self.context)
                self.solver.add(self.state[name, ns] == z3.Or(*there))
        self.summary = {some: name for name, some in reading.summaries.items()}
        self.flags: dict[Any, Any] = {}
        self.clause_of: dict[int, Clause] = {}  # by the number of the flag under which it holds
        self.opposite: dict[int, Any] = {}  # by the number of a term, its negation
        for formula in reading.one_place.values():
            self.solver.add(self.value(formula, self.constants, {}))

    # -- formulas

    def value(self, f: Formula, env: Mapping[Term, int], chosen: Mapping[str, Any]) -> Any:
        """The formula with quantifiers written out, over the state's truth values."""
        c = self.context
        match f.op:
            case "atom":
                ns = tuple(env[t] for t in f.args[1:])
                return self.state[f.args[0], ns] if (f.args[0], ns) in self.state else chosen[f.args[0]][ns]
            case "equal":
                return z3.BoolVal(env[f.args[0]] == env[f.args[1]], c)
            case "not":
                return _not(self.value(f.args[0], env, chosen))
            case "and" | "or":
                return _join(f.op == "and", [self.value(a, env, chosen) for a in f.args], c)
        bound, inside = f.args
        parts = [self.value(inside, {**env, bound: n}, chosen) for n in range(self.sizes[bound.sort])]
        return _join(f.op == "forall", parts, c)

    def instances(self, clause: Clause) -> Iterable[list[tuple[str, Numbers, bool]]]:
        """The clause for each choice of different elements: literals (relation, numbers, wanted)."""
        sorts = sorted({v.sort for v in clause.variables})
        groups = [[v for v in clause.variables if v.sort == s] for s in sorts]
        for picked in product(
            *(permutations(range(self.sizes[s]), len(g)) for s, g in zip(sorts, groups, strict=True))
        ):
            env = dict(self.constants)
            for group, ns in zip(groups, picked, strict=True):
                env |= dict(zip(group, ns, strict=True))
            literals, true = [], False
            for a, wanted in clause.literals:
                ns = tuple(env[t] for t in a.terms)
                if a.some:
                    literals.append((self.summary[a.some], ns, wanted))
                elif not a.relation:
                    true |= (ns[0] == ns[1]) == wanted
                else:
                    literals.append((a.relation, ns, wanted))
            if not true:
                yield literals

    def holds(self, clause: Clause) -> Any:
        """A flag under which the clause holds in the state."""
        if clause not in self.flags:
            self.flags[clause] = flag = z3.Bool(f"clause{len(self.flags)}", self.context)
            self.clause_of[flag.get_id()] = clause
            for literals in self.instances(clause):
                parts = [self._literal(self.state[r, ns], wanted) for r, ns, wanted in literals]
                self._only_where(flag, *parts)
        return self.flags[clause]

    def _literal(self, value: Any, wanted: bool) -> Any:
        if wanted:
            return value
        number = value.get_id()
        if number not in self.opposite:
            self.opposite[number] = _not(value), value  # the term is kept, so that no other gets its number
        return self.opposite[number][0]

    # -- steps

    @cached_property
    def moves(self) -> list[Move]:
        """Every step, with its thread, elements and single pages chosen; the first thread stands for all alike."""
        return [move for t in self.reading.transitions for move in self._moves(t)]

    def _moves(self, transition: Transition) -> Iterable[Move]:
        me, *others = transition.terms
        alike = not self.reading.constants.get(me.sort)
        threads = [0] if alike else list(range(self.sizes[me.sort]))
        for ns in product(threads, *(range(self.sizes[t.sort]) for t in others)):
            terms = {**self.constants, **dict(zip(transition.terms, ns, strict=True))}
            flag = z3.Bool(f"move{transition.label}{ns}", self.context)
            move = Move(transition, terms, flag, {})
            self._only_where(flag, self.value(transition.guard, terms, self.chosen(transition)))
            yield move

    def chosen(self, transition: Transition) -> dict[str, dict[Numbers, Any]]:
        """What the step chooses: a truth value for each of its own relations and pages."""
        return {
            r: {ns: z3.Bool(f"{r}{list(ns)}", self.context) for ns in tuples(self.sizes, sorts)}
            for r, sorts in transition.chosen.items()
        }

    def after(self, move: Move, relation: str, ns: Numbers) -> Any:
        """The relation's value after the move, over the state before it."""
        if (relation, ns) not in move.after and relation in self.reading.summaries:
            some = self.reading.summaries[relation]
            there = [some.arguments(ns, n) for n in range(self.sizes[some.sort])]
            parts = [self.after(move, some.relation, t) for t in there]
            changed = any(p is not self.state[some.relation, t] for p, t in zip(parts, there, strict=True))
            move.after[relation, ns] = _join(False, parts, self.context) if changed else self.state[relation, ns]
        if (relation, ns) not in move.after:
            names = tuple(Term(f"!{i}", s) for i, s in enumerate(self.reading.relations[relation]))
            env = {**move.terms, **dict(zip(names, ns, strict=True))}
            new = self.value(move.transition.after(relation, names), env, self.chosen(move.transition))
            move.after[relation, ns] = new
        return move.after[relation, ns]

    def broken(self, move: Move, clause: Clause) -> Any:
        """A flag under which the clause fails after the move, or None where the move cannot matter to it."""
        key = (id(move), clause)
        if key not in self.flags:
            cases = []
            for literals in self.instances(clause):
                if all(self.after(move, r, ns) is self.state[r, ns] for r, ns, _ in literals):
                    continue
                opposite = [self._literal(self.after(move, r, ns), not w) for r, ns, w in literals]
                cases.append(_term(z3.Z3_mk_and, opposite, self.context))
            self.flags[key] = None
            if cases:
                self.flags[key] = flag = z3.Bool(f"broken{len(self.flags)}", self.context)
                self._only_where(flag, _join(False, cases, self.context))
        return self.flags[key]

    def flag(self, name: str, formula: Formula) -> Any:
        """A flag under which the formula holds in the state."""
        if name not in self.flags:
            self.flags[name] = flag = z3.Bool(name, self.context)
            self._only_where(flag, self.value(formula, self.constants, {}))
        return self.flags[name]

    def _only_where(self, flag: Any, *cases: Any) -> None:
        """The flag is set only in states where one of the cases holds."""
        self.solver.add(_term(z3.Z3_mk_or, [_not(flag), *cases], self.context))

    # -- answers

    def check(self, *flags: Any) -> Any:
        """Whether there is a state in which all of these flags hold."""
        found = z3.Z3_solver_check_assumptions(self.context.ref(), self.solver.solver, len(flags), _pointers(flags))
        return z3.CheckSatResult(found)

    def world(self, move: Move | None = None) -> World:
        """The state that the solver has just found, or the one after the move, with one axis of states in front."""
        model = self.solver.model()
        found = {}
        for relation, sorts in self.reading.relations.items():
            shape = tuple(self.sizes[s] for s in sorts)
            bits = np.zeros((1, *shape), bool)
            for ns in tuples(self.sizes, sorts):
                term = self.after(move, relation, ns) if move else self.state[relation, ns]
                bits[(0, *ns)] = z3.is_true(model.eval(term, model_completion=True))
            found[relation] = bits
        return found


# ---------------------------------------------------------------- terms

# z3's own Not, And, Or and Solver.check compare the sort of every argument; here all are truth values of one context


def _not(e: Any) -> Any:
    if z3.is_true(e) or z3.is_false(e):
        return z3.BoolVal(z3.is_false(e), e.ctx)
    return e.arg(0) if z3.is_not(e) else z3.BoolRef(z3.Z3_mk_not(e.ctx.ref(), e.ast), e.ctx)


def _join(every: bool, parts: list[Any], context: Any) -> Any:
    kept = [p for p in parts if not (z3.is_true(p) if every else z3.is_false(p))]
    if any((z3.is_false(p) if every else z3.is_true(p)) for p in kept):
        return z3.BoolVal(not every, context)
    if len(kept) == 1:
        return kept[0]
    if not kept:
        return z3.BoolVal(every, context)
    return _term(z3.Z3_mk_and if every else z3.Z3_mk_or, kept, context)


def _term(make: Callable[..., Any], parts: list[Any], context: Any) -> Any:
    return z3.BoolRef(make(context.ref(), len(parts), _pointers(parts)), context)


def _pointers(terms: Sequence[Any]) -> Any:
    return (z3.Ast * len(terms))(*(t.ast for t in terms))
