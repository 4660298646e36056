"""A design as it is written (`Design`) and as every reader sees it (`Program`)."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from model.errors import DesignError, Place, UsageError, shown_path
from model.expr import (
    ALL,
    FALSE,
    NONE,
    PAGES,
    TRUE,
    TRUTH,
    Client,
    Element,
    Expr,
    Flag,
    Guest,
    Index,
    Lock,
    Machine,
    Operation,
    Pages,
    Part,
    Property,
    Queue,
    Slot,
    Sort,
    Vcpu,
    lift,
    make,
    node,
    recorders,
    replace_index,
    rewrite,
    show,
    wait_for,
    walk,
)
from model.record import Recorder, carried, last_place, pending_name, record_operation, steps_of, stored_name
from model.step import Held, Step, Update
from model.views import StateView, slots

BUILT_IN = {s.name: s for s in (Client, Guest, Machine, Vcpu, Slot)}


class Design:
    """Base class of designs: class attributes are parts, methods under @operation are operations.

    A subclass inherits both; `part = None` or `operation = None` removes an inherited one.
    """


@dataclass(frozen=True)
class Variable:
    """A piece of state of a program.

    Attributes:
        sort: "pages" or "truth".
        per: the index sort that it has one value each for, or None.
        initial: its value before the first move, over the index of kind "each".
        role: "part" (declared), "register" (private to a thread, empty while it is idle) or "ghost" (of a property).
    """

    name: str
    sort: str
    per: Sort | None
    initial: Expr
    doc: str
    role: str


@dataclass(frozen=True)
class Location:
    """Where a thread can be: idle (operation "") or after a step of an operation, holding locks."""

    operation: str
    after: str
    held: tuple[Held, ...] = ()
    carried: tuple[str, ...] = ()


@dataclass(frozen=True)
class Program:
    """What recording a design yields: guarded atomic steps over variables. Immutable; every reader starts here.

    Attributes:
        name: as on the command line, `per-slot-cache`.
        threads: for each index sort that runs operations, its locations; number 0 is idle.
        operations: names in the order of definition, base classes first.
    """

    name: str
    title: str
    doc: str
    place: Place | None
    parts: Mapping[str, Part]
    variables: tuple[Variable, ...]
    threads: Mapping[str, tuple[Location, ...]]
    operations: tuple[str, ...]
    steps: tuple[Step, ...]
    sorts: Mapping[str, Sort]

    @cached_property
    def variable(self) -> Mapping[str, Variable]:
        return {v.name: v for v in self.variables}

    @property
    def locks(self) -> tuple[Lock, ...]:
        return tuple(p for p in self.parts.values() if isinstance(p, Lock))

    def holders(self, held: Held) -> list[tuple[str, int, Held]]:
        """(sort, location, as held there) of every place where a thread holds that lock or one of its family."""
        return [
            (sort, number, other)
            for sort, locations in self.threads.items()
            for number, location in enumerate(locations)
            for other in location.held
            if other.lock == held.lock
        ]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the meaning of the design: variables and steps, not comments, names of files or lines."""
        text = [f"{v.name} {v.sort} {v.per and v.per.name} {show(v.initial)} {v.role}" for v in self.variables]
        for s in self.steps:
            text.append(f"{s.label} {s.by} {s.source} {s.target} {s.params} {s.takes} {s.frees}")
            text += [f" wait {show(g)}" for g in s.guards]
            text += [f" {u.variable}[{u.index}] := {show(u.value)}" for u in s.updates]
        return hashlib.sha256("\n".join(text).encode()).hexdigest()


@dataclass(frozen=True)
class Invariant:
    """A truth value that must hold in every reachable state, for each value of `each` where that is given."""

    name: str
    holds: Expr
    each: Index | None = None


