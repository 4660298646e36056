"""First-order formulas without functions: the relations of a state, equality, `and`, `or`, `not`, and quantifiers.

Formulas are shared: equal trees are the same object. A bound variable has a name of its own, so that putting one
formula into another can never capture it; the printer gives readable names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count, product
from typing import Any, NamedTuple

PAGE = "Page"


class Term(NamedTuple):
    """A page or an element of an index sort: a constant, or a variable that a quantifier binds."""

    name: str
    sort: str


class Formula:
    """One node: `op` is atom, equal, not, and, or, forall, exists; the empty `and` is true, the empty `or` false."""

    __slots__ = ("__weakref__", "args", "op")
    op: str
    args: tuple[Any, ...]

    def __repr__(self) -> str:
        return f"({self.op} {' '.join(map(str, self.args))})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _loaded, (self.op, *self.args)


_nodes: dict[tuple[Any, ...], Formula] = {}
_fresh = count()


def _node(op: str, *args: Any) -> Formula:
    key = (op, *(id(a) if isinstance(a, Formula) else a for a in args))
    found = _nodes.get(key)
    if found is None:
        found = _nodes[key] = object.__new__(Formula)
        found.op, found.args = op, args
    return found


def _loaded(op: str, *args: Any) -> Formula:
    """A node from another process, whose bound variables may be called like some of ours: they get new names."""
    if op in ("forall", "exists"):
        bound, inside = args
        fresh = variable(bound.sort)
        return _node(op, fresh, instantiate(inside, {bound: fresh}))
    return _node(op, *args)


TRUE, FALSE = _node("and"), _node("or")


def atom(relation: str, *terms: Term) -> Formula:
    """The relation holds of these terms."""
    return _node("atom", relation, *terms)


def equal(a: Term, b: Term) -> Formula:
    """Both terms name the same element; raises ValueError when their sorts differ."""
    if a.sort != b.sort:
        raise ValueError(f"{a} and {b} are of different sorts")
    return TRUE if a == b else _node("equal", *sorted((a, b)))


def neg(f: Formula) -> Formula:
    """Not `f`."""
    if f is TRUE or f is FALSE:
        return FALSE if f is TRUE else TRUE
    return f.args[0] if f.op == "not" else _node("not", f)  # type: ignore[no-any-return]


def _join(op: str, unit: Formula, zero: Formula, parts: Iterable[Formula]) -> Formula:
    flat: dict[int, Formula] = {}
    for part in parts:
        for each in part.args if part.op == op else (part,):
            flat[id(each)] = each
    if id(zero) in flat or any(id(f.args[0]) in flat for f in flat.values() if f.op == "not"):
        return zero
    kept = [f for f in flat.values() if f is not unit]
    return kept[0] if len(kept) == 1 else _node(op, *kept)


def conj(*parts: Formula) -> Formula:
    """All of them."""
    return _join("and", TRUE, FALSE, parts)


def disj(*parts: Formula) -> Formula:
    """Any of them."""
    return _join("or", FALSE, TRUE, parts)


def implies(a: Formula, b: Formula) -> Formula:
    """Where `a` holds, so does `b`."""
    return disj(neg(a), b)


def iff(a: Formula, b: Formula) -> Formula:
    """Both or neither."""
    return TRUE if a is b else conj(implies(a, b), implies(b, a))


def ite(test: Formula, yes: Formula, no: Formula) -> Formula:
    """`yes` where `test` holds, else `no`."""
    if test is TRUE or test is FALSE or yes is no:
        return no if test is FALSE else yes
    return conj(implies(test, yes), disj(test, no))


def variable(sort: str) -> Term:
    """A variable that nothing else uses."""
    return Term(f"?{next(_fresh)}", sort)


def forall(sort: str, body: Callable[[Term], Formula]) -> Formula:
    """For every element of the sort."""
    bound = variable(sort)
    return bind("forall", bound, body(bound))


def exists(sort: str, body: Callable[[Term], Formula]) -> Formula:
    """For some element of the sort."""
    bound = variable(sort)
    return bind("exists", bound, body(bound))


def bind(op: str, bound: Term, inside: Formula) -> Formula:
    """The quantifier over `inside`; none where the variable does not occur (every sort has an element)."""
    return _node(op, bound, inside) if bound in free_terms(inside) else inside


def children(f: Formula) -> Iterator[Formula]:
    """The direct sub-formulas."""
    return (a for a in f.args if isinstance(a, Formula))


_free: dict[int, frozenset[Term]] = {}


def free_terms(f: Formula) -> frozenset[Term]:
    """Constants and variables that no quantifier of the formula binds."""
    found = _free.get(id(f))
    if found is None:
        own = {a for a in f.args if isinstance(a, Term)}
        inner = frozenset().union(*(free_terms(c) for c in children(f)))
        found = inner - own if f.op in ("forall", "exists") else inner | own
        _free[id(f)] = found = frozenset(found)
    return found


def replace(f: Formula, of_atom: Callable[[str, tuple[Term, ...]], Formula]) -> Formula:
    """The formula with each atom replaced: what holds after a step, said of the state before it."""
    match f.op:
        case "atom":
            return of_atom(f.args[0], f.args[1:])
        case "equal":
            return f
        case "not":
            return neg(replace(f.args[0], of_atom))
        case "and" | "or":
            return (conj if f.op == "and" else disj)(*(replace(c, of_atom) for c in f.args))
    return bind(f.op, f.args[0], replace(f.args[1], of_atom))


def instantiate(f: Formula, terms: Mapping[Term, Term]) -> Formula:
    """The formula with free terms replaced by others."""

    def new(t: Term) -> Term:
        return terms.get(t, t)

    match f.op:
        case "atom":
            return atom(f.args[0], *map(new, f.args[1:]))
        case "equal":
            return equal(*map(new, f.args))
        case "not":
            return neg(instantiate(f.args[0], terms))
        case "and" | "or":
            return (conj if f.op == "and" else disj)(*(instantiate(c, terms) for c in f.args))
    return bind(f.op, f.args[0], instantiate(f.args[1], terms))


def alike(f: Formula, g: Formula) -> bool:
    """The same formula but for the names of bound variables."""
    return _shape(f, {}) == _shape(g, {})


def _shape(f: Formula, depth: Mapping[Term, int]) -> tuple[Any, ...]:
    """The formula as plain data, a bound variable as the number of quantifiers outside of its own."""
    if f.op in ("forall", "exists"):
        bound, inside = f.args
        return f.op, bound.sort, _shape(inside, {**depth, bound: len(depth)})
    parts = [_shape(a, depth) if isinstance(a, Formula) else depth.get(a, a) for a in f.args]
    return (f.op, frozenset(parts)) if f.op == "equal" else (f.op, *parts)


class Structure(NamedTuple):
    """A finite interpretation: elements of each sort are numbers from 0.

    Attributes:
        sizes: how many elements each sort has, pages included.
        holds: relation and element numbers -> truth.
        terms: what the free terms name.
    """

    sizes: Mapping[str, int]
    holds: Callable[[str, tuple[int, ...]], bool]
    terms: Mapping[Term, int]


def truth(f: Formula, world: Structure) -> bool:
    """The formula's truth value in a finite structure; the judge of what solvers say."""

    def value(f: Formula, env: Mapping[Term, int]) -> bool:
        match f.op:
            case "atom":
                return world.holds(f.args[0], tuple(env[t] for t in f.args[1:]))
            case "equal":
                return env[f.args[0]] == env[f.args[1]]
            case "not":
                return not value(f.args[0], env)
            case "and":
                return all(value(c, env) for c in f.args)
            case "or":
                return any(value(c, env) for c in f.args)
        joined = all if f.op == "forall" else any
        return joined(value(f.args[1], {**env, f.args[0]: n}) for n in range(world.sizes[f.args[0].sort]))

    return value(f, world.terms)


def tuples(sizes: Mapping[str, int], sorts: tuple[str, ...]) -> Iterator[tuple[int, ...]]:
    """Every tuple of element numbers of these sorts."""
    return product(*(range(sizes[s]) for s in sorts))
