"""Holes in a recorded program: what they may look at, what fills them, and how a filling reads.

A filling is a truth table over the inputs of the hole: bit `row` of an integer says whether a page is in the set
where input number i holds of the page exactly if bit i of `row` is set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from model.errors import UsageError
from model.expr import ALL, NONE, PAGES, Client, Expr, Guest, Index, make, node, register, rewrite, show, walk
from model.program.program import Program
from model.program.step import Param, Step, Update

PART = "part_of_the_hole"  # the parameter that stands for any set between two fillings


@dataclass(frozen=True)
class Hole:
    """The hole of a program.

    Attributes:
        inputs: what it may look at, as the design writes it.
        places: labels of the steps that use it.
    """

    name: str
    inputs: tuple[str, ...]
    places: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows of its truth table; there are 2 ** rows fillings."""
        return 1 << len(self.inputs)

    def text(self, table: int, unseen: int = 0) -> str:
        """The filling in the words of the design; it may be anything in the rows of `unseen`."""
        return show(formula(table, [node("var", (i, None), PAGES) for i in self.inputs], unseen))

    def row(self, number: int) -> str:
        """`cache, not want`: what holds of a page in that row."""
        return ", ".join(text if number >> i & 1 else f"not {text}" for i, text in enumerate(self.inputs))


def the_hole(program: Program) -> Hole | None:
    """The hole of the program, or None where it has none.

    Raises:
        UsageError: it has several, or one name with different numbers of inputs.
    """
    found = [(e, step.label) for step in program.steps for e in _nodes(step)]
    if not found:
        return None
    if len({(e.args[0], len(e.args)) for e, _ in found}) > 1:
        names = ", ".join(sorted({show(e) for e, _ in found}))
        raise UsageError(f"{program.name} has several holes ({names}); the synthesiser fills one at a time.")
    first = found[0][0]
    labels = tuple(dict.fromkeys(label for _, label in found))
    return Hole(first.args[0], tuple(show(a) for a in first.args[1:]), labels)


def _nodes(step: Step) -> Iterator[Expr]:
    """The hole's nodes in a step."""
    return (e for e in walk(*step.guards, *(u.value for u in step.updates)) if e.op == "hole")


def inputs_of(program: Program) -> tuple[Expr, ...]:
    """What the hole of a program looks at, as expressions of the step where it stands first."""
    return next(e.args[1:] for step in program.steps for e in _nodes(step))


def filled(program: Program, table: int) -> Program:
    """The program with the truth table in place of its hole."""
    return everywhere(program, lambda e: formula(table, e.args[1:]) if e.op == "hole" else None)


def between(program: Program, least: int, most: int) -> Program:
    """The program where any set between two fillings may stand in the hole, chosen anew each time.

    Whatever a filling between the two does, this program does: where it is safe they all are. Each node of the hole
    in a step is chosen on its own.
    """
    steps = []
    for step in program.steps:
        nodes = list(_nodes(step))
        chosen = {id(e): node("param", (f"{PART}_{i}",), PAGES) for i, e in enumerate(nodes)}

        def leaf(e: Expr, chosen: dict[int, Expr] = chosen) -> Expr | None:
            if e.op != "hole":
                return None
            any_part = make("meet", formula(most, e.args[1:]), chosen[id(e)])
            return make("union", formula(least, e.args[1:]), any_part)

        params = tuple(Param(f"{PART}_{i}", "any") for i in range(len(nodes)))
        steps.append(replace(_rewritten(step, leaf), params=(*step.params, *params)))
    return replace(program, steps=tuple(steps))


def everywhere(program: Program, leaf: Callable[[Expr], Expr | None]) -> Program:
    """The program with every node replaced for which `leaf` returns one."""
    return replace(program, steps=tuple(_rewritten(s, leaf) for s in program.steps))


def _rewritten(step: Step, leaf: Callable[[Expr], Expr | None]) -> Step:
    updates = tuple(replace(u, value=rewrite(u.value, leaf)) for u in step.updates)
    return replace(step, guards=tuple(rewrite(g, leaf) for g in step.guards), updates=updates)


def opened(program: Program, inputs: Sequence[str]) -> tuple[Program, Expr]:
    """The program with a hole where a client's operation takes bits from `kernel`, and what stood there.

    Args:
        inputs: names of parts (`mine` is that of the clearing client), of parameters of the operation, or of
            constant clients (`MIGRATION`: whether it is that one).

    Raises:
        UsageError: no step or several clear by a mask, or an input is not visible there.
    """
    updates = [(i, s, u) for i, s in enumerate(program.steps) for u in s.updates]
    found = [(i, mask) for i, s, u in updates if (mask := mask_of(s, u)) is not None]
    if len(found) != 1:
        raise UsageError(
            f"{program.name} has {len(found) or 'no'} steps in which a client takes a mask away from `kernel`; write "
            f'the hole into the design: s.kernel -= hole("mask", s.cache, s.mine[me], want).'
        )
    at, mask = found[0]
    step = program.steps[at]
    there = make("hole", "mask", *(_visible(program, step, name) for name in inputs))
    changed = replace(step, updates=tuple(put_for(u, mask, there) for u in step.updates))
    return replace(program, steps=(*program.steps[:at], changed, *program.steps[at + 1 :])), mask