def record(design: type[Design], *, split_locks: bool = False) -> Program:
    """Run every operation of the design once and return what it does, step by step.

    Args:
        design: a subclass of Design.
        split_locks: make taking and freeing a lock steps of their own.

    Raises:
        DesignError: the design is not well formed; the message has file and line and says what to write instead.
    """
    if not (isinstance(design, type) and issubclass(design, Design)):
        raise UsageError(f"{design!r} is not a design; a design is a class: class MyDesign(Design): ...")
    members = _members(design)
    parts = {n: p for n, p in members.items() if isinstance(p, Part)}
    for part in parts.values():
        _well_declared(design.__name__, part, _place(design))
    operations = {n: o for n, o in members.items() if isinstance(o, Operation)}
    place = _place(design)
    if not operations:
        raise DesignError(
            f"{design.__name__} has no operations, so nothing can happen; mark what threads do with @operation.", place
        )
    _expand(parts, operations)
    _forgotten(design, operations)
    sorts = dict(BUILT_IN)
    sorts |= {p.per.name: p.per for p in parts.values() if p.per} | {o.by.name: o.by for o in operations.values()}
    threads: dict[str, list[Location]] = {}
    registers: dict[str, Variable] = {}
    steps: list[Step] = []
    for name, op in operations.items():
        recorder = record_operation(design.__name__, name, op, parts, sorts, split_locks)
        locations = threads.setdefault(op.by.name, [Location("", "")])
        base = len(locations)
        new = steps_of(recorder, lambda i, base=base: base + i)  # type: ignore[misc]
        _can_run(design.__name__, new)
        new = _own_registers(registers, recorder, new)
        locations += _locations(recorder, new)
        steps += new
        _registers(registers, recorder, new)
    variables = [_variable(p, "part") for p in parts.values() if not isinstance(p, Lock | Queue)]
    return Program(
        name=kebab(design.__name__),
        title=design.__name__,
        doc=inspect.getdoc(design) or "",
        place=place,
        parts=parts,
        variables=(*variables, *registers.values()),
        threads={s: tuple(ls) for s, ls in threads.items()},
        operations=tuple(operations),
        steps=tuple(steps),
        sorts=sorts,
    )


def _well_declared(owner: str, part: Part, place: Place | None) -> None:
    if not part.doc or not isinstance(part.doc, str):
        raise DesignError(
            f'{owner}.{part.name}: say in a string which field of the real program it is: Pages("...").', place
        )
    if part.per is not None and not isinstance(part.per, Sort):
        raise DesignError(
            f"{owner}.{part.name}: per={part.per!r} is no index sort; write per=Client, without quotes.", place
        )


def _forgotten(design: type[Design], operations: Mapping[str, Operation]) -> None:
    """Refuse a method of the design itself that is no operation and that no operation calls: it would never run."""
    own = {n: f for n, f in vars(design).items() if inspect.isfunction(f) and not n.startswith("__")}
    called = {name for o in operations.values() for name in o.function.__code__.co_names}
    while more := {n for name in called & set(own) for n in own[name].__code__.co_names} - called:
        called |= more
    for name, function in own.items():
        if name not in called:
            code = function.__code__
            raise DesignError(
                f"{design.__name__}.{name} is no operation and no operation calls it, so it would never run; "
                f"write @operation in front of it, or remove it.",
                Place(shown_path(code.co_filename), code.co_firstlineno),
            )


def _expand(parts: dict[str, Part], operations: dict[str, Operation]) -> None:
    """Add what queues and store buffers consist of: parts for their entries, and the machine's draining."""
    for queue in [p for p in parts.values() if isinstance(p, Queue)]:
        if not isinstance(queue.length, int) or queue.length < 1:
            raise DesignError(f"queue {queue.name} holds at least 1 entry, not {queue.length!r}.")
        for number, name in enumerate(slots(queue)):
            parts[name] = _named(Pages(f"{queue.doc} (entry {number}, 0 is the oldest)", queue.per), name)
    kinds = {o.by.name: o.by for o in operations.values()}
    for part in [p for p in parts.values() if p.memory != "sc"]:
        if part.memory != "tso" or part.per is not None or not isinstance(part, Pages | Flag):
            raise DesignError(
                f'{part.name}: memory="tso" is for a set of pages or a flag that all threads share; '
                f'every other part is memory="sc".'
            )
        for by in kinds.values():
            _buffer(parts, operations, part, by)


def _buffer(parts: dict[str, Part], operations: dict[str, Operation], part: Part, by: Sort) -> None:
    """One store buffer a thread of a kind: what it stored, whether it is pending, and the operation that drains it."""
    stored, pending = stored_name(part, by), pending_name(part, by)
    parts[stored] = _named(type(part)(f"store buffer: what was stored to {part.name}", by), stored)
    parts[pending] = _named(Flag(f"store buffer: a store to {part.name} is pending", by), pending)

    def drain(s: Any, me: Any, thread: Any) -> None:
        wait_for(getattr(s, pending)[thread])
        setattr(s, part.name, getattr(s, stored)[thread])
        getattr(s, stored)[thread] = NONE if part.sort == PAGES else False
        getattr(s, pending)[thread] = False

    drain.__annotations__ = {"thread": by}
    operations[f"drain_{part.name}_of_{by.name.lower()}"] = Operation(drain, Machine)


def _named(part: Part, name: str) -> Part:
    part.name = name
    return part


