"""What a step waits for, atom by atom: which truth value an atom never takes while a thread stands before the step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import product

from model.expr import FALSE, NONE, TRUE, TRUTH, Expr, is_register, node, rewrite, show, walk
from model.instance.ground_expr import grounded, these
from model.instance.ground_step import GroundStep, environment
from model.instance.instance import Instance
from model.instance.locations import at
from model.instance.problem import Problem
from model.program.program import Program
from model.program.step import Step
from model.verify.coverage import Fact, coverage
from model.verify.result import finite_scope

JOINS = ("both", "either", "negate")
STATES = 5_000  # up to which is looked for a truth value, at each size
Side = tuple[str, str, bool]  # the step's label, the atom as text, the truth value


def one_sided(problem: Problem) -> tuple[str, ...]:
    """A sentence for each atom of a guard that never takes one truth value, with the sizes that were gone through.

    Looked at with one page and two of each sort, then with two pages and one of each; nothing is said of a size that
    has more than `STATES` states. It is information: a guard may be there for what is not modelled.
    """
    from model.verify.result_text import scope

    free = problem.instance.free_sizes
    missing: frozenset[Side] | None = None
    sizes = []
    for pages, most in ((1, 2), (2, 1)):
        there = problem.at(pages, {s: min(n, most) for s, n in free.items()}).instance
        facts = {k: f for k, f in sides(there).items() if missing is None or k in missing}
        found = coverage(there, facts, STATES, only_facts=True)
        missing = frozenset(found.facts)  # type: ignore[arg-type]
        if found.whole:
            sizes.append(scope(finite_scope(there)))
    if not sizes or not missing:
        return ()
    one_side = [s for s in missing if (s[0], s[1], not s[2]) not in missing]  # neither: nobody ever stands there
    return tuple(_sentence(*side, "; ".join(sizes)) for side in sorted(one_side))


def _sentence(label: str, atom: str, value: bool, where: str) -> str:
    return f"{label} asks for `{atom}`, which {'never' if value else 'always'} holds there (searched: {where})"


def sides(instance: Instance) -> dict[Side, Fact]:
    """For each atom of each guard and each truth value: that the atom has it while a thread stands before the step."""
    found: dict[Side, Expr] = {}
    for ground in instance.steps:
        for atom in atoms(instance.program, ground.step):
            for holds in _values(instance, ground, atom):
                for value, wanted in ((True, holds), (False, ~holds)):
                    key = ground.step.label, show(atom), value
                    found[key] = found.get(key, FALSE) | (_here(instance, ground) & wanted)
    return {key: Fact(holds) for key, holds in found.items()}


def atoms(program: Program, step: Step) -> list[Expr]:
    """What the design's own guards of the step are made of, each once; not what no state decides."""
    found = [a for guard in step.guards for a in _atoms(guard) if _is_asked(program, a)]
    return list({show(a): a for a in found}.values())


def _atoms(guard: Expr) -> Iterator[Expr]:
    if guard.op in JOINS and guard.sort == TRUTH:
        for part in guard.args:
            yield from _atoms(part)
    else:
        yield guard


def _is_asked(program: Program, atom: Expr) -> bool:
    """It looks at the state, and only at what the design itself declares under a name of its own."""
    names = {e.args[0] for e in walk(atom) if e.op == "var"}
    own = all(is_register(n) or ("." not in n and program.variable[n].role != "ghost") for n in names)
    return own and (bool(names) or any(e.op in ("at", "free") for e in walk(atom)))


def _values(instance: Instance, ground: GroundStep, atom: Expr) -> Iterator[Expr]:
    """The atom for each choice of the step's sets of pages, as a ground truth value."""
    env = environment(instance.places, ground.step, ground.thread, ground.indices)
    plain = grounded(atom, env, instance.places, instance.pages)
    params = [p for p in ground.params if any(e.op == "param" and e.args[0] == p.name for e in walk(plain))]
    for values in product(*(instance.choices(p) for p in params)):
        chosen = {p.name: these(v) if v else NONE for p, v in zip(params, values, strict=True)}
        yield rewrite(plain, partial(_argument, chosen))


def _argument(chosen: Mapping[str, Expr], e: Expr) -> Expr | None:
    return chosen.get(e.args[0]) if e.op == "param" else None


def _here(instance: Instance, ground: GroundStep) -> Expr:
    """The thread stands before the step."""
    place = at(ground.sort), ground.thread
    if place not in instance.places.told_apart:
        return TRUE
    here = frozenset({instance.places.code(ground.step, ground.step.source, ground.indices)})
    return node("located", (*place, here), TRUTH)
