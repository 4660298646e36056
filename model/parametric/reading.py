"""A Program over uninterpreted sorts: its state as relations, its steps as formulas, for any number of everything.

The same meaning as `model.instance`, which reads a program at given sizes; a test compares the two on every move.
A state after a step is never named: what holds of it is said of the state before, by putting each relation's new
value in its place. So nothing has to be written down about what stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from model.errors import CannotSay, UsageError
from model.expr import PAGES, Expr, Index, indices, walk
from model.parametric import logic
from model.parametric.logic import PAGE, Formula, Term, atom, conj, disj, equal, exists, forall, iff, ite, neg
from model.parametric.predicates import predicates
from model.parametric.vocabulary import Summary, chosen_term, constant, keeps, parameter, place, thread
from model.program.program import Invariant, Location, Program
from model.program.step import Held, Step, Update

Env = Mapping[Index, Term]


@dataclass(frozen=True)
class Transition:
    """One step: possible where `guard` holds; afterwards `relation(terms)` is what `after(relation, terms)` was.

    Attributes:
        terms: the acting thread and the elements and pages that the step chooses.
        chosen: relations of the step's own, such as a set of pages that it chooses, with their sorts.
    """

    step: Step
    terms: tuple[Term, ...]
    chosen: Mapping[str, tuple[str, ...]]
    guard: Formula
    after: Callable[[str, tuple[Term, ...]], Formula]

    @property
    def label(self) -> str:
        return self.step.label

    def then(self, formula: Formula) -> Formula:
        """`formula` about the state after the step, as a formula about the state before it."""
        return logic.replace(formula, self.after)


class Reading:
    """`program` over uninterpreted sorts.

    Args:
        sizes: sorts that have exactly so many elements here, such as {"Client": 1}; sorts whose size belongs to them
            (the guest) are among them anyway. All others have any number from 1.
        invariants: what will be asked, for the elements that it names.

    Raises:
        CannotSay: something in the program has no exact meaning here.
        UsageError: a size is below 1; of nothing, everything is true.
    """

    def __init__(
        self, program: Program, sizes: Mapping[str, int] | None = None, invariants: Sequence[Invariant] = ()
    ) -> None:
        self.program, self.invariants = program, tuple(invariants)
        if PAGE in program.sorts:
            raise CannotSay(
                f"an index sort of {program.name} is called {PAGE}, which is what pages are here; rename it."
            )
        self.table = predicates()
        for sort, size in (sizes or {}).items():
            if size < 1:
                raise UsageError(f"a proof is about at least 1 {sort.lower()}, not {size}.")
        own = {s.name: s.size for s in program.sorts.values() if s.size}
        self.sizes: dict[str, int] = {**(sizes or {}), **own}

    def __reduce__(self) -> tuple[object, ...]:
        return Reading, (self.program, self.sizes, self.invariants)

    # -- the vocabulary

    @cached_property
    def relations(self) -> Mapping[str, tuple[str, ...]]:
        """Each relation of a state with the sorts of its arguments."""
        found: dict[str, tuple[str, ...]] = {}
        for v in self.program.variables:
            found[v.name] = ((v.per.name,) if v.per else ()) + ((PAGE,) if v.sort == PAGES else ())
        for sort, locations in self.program.threads.items():
            if len(locations) > 1:
                found |= {place(sort, where): (sort,) for where in locations}
            found |= {
                keeps(where, n): (sort, self.carried_sort(where, n)) for where in locations for n in where.carried
            }
        return found

    @cached_property
    def summaries(self) -> Mapping[str, Summary]:
        """Words of an invariant that are not relations of a state.

        "Some thread is at this place", where a thread holds a lock there (any place, where nobody ever does):
        `cache <= user[c] | mine[c]` holds unless some client is between `reported` and `merged`, whichever it is. And
        "this set is not empty", of sets that a guard compares with the empty one. And "some thread works on this slot".
        """
        found = {
            f"some {place(sort, where)}": Summary(place(sort, where), sort, ())
            for sort, locations in self.program.threads.items()
            if self.sizes.get(sort) != 1
            for where in locations[1:]
            if where.held or not any(w.held for w in locations)
        }
        for where, name, (sort, other) in (
            (w, n, self.relations[keeps(w, n)]) for ls in self.program.threads.values() for w in ls for n in w.carried
        ):
            found[f"some {keeps(where, name)}"] = Summary(keeps(where, name), sort, (other,), first=True)
        for name in sorted(self._tested):
            found[f"some {PAGE} in {name}"] = Summary(name, PAGE, self.relations[name][:-1])
        return found

    @property
    def _tested(self) -> set[str]:
        """Sets of pages that a guard compares with the empty set."""
        tests = [e for s in self.program.steps for g in s.guards for e in walk(g) if e.op in ("subset", "equal")]
        return {
            e.args[0]
            for test in tests
            if any(a.op == "none" for a in test.args)
            for e in walk(test)
            if e.op == "var" and e.sort == PAGES
        }

    @cached_property
    def sorts(self) -> tuple[str, ...]:
        """Every sort that a relation, a step or the property can speak of, pages last."""
        used = {s for sorts in self.relations.values() for s in sorts} | set(self.program.threads)
        used |= {p.sort for s in self.program.steps for p in s.params if p.sort}
        return (*sorted((used | {i.sort for i in self._named}) - {PAGE}), PAGE)

    @cached_property
    def constants(self) -> Mapping[str, tuple[Term, ...]]:
        """The named elements of each sort: those that the program names, or all of a sort of fixed size."""
        named: dict[str, set[int]] = {s: set(range(self.sizes.get(s, 0))) for s in self.sorts if s != PAGE}
        for i in self._named:
            if i.kind == "const":
                named[i.sort].add(i.number)
        for sort, size in self.sizes.items():
            if any(n >= size for n in named.get(sort, ())):
                raise CannotSay(
                    f"{self.program.name} names {sort.lower()} number {max(named[sort])}; there are {size}."
                )
        return {s: tuple(constant(s, n) for n in sorted(ns)) for s, ns in named.items()}

    @cached_property
    def axioms(self) -> Mapping[str, Formula]:
        """What holds in every state because of what the constants are, and of how many there are."""
        found = {}
        for sort, terms in self.constants.items():
            pairs = [(a, b) for i, a in enumerate(terms) for b in terms[:i]]
            if pairs:
                found[f"different {sort}"] = conj(*(neg(equal(a, b)) for a, b in pairs))
            if sort in self.sizes:
                every = forall(sort, lambda x, terms=terms: disj(*(equal(x, t) for t in terms)))  # type: ignore[misc]
                found[f"all {sort}"] = every
        return found

    @cached_property
    def _named(self) -> set[Index]:
        """Every index term of the program and of what is asked, but for truth parameters."""
        steps = self.program.steps
        spoken = [e for s in steps for e in [*s.guards, *(u.value for u in s.updates)]]
        spoken += [v.initial for v in self.program.variables] + [i.holds for i in self.invariants]
        found = {i for e in spoken for i in indices(e)} | {u.index for s in steps for u in s.updates if u.index}
        found |= {h.index for s in steps for h in (*s.takes, *s.frees) if h.index}
        return {i for i in found if i.sort}

    def carried_sort(self, where: Location, name: str) -> str:
        """The sort of an index parameter that a thread's location remembers."""
        first = next(s for s in self.program.steps if s.operation == where.operation and s.first)
        return next(p.sort for p in first.params if p.name == name)

    # -- expressions

    def term(self, index: Index, env: Env) -> Term:
        """The element that an index names."""
        return constant(index.sort, index.number) if index.kind == "const" else env[index]

    def meaning(self, expr: Expr, env: Env) -> Any:
        """An expression over the state: truth is a formula, a set of pages a function from a page to one."""

        def leaf(e: Expr) -> Any:
            match e.op:
                case "var":
                    return self._variable(e, env)
                case "is":
                    return equal(self.term(e.args[0], env), self.term(e.args[1], env))
                case "at":
                    return self.located(e.args[0].sort, self.term(e.args[0], env), e.args[1])
                case "free":
                    return self.free(Held(e.args[0], e.args[1]), env)
                case "for_all" | "exists":
                    return self._quantified(e, env)
                case "param" if e.sort == PAGES:
                    return lambda p: self._in_parameter(e.args[0], p, env)
                case "param":
                    return atom(parameter(e.args[0]))
            return None

        # not `fold`: a quantifier's body can only be read with its variable in `env`
        memo: dict[int, Any] = {}

        def value(e: Expr) -> Any:
            if id(e) not in memo:
                row = self.table.get(e.op)
                memo[id(e)] = row(*map(value, e.args)) if row else leaf(e)
                if memo[id(e)] is None:
                    raise CannotSay(f"this reading has no exact meaning for '{e.op}' ({e!r})")
            return memo[id(e)]

        return value(expr)

    def _variable(self, e: Expr, env: Env) -> Any:
        name, index = e.args
        own = () if index is None else (self.term(index, env),)
        return (lambda p: atom(name, *own, p)) if e.sort == PAGES else atom(name, *own)

    def _in_parameter(self, name: str, page: Term, env: Env) -> Formula:
        one = env.get(Index("param", PAGE, name))
        return equal(page, one) if one else atom(parameter(name), page)

    def _quantified(self, e: Expr, env: Env) -> Any:
        bound, inside = e.args
        join = forall if e.op == "for_all" else exists
        if e.sort == PAGES:
            return lambda p: join(bound.sort, lambda x: self.meaning(inside, {**env, bound: x})(p))
        return join(bound.sort, lambda x: self.meaning(inside, {**env, bound: x}))

    def located(self, sort: str, who: Term, locations: frozenset[int]) -> Formula:
        """The thread is at one of these locations."""
        known = self.program.threads.get(sort, ())
        if len(known) < 2:
            return logic.TRUE if 0 in locations else logic.FALSE
        return disj(*(atom(place(sort, known[n]), who) for n in sorted(locations)))

    def free(self, held: Held, env: Env, but: tuple[str, Term] | None = None) -> Formula:
        """No thread (other than `but`) is where it holds that lock."""

        def away(sort: str, number: int, other: Held, who: Term) -> Formula:
            here = self.located(sort, who, frozenset({number}))
            holding = conj(here, self._same_lock(held, other, self.program.threads[sort][number], who, env))
            mine = equal(who, but[1]) if but and but[0] == sort else logic.FALSE
            return disj(mine, neg(holding))

        return conj(
            *(
                forall(sort, lambda who, s=sort, n=number, o=other: away(s, n, o, who))  # type: ignore[misc]
                for sort, number, other in self.program.holders(held)
            )
        )

    def _same_lock(self, held: Held, other: Held, where: Location, who: Term, env: Env) -> Formula:
        """`other`, as thread `who` holds it, is the lock `held`."""
        if held.index is None or other.index is None:
            return logic.TRUE if held.index is other.index else logic.FALSE
        wanted = self.term(held.index, env)
        match other.index.kind:
            case "me":
                return equal(who, wanted)
            case "const":
                return equal(constant(other.index.sort, other.index.number), wanted)
        return atom(keeps(where, other.index.name), who, wanted)

    # -- the program

    @cached_property
    def initial(self) -> Formula:
        """The states before the first move."""
        return conj(*(self._starts(name, sorts) for name, sorts in self.relations.items()))

    def _starts(self, name: str, sorts: Sequence[str]) -> Formula:
        def close(sorts: Sequence[str], terms: tuple[Term, ...]) -> Formula:
            if sorts:
                return forall(sorts[0], lambda t: close(sorts[1:], (*terms, t)))
            return iff(atom(name, *terms), self._starting_value(name, terms))

        return close(sorts, ())

    def _starting_value(self, name: str, terms: tuple[Term, ...]) -> Formula:
        variable = self.program.variable.get(name)
        if variable is None:
            idle = {place(sort, ls[0]) for sort, ls in self.program.threads.items()}
            return logic.TRUE if name in idle else logic.FALSE
        env = {Index("each", variable.per.name): terms[0]} if variable.per else {}
        value = self.meaning(variable.initial, env)
        return value(terms[-1]) if variable.sort == PAGES else value  # type: ignore[no-any-return]

    @cached_property
    def transitions(self) -> tuple[Transition, ...]:
        """Every step of the program, in its order."""
        return tuple(self._transition(step) for step in self.program.steps)

    def _transition(self, step: Step) -> Transition:
        me = thread(step.by)
        env: dict[Index, Term] = {Index("me", step.by): me}
        terms, guards = [me], []
        chosen: dict[str, tuple[str, ...]] = {}
        for name, sort in self._elements(step).items():
            env[Index("param", sort, name)] = chosen_term(name, sort)
            terms.append(chosen_term(name, sort))
        for p in step.params:
            if p.kind == "truth":
                chosen[parameter(p.name)] = ()
            elif p.kind in ("some", "any"):
                chosen[parameter(p.name)] = (PAGE,)
                if p.kind == "some":
                    guards.append(exists(PAGE, lambda q, p=p: atom(parameter(p.name), q)))  # type: ignore[misc]
        where = self.program.threads[step.by][step.source]
        guards.append(self.located(step.by, me, frozenset({step.source})))
        guards += [atom(keeps(where, n), me, chosen_term(n, self.carried_sort(where, n))) for n in where.carried]
        guards += [self.free(held, env, but=(step.by, me)) for held in step.takes]
        guards += [self.meaning(g, env) for g in step.guards]
        return Transition(step, tuple(terms), chosen, conj(*guards), lambda r, ts: self._after(step, me, env, r, ts))

    def _elements(self, step: Step) -> dict[str, str]:
        """Single pages and elements that the step chooses, or that the thread's location carries: name -> sort."""
        found = {p.name: PAGE if p.kind == "page" else p.sort for p in step.params if p.kind in ("page", "index")}
        where = self.program.threads[step.by][step.source]
        return found | {n: self.carried_sort(where, n) for n in where.carried}

    def _after(self, step: Step, me: Term, env: Env, relation: str, terms: tuple[Term, ...]) -> Formula:
        """What the step makes of `relation(terms)`, said of the state before it."""
        old, variable = atom(relation, *terms), self.program.variable.get(relation)
        if variable is None:
            return self._moved(step, me, relation, terms, old)
        value = old
        for update in (u for u in step.updates if u.variable == relation):
            value = self._assigned(update, env, terms, value)
        return value

    def _assigned(self, update: Update, env: Env, terms: tuple[Term, ...], value: Formula) -> Formula:
        index = update.index
        each = index is not None and index.kind == "each"
        new = self.meaning(update.value, {**env, index: terms[0]} if index is not None and each else env)
        new = new(terms[-1]) if callable(new) else new
        return new if index is None or each else ite(equal(terms[0], self.term(index, env)), new, value)

    def _moved(self, step: Step, me: Term, relation: str, terms: tuple[Term, ...], old: Formula) -> Formula:
        """The new value of a location, or of what a location carries."""
        locations = self.program.threads[step.by]
        here, there = locations[step.source], locations[step.target]
        if terms[0].sort != step.by:
            return old
        if relation in {place(step.by, where) for where in locations}:
            arrived = logic.TRUE if relation == place(step.by, there) else logic.FALSE
            return ite(equal(terms[0], me), arrived, old)
        if relation in {keeps(here, n) for n in here.carried} | {keeps(there, n) for n in there.carried}:
            stays = next((n for n in there.carried if relation == keeps(there, n)), None)
            kept = equal(terms[1], chosen_term(stays, terms[1].sort)) if stays else logic.FALSE
            return ite(equal(terms[0], me), kept, old)
        return old

    def says(self, invariant: Invariant) -> Formula:
        """The invariant of every element that it speaks of."""
        if invariant.each is None:
            return self.meaning(invariant.holds, {})  # type: ignore[no-any-return]
        each = invariant.each
        return forall(each.sort, lambda x: self.meaning(invariant.holds, {each: x}))

    @cached_property
    def one_place(self) -> Mapping[str, Formula]:
        """Each thread is at exactly one location: true by construction, and checked like any other conjunct."""
        found = {}
        for sort, locations in self.program.threads.items():
            names = [place(sort, where) for where in locations]
            if len(names) > 1:
                pairs = [(a, b) for i, a in enumerate(names) for b in names[:i]]
                found[f"each {sort.lower()} is at one place"] = forall(
                    sort,
                    lambda x, names=names, pairs=pairs: conj(  # type: ignore[misc]
                        disj(*(atom(n, x) for n in names)), *(neg(conj(atom(a, x), atom(b, x))) for a, b in pairs)
                    ),
                )
        return found
