"""Formulas as SMT-LIB 2 text, and the one place where z3 is asked about that text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from model.parametric.logic import FALSE, TRUE, Formula, Term


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
