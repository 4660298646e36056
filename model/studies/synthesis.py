"""Every safe filling of a hole, the greatest ones, and the trace that kills each other one.

Counterexample-guided: z3 proposes a filling that nothing has decided yet, a finite engine searches the design with it.
A trace kills every filling with which the same moves are a run that ends in the same violation, which is computed by
running them once with the truth table unknown; nothing else is blocked. A safe filling is tried together with
those below it, as one program that may choose any of them anew each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from model.errors import UsageError
from model.expr import TRUTH, Client, Expr, Flag, node, walk
from model.expr.algebra import bit_vectors, fold
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.program.holes import Hole, between, filled, formula, the_hole
from model.program.program import Invariant, Program
from model.verdict import Verdict
from model.verify.judge import PROOF_SECONDS, Judge, Killing, TooLarge, rerun, violation

MOST_INPUTS = 4  # 65,536 fillings; with five inputs there are 2 ** 32


# ---------------------------------------------------------------- running a trace with the table unknown


def kills(killing: Killing, program: Program, bits: Sequence[Any]) -> Any:
    """A z3 formula over the bits of the table: with it, the same moves are a run that ends in the same violation."""
    import z3

    asked = killing.again(program)
    instance = Instance(asked.program, asked.pages, asked.sizes, open_holes=True)
    table = {**bit_vectors(instance.pages), "hole": lambda _, *inputs: looked_up(bits, inputs, instance.pages)}
    state: list[Any] = [_symbol(f.sort, f.initial, f.width) for f in instance.fields]
    conditions: list[Any] = []
    for move in killing.trace.moves:
        ground = instance.moves[move.number].ground
        assert ground.step.label == move.ground.step.label, "a filling does not change which moves there are"
        leaf = _leaf(instance, state, move.arguments)
        conditions += [fold(g, table, leaf) for g in ground.guards]
        new = {i: fold(value, table, leaf) for i, value in ground.updates}
        state = [_simple(new[i]) if i in new else old for i, old in enumerate(state)]
    case = dict(instance.cases(asked.invariant))[killing.trace.number]
    conditions.append(z3.Not(fold(case, table, _leaf(instance, state, {}))))
    return z3.simplify(z3.And(*conditions))


def looked_up(bits: Sequence[Any], inputs: Sequence[Any], pages: int) -> Any:
    """The set that the table gives, as a bit-vector: the union of the rows whose bit is set."""
    import z3

    result = z3.BitVecVal(0, pages)
    for row, bit in enumerate(bits):
        term = z3.If(bit, z3.BitVecVal(-1, pages), z3.BitVecVal(0, pages))
        for i, value in enumerate(inputs):
            term &= value if row >> i & 1 else ~value
        result |= term
    return result


def _symbol(sort: str, value: int, width: int) -> Any:
    import z3

    return z3.BoolVal(bool(value)) if sort == TRUTH else z3.BitVecVal(value, width) if sort == "pages" else value


def _simple(value: Any) -> Any:
    import z3

    return value if isinstance(value, int) else z3.simplify(value)


def _leaf(instance: Instance, state: Sequence[Any], arguments: Any) -> Callable[[Expr], Any]:
    import z3

    def leaf(e: Expr) -> Any:
        match e.op:
            case "field":
                return state[instance.position[e.args]]
            case "located":
                return z3.BoolVal(state[instance.position[e.args[:2]]] in e.args[2])
            case "place":
                return e.args[0]
            case "param":
                return z3.BitVecVal(arguments[e.args[0]], instance.pages)
        return None

    return leaf


# ---------------------------------------------------------------- the search


@dataclass(frozen=True)
class Synthesis:
    """What may stand in the hole of a program.

    Attributes:
        safe: every safe truth table, at the sizes that were searched.
        killings: traces that together kill every other table.
        checks: programs that were searched.
        unseen: rows that no state of the design with a greatest filling ever looks up, by that filling.
        proofs: for each greatest filling the verdict on it and all below it for any number of pages and clients.
    """

    program: Program
    hole: Hole
    judge: Judge
    safe: frozenset[int]
    killings: tuple[Killing, ...]
    checks: int
    unseen: dict[int, int] = field(default_factory=dict)
    proofs: dict[int, Verdict] = field(default_factory=dict)

    @cached_property
    def greatest(self) -> tuple[int, ...]:
        """The safe tables that lie below no other safe one, those with most rows first."""
        found: list[int] = []
        for table in sorted(self.safe, key=lambda t: (-t.bit_count(), t)):
            if not any(table | other == other for other in found):
                found.append(table)
        return tuple(found)

    def killer(self, table: int) -> Killing | None:
        """A trace of the design with this table that ends in a violation, or None where the table is safe."""
        if table in self.safe:
            return None
        candidate = filled(self.program, table)
        return next(k for k in (_again(candidate, k) for k in self.killings) if k)


def _again(candidate: Program, killing: Killing) -> Killing | None:
    """The same moves on another candidate, replayed, or None where they are no run of it or end well."""
    from model.instance.trace import ReplayError

    asked = killing.again(candidate)
    try:
        trace = rerun(asked, [m.number for m in killing.trace.moves], killing.trace.number)
    except ReplayError:
        return _earlier(candidate, killing, asked)
    return Killing(candidate, killing.property, trace)


def _earlier(candidate: Program, killing: Killing, asked: Problem) -> Killing | None:
    """The part of the moves up to the first violation, where the moves violate before their end."""
    from model.instance.trace import ReplayError

    numbers = [m.number for m in killing.trace.moves]
    for length in range(len(numbers)):
        try:
            return Killing(candidate, killing.property, rerun(asked, numbers[:length], killing.trace.number))
        except ReplayError:
            continue
    return None


def synthesise(program: Program, judge: Judge) -> Synthesis:
    """Find every safe filling of the hole of the program.

    Raises:
        UsageError: the program has no hole, or several.
        TooLarge: the hole looks at more inputs than can be enumerated.
        Unsettled: a search ended at a limit.
    """
    hole = _hole(program)
    search = _Search(program, hole, judge)
    search.run()
    return Synthesis(program, hole, judge, frozenset(search.safe), tuple(search.killings), search.checks)


def exhaustive(program: Program, judge: Judge) -> frozenset[int]:
    """The safe fillings, by searching the program with every one of them: what `synthesise` is compared with."""
    hole = _hole(program)
    return frozenset(t for t in range(1 << hole.rows) if judge.killing(filled(program, t)) is None)


def _hole(program: Program) -> Hole:
    hole = the_hole(program)
    if hole is None:
        raise UsageError(
            f'{program.name} has no hole. Write one where the mask stands, hole("mask", s.cache, s.mine[me], want), '
            f"or open one: --mask cache,want; --order clear permutes the steps of an operation, --locks clear moves "
            f"its lock."
        )
    if len(hole.inputs) > MOST_INPUTS:
        raise TooLarge(
            f"the hole '{hole.name}' looks at {len(hole.inputs)} inputs, so there are 2^{hole.rows} fillings; all are "
            f"decided up to {MOST_INPUTS} inputs (65,536 fillings). Leave some out."
        )
    return hole


class _Search:
    """One run: which tables are decided, and a solver that proposes the others."""

    def __init__(self, program: Program, hole: Hole, judge: Judge) -> None:
        import z3

        self.program, self.judge, self.rows = program, judge, hole.rows
        self.bits = [z3.Bool(f"row{i}") for i in range(hole.rows)]
        self.solver = z3.Solver()
        self.safe: set[int] = set()
        self.killings: list[Killing] = []
        self.checks = 0

    def run(self) -> None:
        while (table := self.proposal()) is not None:
            self.decide(table)

    def proposal(self) -> int | None:
        """An undecided table to which no row can be added without meeting a decided one."""
        import z3

        if self.solver.check() != z3.sat:
            return None
        table = self.model()
        for row in range(self.rows):
            more = [self.bits[i] for i in range(self.rows) if (table | 1 << row) >> i & 1]
            if not table >> row & 1 and self.solver.check(*more) == z3.sat:
                table = self.model()
        return table

    def model(self) -> int:
        model = self.solver.model()
        return sum(1 << i for i, bit in enumerate(self.bits) if model.eval(bit, model_completion=True))

    def decide(self, table: int) -> None:
        """Kill the table and what dies with it, or accept it with as much below it as is safe together."""
        import z3

        killing = self.killing(filled(self.program, table))
        if killing is not None:
            self.killings.append(killing)
            self.solver.add(z3.Not(kills(killing, self.program, self.bits)))
            return
        least = self.least(table)
        self.safe |= {least | part for part in parts(table & ~least)}
        above = [z3.Not(bit) for i, bit in enumerate(self.bits) if least >> i & 1]
        self.solver.add(z3.Or(*above, *(bit for i, bit in enumerate(self.bits) if not table >> i & 1)))

    def least(self, table: int) -> int:
        """A table below a safe one so that any choice between the two, made anew each time, is safe too."""
        least = table
        if self.killing(between(self.program, 0, table)) is None:
            return 0
        for row in range(self.rows):
            lower = least & ~(1 << row)
            if lower != least and self.killing(between(self.program, lower, table)) is None:
                least = lower
        return least

    def killing(self, program: Program) -> Killing | None:
        self.checks += 1
        return self.judge.killing(program)


def parts(table: int) -> Iterator[int]:
    """Every table that has no row that `table` has not."""
    part = table
    while True:
        yield part
        if not part:
            return
        part = (part - 1) & table


# ---------------------------------------------------------------- what the greatest fillings come to


def explained(found: Synthesis, seconds: float = PROOF_SECONDS) -> Synthesis:
    """The same with proofs for any number where they succeed, and with the rows that no state looks up."""
    proofs: dict[int, Verdict] = {}
    for table in found.greatest:
        below = set(parts(table)) <= found.safe
        proofs[table] = found.judge.proof(
            between(found.program, 0, table) if below else filled(found.program, table), seconds
        )
    return replace(found, proofs=proofs, unseen={t: unseen(found, t) for t in found.greatest})


def unseen(found: Synthesis, table: int) -> int:
    """The rows of the table that no reachable state of the design with it looks up, at the sizes searched.

    A filling that differs in those rows only is the same design there.
    """
    rows = 0
    for row in range(found.hole.rows):
        if not any(_looked_up(found, table, row, *scope) for scope in found.judge.scopes):
            rows |= 1 << row
    return rows


def _looked_up(found: Synthesis, table: int, row: int, pages: int, clients: int) -> bool:
    from model.program.step import Update

    seen = "this row was looked up"
    steps = []
    for step in found.program.steps:
        uses = [e for e in walk(*step.guards, *(u.value for u in step.updates)) if e.op == "hole"]
        value = node("var", (seen, None), TRUTH)
        for each in uses:
            value = value | ~(_in_row(each.args[1:], row) <= node("none", (), "pages"))
        steps.append(replace(step, updates=(*step.updates, Update(seen, None, value))) if uses else step)
    flagged = replace(found.program, steps=tuple(steps))
    program = filled(flagged, table)
    watched = replace(program, variables=(*program.variables, _flag(seen)))
    never = Invariant("never looked up", ~node("var", (seen, None), TRUTH))
    return violation(Problem(watched, (never,), pages, {Client.name: clients}), found.judge.limits) is not None


def _in_row(inputs: Sequence[Expr], row: int) -> Expr:
    return formula(1 << row, inputs)


def _flag(name: str) -> Any:
    from model.expr import FALSE
    from model.program.program import Variable

    return Variable(name, Flag("").sort, None, FALSE, "ghost: a row of the table was looked up", "ghost")
