"""A design as it is written (`Design`), and how it is recorded."""

from __future__ import annotations

import inspect
import re
from typing import Any

from model.errors import DesignError, UsageError
from model.expr import (
    Client,
    Guest,
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
)
from model.expr.names import identifier
from model.program.builder import Recorder
from model.program.declared import (
    declared,
    place_of_class,
    refuse_forgotten,
    refuse_no_parts,
    refuse_twice,
    well_declared,
)
from model.program.guards import idle_lines, refuse_never
from model.program.layout import keep_registers, locations_of, own_registers, variable_of
from model.program.lowering import steps_of
from model.program.observers import inhabited
from model.program.program import Location, Program, Variable
from model.program.proxies import slots
from model.program.source import UNREAD
from model.program.step import Step
from model.program.store_buffer import SIZE, Drainer, StoreBuffer, at_once, store_buffers, wanted_entries
from model.program.store_order import drained, refuse_overtaking, refuse_read_ghosts
from model.program.threads import machine_threads, sorts_of
from model.program.tracing import record_operation

BUILT_IN = {s.name: s for s in (Client, Guest, Machine, Vcpu, Slot)}


class Design:
    """Base class of designs: class attributes are parts, methods under @operation are operations.

    A subclass inherits both; `part = None` or `operation = None` removes an inherited one.

    Attributes:
        environment, mixins: of a design that was put into an environment (`model.designs.environment`): its name and
            what it adds to every step.
    """

    environment: str = ""
    mixins: tuple[Property, ...] = ()


def record(design: type[Design], *, split_locks: bool = False, buffer: int | None = None) -> Program:
    """Run every operation of the design once and return what it does, step by step.

    Args:
        design: a subclass of Design.
        split_locks: make taking and freeing a lock steps of their own.
        buffer: entries of each store buffer, where a part has memory="tso"; 2 where it is not given.

    Raises:
        UsageError: a buffer has no entry.
        DesignError: the design is not well formed; the message has file and line and says what to write instead.
    """
    if not (isinstance(design, type) and issubclass(design, Design)):
        raise UsageError(f"{design!r} is not a design; a design is a class: class MyDesign(Design): ...")
    refuse_no_parts(design)
    refuse_twice(design)
    place = place_of_class(design)
    members = _members(design)
    for name, member in members.items():
        what = "a part" if isinstance(member, Part) else "an operation"
        identifier(name, f"{what} of {design.__name__}", place)
    parts = {n: p for n, p in members.items() if isinstance(p, Part)}
    for part in parts.values():
        well_declared(design, part, place)
    operations = {n: o for n, o in members.items() if isinstance(o, Operation)}
    if not operations:
        raise DesignError(
            f"{design.__name__} has no operations, so nothing can happen; mark what threads do with @operation.", place
        )
    _queue_entries(parts)
    refuse_forgotten(design, operations)
    sorts = BUILT_IN | sorts_of(design.__name__, parts, operations, place)
    made = Recording(design.__name__, parts, sorts, split_locks)
    for name, op in operations.items():
        made.add(name, op)
    made.steps = machine_threads(made.steps, sorts)
    entries = made.buffered(wanted_entries(buffer))
    variables = [_variable(design, p) for p in parts.values() if not isinstance(p, Lock | Queue)]
    program = Program(
        name=kebab(design.__name__),
        title=design.__name__,
        doc=inspect.getdoc(design) or "",
        place=place,
        parts=parts,
        variables=(*variables, *made.registers.values()),
        threads={s: tuple(ls) for s, ls in made.threads.items()},
        operations=tuple(r.operation for r in made.recorders),
        steps=tuple(made.steps),
        sorts=sorts,
        buffer=entries,
        notes=(*(f"{design.__name__}.{r.operation}: {UNREAD}" for r in made.recorders if not r.complete), *made.notes),
    )
    return inhabited(program, design.mixins, design.environment) if design.mixins else program


class Recording:
    """The operations of a design, recorded one after another.

    Args:
        owner: the design's name, for messages.
        parts, sorts: what operations may name; store buffers add theirs.
        split_locks: make taking and freeing a lock steps of their own.
    """

    def __init__(self, owner: str, parts: dict[str, Part], sorts: dict[str, Sort], split_locks: bool) -> None:
        self.owner, self.parts, self.sorts, self.split_locks = owner, parts, sorts, split_locks
        self.threads: dict[str, list[Location]] = {}
        self.registers: dict[str, Variable] = {}
        self.recorders: list[Recorder] = []
        self.steps: list[Step] = []
        self.notes: list[str] = []

    def add(self, name: str, op: Operation) -> list[Step]:
        """Run the operation; what comes back are its steps, which are kept as well."""
        recorder = record_operation(self.owner, name, op, self.parts, self.sorts, self.split_locks)
        locations = self.threads.setdefault(op.by.name, [Location("", "")])
        base = len(locations)
        new = steps_of(recorder, lambda i: base + i)
        refuse_never(self.owner, new)
        self.notes += idle_lines(self.owner, recorder, new)
        new = own_registers(self.registers, recorder, new)
        locations += locations_of(recorder, new)
        keep_registers(self.registers, recorder, new)
        self.recorders.append(recorder)
        self.steps += new
        return new

    def buffered(self, entries: int) -> int:
        """Put plain stores of `memory="tso"` parts into store buffers; how many entries those have, 0 without any."""
        refuse_read_ghosts(self.owner, self.steps, self.parts)
        buffers = store_buffers(self.steps, self.parts.values(), self.sorts, entries)
        if not buffers:
            return 0
        for taken in {SIZE, Drainer.name} & set(self.sorts):
            raise DesignError(f"{self.owner} has store buffers, and {taken} is a sort of theirs; rename yours.")
        refuse_overtaking(self.recorders, self.steps, self.parts, self.sorts)
        drafts = [draft for r in self.recorders for draft in r.steps]
        of_kind = {b.by.name: b for b in buffers}
        for i, (step, draft) in enumerate(zip(self.steps, drafts, strict=True)):
            if step.by in of_kind:
                self.steps[i] = of_kind[step.by].step(step, fenced=drained(draft))
        for buffer in buffers:
            self._drained_by_itself(buffer)
        return entries

    def _drained_by_itself(self, buffer: StoreBuffer) -> None:
        """Add the parts of the entries, and the operations that make their stores visible."""
        self.parts |= buffer.declared()
        self.sorts[Drainer.name] = Drainer
        for name, op in buffer.drains().items():
            if any(name == r.operation for r in self.recorders):
                raise DesignError(f"{self.owner}.{name} is what its store buffer does; give yours another name.")
            begin = len(self.steps)
            self.add(name, op)
            self.steps[begin:] = [at_once(s) for s in self.steps[begin:]]


def _variable(design: type, part: Part) -> Variable:
    try:
        return variable_of(part, "part")
    except DesignError as wrong:
        raise DesignError(wrong.message, wrong.place or declared(design, part.name)) from None


def _queue_entries(parts: dict[str, Part]) -> None:
    """Add what queues consist of: a part for each entry."""
    for queue in [p for p in parts.values() if isinstance(p, Queue)]:
        for number, name in enumerate(slots(queue)):
            parts[name] = Pages(f"{queue.doc} (entry {number}, 0 is the oldest)", queue.per)
            parts[name].name = name


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
