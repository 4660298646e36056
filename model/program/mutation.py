"""One-line mutants of a recorded program: what a slip of the pen would make of a design.

They are made from the recorded steps, not written by hand, so every design has them and nobody chooses the easy ones.
Finite search and proof must agree on each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from model.expr import FALSE, NONE, Expr, Index, bare, is_register, node, register, replace_index, rewrite, show, walk
from model.program.program import Location, Program
from model.program.step import Held, Step, Update


@dataclass(frozen=True)
class Mutant:
    """A program that differs from its original in one line.

    Attributes:
        kind: "dropped guard", "forgotten update", "weaker mask", "one client only", "swapped steps", "dropped lock" or
            "bit kept".
        change: the line, before and after.
    """

    kind: str
    change: str
    program: Program


def mutants(program: Program) -> Iterator[Mutant]:
    """Every mutant, in the order of the steps; programs that came out the same are left out."""
    seen = {program.digest}
    for make in KINDS:
        for mutant in make(program):
            if mutant.program.digest not in seen:
                seen.add(mutant.program.digest)
                yield mutant


def dropped_guards(program: Program) -> Iterator[Mutant]:
    """A `wait_for` is gone."""
    for i, step in enumerate(program.steps):
        for guard in step.guards:
            kept = tuple(g for g in step.guards if g is not guard)
            changed = replace(step, guards=kept)
            yield Mutant("dropped guard", f"{step.label}: wait_for({show(guard)})", _with(program, i, changed))


def forgotten_updates(program: Program) -> Iterator[Mutant]:
    """An assignment to a part is gone; ghosts say what is at stake and are left alone."""
    for i, step in enumerate(program.steps):
        for update in step.updates:
            if _may_change(program, update):
                kept = replace(step, updates=tuple(u for u in step.updates if u is not update))
                yield Mutant("forgotten update", f"{step.label}: {_line(update)}", _with(program, i, kept))


def kept_bits(program: Program) -> Iterator[Mutant]:
    """`a - b` takes nothing away: the bits stay."""
    yield from _rewritten(program, "bit kept", "minus", lambda e: [e.args[0]])


def weaker_masks(program: Program) -> Iterator[Mutant]:
    """One side of an `&` is gone."""
    yield from _rewritten(program, "weaker mask", "meet", lambda e: list(e.args))


def one_client_only(program: Program) -> Iterator[Mutant]:
    """What went to every client goes to the one that runs the step."""
    for i, step in enumerate(program.steps):
        for update in step.updates:
            each = update.index
            if each is None or each.kind != "each" or each.sort != step.by or not _may_change(program, update):
                continue
            me = Index("me", step.by)
            narrow = Update(update.variable, me, replace_index(update.value, each, me))
            yield Mutant(
                "one client only",
                f"{step.label}: {_line(update)} -> {_line(narrow)}",
                _with(program, i, _replaced(step, update, narrow)),
            )


def swapped_steps(program: Program) -> Iterator[Mutant]:
    """The work of two steps of an operation that follow one another has changed places; locks stay where they are."""
    for i, (first, second) in enumerate(pairwise(program.steps)):
        if first.operation != second.operation:
            continue
        steps = [*program.steps[:i], moved_to(second, first), moved_to(first, second), *program.steps[i + 2 :]]
        known = {v.name for v in program.variables}
        if all(register(p.name) in known for p in first.params if p.kind != "index"):
            swapped = relocated(replace(program, steps=tuple(steps)))
            assert swapped is not None, "locks are where they were"
            yield Mutant("swapped steps", f"{second.label} before {first.label}", swapped)


def dropped_locks(program: Program) -> Iterator[Mutant]:
    """An operation does not take its lock."""
    for operation in program.operations:
        locks = {h for s in program.steps if s.operation == operation for h in s.takes}
        for held in sorted(locks, key=str):
            steps = tuple(_unlocked(s, held) if s.operation == operation else s for s in program.steps)
            bare = relocated(replace(program, steps=steps))
            if bare:
                yield Mutant("dropped lock", f"{operation}: with s.{held}", bare)


# ---------------------------------------------------------------- how


def _with(program: Program, i: int, step: Step) -> Program:
    return replace(program, steps=(*program.steps[:i], step, *program.steps[i + 1 :]))


def _replaced(step: Step, old: Update, new: Update) -> Step:
    return replace(step, updates=tuple(new if u is old else u for u in step.updates))


def _may_change(program: Program, update: Update) -> bool:
    """Parts, not ghosts: `unread` says what is at stake and registers are the recorder's bookkeeping."""
    variable = program.variable[update.variable]
    return variable.role == "part" and not variable.at_stake