def mask_of(step: Step, update: Update) -> Expr | None:
    """The mask that a client takes away from the kernel's log here, or None where it takes none away.

    `s.kernel = NONE` is recorded with its mask, all ones, folded away; a sync that empties the log is no clear.
    """
    if clears(step, update.variable, update.value):
        mask: Expr = update.value.args[1]
        return mask
    emptied = (step.by, update.variable, update.index) == (Client.name, "kernel", None) and update.value is NONE
    return ALL if emptied and step.operation != "sync" else None


def put_for(update: Update, mask: Expr, there: Expr) -> Update:
    """The update with the hole for the mask; a mask that is a plain name stands elsewhere with another meaning."""
    if mask.op in ("var", "param", "all"):
        if update.variable != "kernel":
            return update
        log = node("var", ("kernel", update.index), PAGES) if update.value is NONE else update.value.args[0]
        return replace(update, value=make("minus", log, there))
    return replace(update, value=rewrite(update.value, lambda e: there if e is mask else None))


def clears(step: Step, variable: str, value: Expr) -> bool:
    """In this step a thread, not the guest's, takes a mask away from the kernel's log."""
    own = value.op == "minus" and value.args[0].op == "var" and value.args[0].args[0] == "kernel"
    return step.by != Guest.name and variable == "kernel" and own


def _visible(program: Program, step: Step, name: str) -> Expr:
    me = Index("me", step.by)
    if name in program.variable:
        variable = program.variable[name]
        if variable.sort == PAGES and (variable.per is None or variable.per.name == step.by):
            return node("var", (name, None if variable.per is None else me), PAGES)
    if step.first and any(p.name == name and p.kind != "index" for p in step.params):
        return node("param", (name,), PAGES)
    if register(name) in program.variable:
        return node("var", (register(name), me), PAGES)
    sort = program.sorts[step.by]
    if name in sort.names:
        number = sort.names.index(name)
        return make("choose", make("is", me, Index("const", sort.name, name, number)), ALL, NONE)
    raise UsageError(
        f"{step.label} of {program.name} cannot see '{name}': it is neither a set of pages nor a parameter."
    )


# ---------------------------------------------------------------- truth tables and formulas


def table_of(expr: Expr, inputs: Sequence[Expr]) -> int | None:
    """The truth table of an expression over the inputs, or None where it looks at something else."""
    from model.errors import CannotSay
    from model.expr.algebra import fold, integers

    rows = 1 << len(inputs)
    columns = {id(e): sum((row >> i & 1) << row for row in range(rows)) for i, e in enumerate(inputs)}
    memo = dict(columns)
    try:
        return int(fold(expr, integers(rows), lambda e: None, memo))
    except CannotSay:
        return None


def formula(table: int, inputs: Sequence[Expr], unseen: int = 0) -> Expr:
    """A short expression with this truth table; in the rows of `unseen` it may be anything."""
    result = NONE
    for term in _cover(table & ~unseen, table | unseen, len(inputs)):
        positive = [e for i, e in enumerate(inputs) if term[i] == 1]
        negative = [e for i, e in enumerate(inputs) if term[i] == 0]
        product: Expr = ALL
        for e in positive:
            product = make("meet", product, e)
        for e in negative:
            product = make("minus", product, e)
        result = make("union", result, product)
    return result


Term = tuple[int | None, ...]  # for each input 1, 0, or None where it does not matter


def _cover(needed: int, allowed: int, inputs: int) -> list[Term]:
    """Few product terms that cover the rows of `needed` and none outside `allowed`, widest first."""
    terms: list[Term] = []
    for term, rows in sorted(_terms(inputs), key=lambda t: (-t[1].bit_count(), t[0].count(0), str(t[0]))):
        if not rows & ~allowed and rows & needed:
            terms.append(term)
            needed &= ~rows
    return terms


def _terms(inputs: int) -> Iterator[tuple[Term, int]]:
    """Every product term and the rows that it covers."""
    for count in range(inputs + 1):
        for fixed in combinations(range(inputs), count):
            for values in range(1 << count):
                term: list[int | None] = [None] * inputs
                for bit, i in enumerate(fixed):
                    term[i] = values >> bit & 1
                rows = (r for r in range(1 << inputs) if all((r >> i & 1) == term[i] for i in fixed))
                yield tuple(term), sum(1 << r for r in rows)