def kebab(name: str) -> str:
    """`PerSlotCache` as `per-slot-cache`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", "-", name).lower()


def _members(design: type) -> dict[str, Any]:
    """Parts and operations, base classes first, in the order of definition; None removes."""
    order: dict[str, Any] = {}
    for cls in reversed(design.__mro__):
        for name, value in vars(cls).items():
            if isinstance(value, Part | Operation) or (value is None and name in order):
                order[name] = value
    return {n: v for n, v in order.items() if v is not None}


def _place(design: type) -> Place | None:
    try:
        return Place(shown_path(inspect.getsourcefile(design) or ""), inspect.getsourcelines(design)[1])
    except (OSError, TypeError):
        return None


def _locations(recorder: Recorder, steps: list[Step]) -> list[Location]:
    keeps, held, found = carried(recorder), [], []  # type: ignore[var-annotated]
    for step in steps[:-1]:
        held = [h for h in held + list(step.takes) if h not in step.frees]
        found.append(Location(step.operation, step.name, tuple(held), keeps))
    return found


def _own_registers(registers: Mapping[str, Variable], recorder: Recorder, steps: list[Step]) -> list[Step]:
    """The steps with a register renamed whose name another kind of thread uses already: `me.page` as `me.vcpu_page`."""
    names = {u.variable for s in steps for u in s.updates if u.variable.startswith("me.")}
    taken = {n for n in names if n in registers and registers[n].per != recorder.by}
    if not taken:
        return steps
    new = {name: register_of(recorder.by.name, name) for name in taken}

    def leaf(expr: Expr) -> Expr | None:
        if expr.op == "var" and expr.args[0] in new:
            return node("var", (new[expr.args[0]], expr.args[1]), expr.sort)
        return None

    def renamed(step: Step) -> Step:
        updates = [Update(new.get(u.variable, u.variable), u.index, rewrite(u.value, leaf)) for u in step.updates]
        return replace(step, guards=tuple(rewrite(g, leaf) for g in step.guards), updates=tuple(updates))

    return [renamed(s) for s in steps]


def register_of(sort: str, name: str) -> str:
    """What a register is called where another kind of thread has one of that name."""
    return f"me.{sort.lower()}_{name.removeprefix('me.')}"


def _registers(registers: dict[str, Variable], recorder: Recorder, steps: list[Step]) -> None:
    """Add the registers that this operation's steps keep; operations of one kind of thread share a name."""
    for update in (u for s in steps for u in s.updates if u.variable.startswith("me.")):
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


def _variable(part: Part, role: str, like: Mapping[str, Variable] | None = None) -> Variable:
    return Variable(part.name, part.sort, part.per, _initial(part, like or {}), part.doc, role)


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


def _can_run(owner: str, steps: list[Step]) -> None:
    """Refuse an operation whose first guard no state satisfies (decided on up to two pages where that is quick)."""
    first = steps[0]
    roots = list(first.guards)
    leaves = {id(e): e for e in walk(*roots) if e.op in ("var", "param", "is", "at", "free")}
    if not roots or len(leaves) > 5 or any(e.op in ("for_all", "exists", "spread", "shift") for e in walk(*roots)):
        return
    if not _satisfiable(roots, list(leaves.values()), first):
        raise DesignError(
            f"{owner}.{first.operation}: its first guard is never true, so the operation can never run: "
            f"{' & '.join(show(g) for g in roots)}.",
            first.place,
        )


def _satisfiable(roots: list[Expr], leaves: list[Expr], step: Step) -> bool:
    from itertools import product

    from model.algebra import fold, integers

    domain = {p.name: p.kind for p in step.params}
    pages = 2
    table = integers(pages)

    def values(leaf: Expr) -> list[Any]:
        if leaf.sort == TRUTH:
            return [False, True]
        kind = domain.get(leaf.args[0]) if leaf.op == "param" else "any"
        least, most = {"some": (1, pages), "page": (1, 1)}.get(str(kind), (0, pages))
        return [v for v in range(1 << pages) if least <= v.bit_count() <= most]

    for chosen in product(*(values(x) for x in leaves)):
        given = {id(leaf): value for leaf, value in zip(leaves, chosen, strict=True)}
        if all(fold(r, table, lambda e: given[id(e)]) for r in roots):
            return True
    return False


# ---------------------------------------------------------------- properties on a program


def invariant(program: Program, property: Property) -> Invariant:
    """What `property` says of every state of `program` (which has the property's ghosts, see `observed`).

    Raises:
        UsageError: the design lacks a part that the property is about.
    """
    recorder = Recorder(program.title, program.parts, property.name, Client)
    recorder.serial = None
    view = StateView(recorder)
    arguments = [p for p in inspect.signature(property.holds).parameters.values() if p.default is p.empty]
    each = Index("bound", Client.name, "client") if len(arguments) > 1 else None
    given = [Element(each)] if each else []
    try:
        holds = lift(property.holds(view, *given))
    except DesignError as wrong:
        raise UsageError(f"{property.name} cannot be asked of {program.name}: {wrong.message}") from None
    except Exception as wrong:
        raise UsageError(f"{property.name}: {type(wrong).__name__}: {wrong}", last_place(wrong)) from wrong
    if holds.sort != TRUTH:
        raise UsageError(f"{property.name} gives a set of pages ({show(holds)}); compare it: ... <= NONE.")
    return Invariant(property.name, rewrite(holds, lambda e: None), each)


