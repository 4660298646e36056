"""What follows from the recorded steps of an operation: locations, registers, and how each variable starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from model.errors import DesignError
from model.expr import PAGES, TRUTH, Element, Index, Part, bare, is_register, register, rewrite
from model.expr.nodes import ALL, FALSE, NONE, TRUE, Expr, make, node
from model.program.builder import Recorder
from model.program.lowering import carried
from model.program.program import Location, Variable
from model.program.step import Step


def locations_of(recorder: Recorder, steps: list[Step]) -> list[Location]:
    """Where a thread is after each step but the last, with the locks that it holds there."""
    keeps, held, found = carried(recorder), [], []  # type: ignore[var-annotated]
    for step in steps[:-1]:
        held = [h for h in held + list(step.takes) if h not in step.frees]
        found.append(Location(step.operation, step.name, tuple(held), keeps))
    return found


def own_registers(registers: Mapping[str, Variable], recorder: Recorder, steps: list[Step]) -> list[Step]:
    """The steps with a register renamed whose name another kind of thread uses already: `me.page` as `me.vcpu_page`."""
    names = {u.variable for s in steps for u in s.updates if is_register(u.variable)}
    taken = {n for n in names if n in registers and registers[n].per != recorder.by}
    if not taken:
        return steps
    new = {name: register_of(recorder.by.name, name) for name in taken}

    def leaf(expr: Expr) -> Expr | None:
        if expr.op == "var" and expr.args[0] in new:
            return node("var", (new[expr.args[0]], expr.args[1]), expr.sort)
        return None

    def renamed(step: Step) -> Step:
        updates = [
            replace(u, variable=new.get(u.variable, u.variable), value=rewrite(u.value, leaf)) for u in step.updates
        ]
        return replace(step, guards=tuple(rewrite(g, leaf) for g in step.guards), updates=tuple(updates))

    return [renamed(s) for s in steps]


def register_of(sort: str, name: str) -> str:
    """What a register is called where another kind of thread has one of that name."""
    return register(f"{sort.lower()}_{bare(name)}")


def keep_registers(registers: dict[str, Variable], recorder: Recorder, steps: list[Step]) -> None:
    """Add the registers that this operation's steps keep; operations of one kind of thread share a name."""
    for update in (u for s in steps for u in s.updates if is_register(u.variable)):
        known = registers.get(update.variable)
        if known and known.sort != update.value.sort:
            raise recorder.error(
                f"{update.variable} is a {known.sort} register in another operation and a {update.value.sort} "
                f"register here; give it another name.",
                steps[0].place,
            )
        empty = FALSE if update.value.sort == TRUTH else NONE
        doc = f"register of {recorder.operation}"
        registers.setdefault(
            update.variable, Variable(update.variable, update.value.sort, recorder.by, empty, doc, "register")
        )


def variable_of(part: Part, role: str, like: Mapping[str, Variable] | None = None) -> Variable:
    """The variable that a part becomes; `like` has those whose initial value the part may name."""
    ghost = part.ghost or part.doc.startswith("ghost")  # as a design says it: by the word, or by its text
    return Variable(part.name, part.sort, part.per, _initial(part, like or {}), part.doc, role, ghost)


def _initial(part: Part, like: Mapping[str, Variable]) -> Expr:
    empty, given = (NONE if part.sort == PAGES else FALSE), part.initially
    if isinstance(given, str) and given in like:
        return like[given].initial
    if given is None:
        return empty
    if isinstance(given, Mapping) and part.per:
        value = empty
        each = Element(Index("each", part.per.name))
        for constant, start in given.items():
            value = make("choose", each == constant, _constant(part, start), value)
        return value
    return _constant(part, given)


def _constant(part: Part, value: object) -> Expr:
    expr = value if isinstance(value, Expr) else TRUE if value is True else FALSE if value is False else None
    wanted = (NONE, ALL) if part.sort == PAGES else (TRUE, FALSE)
    if expr is None or not any(expr is w for w in wanted):
        raise DesignError(
            f"{part.name} starts as {value!r}; it can start as "
            + ("NONE or ALL" if part.sort == PAGES else "True or False")
            + (", or as a dictionary {MIGRATION: ALL} where all others start empty." if part.per else ".")
        )
    return expr