def _line(update: Update) -> str:
    index = "" if update.index is None or is_register(update.variable) else f"[{update.index}]"
    return f"{update.variable}{index} := {show(update.value)}"


def _rewritten(program: Program, kind: str, op: str, options: object) -> Iterator[Mutant]:
    for i, step in enumerate(program.steps):
        for update in step.updates:
            if not (_may_change(program, update) or is_register(update.variable)):
                continue
            for part in [e for e in walk(update.value) if e.op == op]:
                for other in options(part):  # type: ignore[operator]
                    value = _substituted(update.value, part, other)
                    changed = replace(update, value=value)
                    text = f"{step.label}: {_line(update)} -> {show(value)}"
                    yield Mutant(kind, text, _with(program, i, _replaced(step, update, changed)))


def _substituted(whole: Expr, part: Expr, other: Expr) -> Expr:
    return rewrite(whole, lambda e: rewrite(other, lambda _: None) if e is part else None)


def moved_to(step: Step, place: Step) -> Step:
    """The step's work at another place of the operation, which keeps its locks, its parameters and its resets."""
    me = Index("me", step.by)
    names = {p.name for p in (step.params or place.params)}

    def leaf(expr: Expr) -> Expr | None:
        if place.params and expr.op == "var" and bare(expr.args[0]) in names:
            return node("param", (bare(expr.args[0]),), expr.sort)
        if step.params and expr.op == "param":
            return node("var", (register(expr.args[0]), me), expr.sort)
        return None

    work = [u for u in step.updates if not is_keeping(u, step)]
    keeping = [u for u in place.updates if is_keeping(u, place)]
    fixed = {u.variable for u in keeping}
    moved = [replace(u, value=rewrite(u.value, leaf)) for u in work if u.variable not in fixed]
    return replace(
        place,
        name=step.name,
        guards=tuple(rewrite(g, leaf) for g in step.guards),
        updates=(*moved, *keeping),
        place=step.place,
    )


def is_keeping(update: Update, step: Step) -> bool:
    """The recorder's own: a parameter kept in its register, a register reset at the end."""
    private = is_register(update.variable)
    return private and (update.value.op == "param" or (step.last and (update.value is NONE or update.value is FALSE)))


def _unlocked(step: Step, held: Held) -> Step:
    return replace(step, takes=_without(step.takes, held), frees=_without(step.frees, held))


def _without(locks: Sequence[Held], held: Held) -> tuple[Held, ...]:
    return tuple(h for h in locks if h != held)


def relocated(program: Program) -> Program | None:
    """The program with what is held at each location computed anew, or None where locks no longer pair up."""
    threads = {sort: list(locations) for sort, locations in program.threads.items()}
    for operation in program.operations:
        held: list[Held] = []
        steps = sorted((s for s in program.steps if s.operation == operation), key=lambda s: s.source)
        for step in steps:
            if any(h in held for h in step.takes):
                return None
            held += step.takes
            if any(h not in held for h in step.frees):
                return None
            held = [h for h in held if h not in step.frees]
            if not step.last:
                old = threads[step.by][step.target]
                threads[step.by][step.target] = Location(operation, step.name, tuple(held), old.carried)
        if held:
            return None
    return replace(program, threads={s: tuple(ls) for s, ls in threads.items()})


KINDS = (
    dropped_guards,
    forgotten_updates,
    kept_bits,
    weaker_masks,
    one_client_only,
    swapped_steps,
    dropped_locks,
)