def observed(program: Program, property: Property) -> Program:
    """`program` with the property's ghost parts, its operations, and its observer in every atomic step.

    The observer may change ghosts only, so whatever the observed program does, the design does too; guards that it
    adds (a guest that has stopped writes no more) only take behaviour away.
    """
    _speaks_of(program, property)
    if not (property.parts or property.operations or property.observe):
        return program
    for name in (*property.parts, *property.operations):
        if name in program.parts or name in program.operations:
            raise UsageError(f"{property.name} adds '{name}', which {program.name} has already; rename yours.")
    parts = dict(program.parts) | property.parts
    ghosts = [_variable(p, "ghost", program.variable) for p in property.parts.values()]
    steps = [_watched(program, property, parts, s) for s in program.steps]
    threads = dict(program.threads)
    for name, op in property.operations.items():
        recorder = record_operation(property.name, name, op, parts, program.sorts, False)
        base = len(threads.setdefault(op.by.name, (Location("", ""),)))
        new = steps_of(recorder, lambda i, base=base: base + i)  # type: ignore[misc]
        threads[op.by.name] += tuple(_locations(recorder, new))
        steps += new
    return replace(
        program,
        parts=parts,
        variables=(*program.variables, *ghosts),
        threads=threads,
        operations=(*program.operations, *property.operations),
        steps=tuple(steps),
    )


def _speaks_of(program: Program, property: Property) -> None:
    known = {*program.parts, *program.operations}
    for name in property.needs:
        if name not in known:
            raise UsageError(
                f"{property.name} cannot be asked of {program.name}: it is about '{name}', which {program.title} "
                f"lacks; it has {', '.join(sorted(known))}."
            )
    for name in property.lacks:
        if name in known:
            raise UsageError(f"{property.name} cannot be asked of {program.name}: it is not for designs with '{name}'.")


def _watched(program: Program, property: Property, parts: Mapping[str, Part], step: Step) -> Step:
    if property.observe is None:
        return step
    by = program.sorts[step.by]
    now = Recorder(program.title, parts, f"{property.name} at {step.label}", by)
    then = Recorder(program.title, parts, f"{property.name} before {step.label}", by)
    then.serial = now.serial
    now.draft.updates = list(step.updates)
    recorders.append(now)
    try:
        property.observe(step, StateView(then), StateView(now), Element(Index("me", step.by)))
    except DesignError as wrong:
        raise UsageError(f"{property.name} cannot be asked of {program.name}: {wrong.message}") from None
    except Exception as wrong:
        raise UsageError(f"{property.name}: {type(wrong).__name__}: {wrong}", last_place(wrong)) from wrong
    finally:
        recorders.pop()
    added = now.draft.updates[len(step.updates) :]
    for update in added:
        if update.variable not in property.parts:
            raise UsageError(f"{property.name} changes {update.variable}, which is the design's; it may only watch.")
    plain = [Update(u.variable, u.index, rewrite(u.value, lambda e: None)) for u in added]
    guards = [rewrite(g, lambda e: None) for g in now.draft.guards]
    return replace(step, updates=(*step.updates, *plain), guards=(*step.guards, *guards))


def goals(program: Program, property: Property, sizes: Mapping[str, int]) -> list[tuple[str, Program, Invariant]]:
    """What a `sometimes` property wants to see happen: (label, observed program, "it has not happened").

    A search that refutes the invariant has found the happening; one that proves it has shown a vacuity.
    """
    found = []
    for case in property.cases(program) if property.cases else [None]:
        given = {"case": case} if property.cases else {}
        bound = replace(
            property,
            holds=partial(property.holds, **given),
            observe=partial(property.observe, **given) if property.observe else None,
        )
        watched = observed(program, bound)
        wanted = invariant(watched, bound)
        if wanted.each is None:
            found.append((str(case or property.name), watched, Invariant(property.name, ~wanted.holds)))
            continue
        for k in range(sizes.get(wanted.each.sort, 1)):
            name = program.sorts[wanted.each.sort].call(k)
            one = replace_index(wanted.holds, wanted.each, Index("const", wanted.each.sort, name, k))
            found.append((f"{name} {case}" if case else name, watched, Invariant(property.name, ~one)))
    return found
