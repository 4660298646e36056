"""Is a question within the decidable fragment? Which sorts' quantifiers stand in the scope of which.

Without functions, a question whose quantifiers can be ordered by sort (no cycle: an existential `T` in the scope of a
universal `S` is an edge from S to T) has a finite model or none, and a solver can decide it (EPR with stratified
sorts). Outside of it "no model" is still trustworthy; "unknown" may be all that one gets.

Source: Padon, Losa, Sagiv, Shoham, "Paxos made EPR", OOPSLA 2017, section 3.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from model.parametric.logic import Formula, Term, free_terms

Edge = tuple[str, str]


def edges(formulas: Iterable[Formula], finite: Collection[str] = ()) -> frozenset[Edge]:
    """Sort S to sort T where some element of T depends on one of S; sorts in `finite` do not count."""
    found: set[Edge] = set()

    def visit(f: Formula, positive: bool, on: dict[Term, frozenset[Term]]) -> None:
        """`on` says of each bound variable which universal ones it depends on (a universal one: on itself)."""
        if f.op in ("forall", "exists"):
            bound, inside = f.args
            if (f.op == "forall") == positive:
                visit(inside, positive, {**on, bound: frozenset({bound})})
            else:
                above = frozenset[Term]().union(*(on[t] for t in free_terms(f) if t in on))
                found.update((s.sort, bound.sort) for s in above)
                visit(inside, positive, {**on, bound: above})
            return
        flip = f.op == "not"
        for child in (a for a in f.args if isinstance(a, Formula)):
            visit(child, positive != flip, on)

    for formula in formulas:
        visit(formula, True, {})
    return frozenset((s, t) for s, t in found if s not in finite and t not in finite)


def cycle(graph: Iterable[Edge]) -> tuple[str, ...]:
    """Sorts that depend on each other in a circle, or nothing."""
    following: dict[str, set[str]] = {}
    for s, t in graph:
        following.setdefault(s, set()).add(t)

    def walk(path: tuple[str, ...]) -> tuple[str, ...]:
        for t in sorted(following.get(path[-1], ())):
            if t in path:
                return (*path[path.index(t) :], t)
            if found := walk((*path, t)):
                return found
        return ()

    return next((found for s in sorted(following) if (found := walk((s,)))), ())
