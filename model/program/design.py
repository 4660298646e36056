"""A design as it is written (`Design`), and how it is recorded."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

from model.errors import DesignError, Place, UsageError, shown_path
from model.expr import (
    NONE,
    PAGES,
    TRUTH,
    Client,
    Expr,
    Flag,
    Guest,
    Lock,
    Machine,
    Operation,
    Pages,
    Part,
    Queue,
    Slot,
    Sort,
    Vcpu,
    show,
    wait_for,
    walk,
)
from model.program.builder import pending_name, stored_name
from model.program.layout import keep_registers, locations_of, own_registers, variable_of
from model.program.lowering import steps_of
from model.program.program import Location, Program, Variable
from model.program.proxies import slots
from model.program.step import Step
from model.program.tracing import record_operation

BUILT_IN = {s.name: s for s in (Client, Guest, Machine, Vcpu, Slot)}


class Design:
    """Base class of designs: class attributes are parts, methods under @operation are operations.

    A subclass inherits both; `part = None` or `operation = None` removes an inherited one.
    """


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
        new = own_registers(registers, recorder, new)
        locations += locations_of(recorder, new)
        steps += new
        keep_registers(registers, recorder, new)
    variables = [variable_of(p, "part") for p in parts.values() if not isinstance(p, Lock | Queue)]
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

    from model.expr.algebra import fold, integers

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
