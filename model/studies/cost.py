"""What a run of a design costs: other sources of dirty pages, schedules, redundant copies, ioctls and bitmaps.

A copy is one page read by one client; it is redundant where the page has not changed since that client last read it.
At the start every client has read everything. The worst case is in `model.studies.cycle_ratio`, the expected one in
`model.studies.markov`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from model.errors import UsageError
from model.expr import MIGRATION as FIRST
from model.expr import (
    NONE,
    PAGES,
    Client,
    Expr,
    Flag,
    Property,
    Sort,
    every,
    every_client,
    idle,
    node,
    operation,
)
from model.instance.instance import Instance, Move
from model.instance.problem import Problem
from model.instance.state import State
from model.instance.trace import Trace
from model.limits import Limits
from model.program.design import Design
from model.program.program import Program
from model.program.step import Step
from model.verify.judge import violation
from model.verify.result import sizes_for

Device = Sort("Device", "whoever writes pages and does not pass through KVM", ("the device",), size=1)
WRITERS = ("Guest", "Device")


# ---------------------------------------------------------------- another source of dirty pages


def with_device(design: type[Design], *, tells_one: bool = False) -> type[Design]:
    """The design with a device that writes pages and marks every client's bitmap itself, never the kernel's log.

    Args:
        tells_one: it marks MIGRATION's bitmap only, which is wrong: other clients lose the write in one move.

    Source: QEMU address_space_unmap() and vhost's log, which end in cpu_physical_memory_set_dirty_range().
    """

    def dma(s, me, page):  # type: ignore[no-untyped-def]
        s.user[FIRST if tells_one else every_client] |= page
        s.unread[every_client] |= page
        yield "stored"

    words = {"dma": operation(dma, by=Device), "__doc__": design.__doc__, "__module__": design.__module__}
    return type(f"{design.__name__}{'AndCarelessDevice' if tells_one else 'AndDevice'}", (design,), words)


# ---------------------------------------------------------------- schedules


def one_sync_a_round(program: Program) -> Program:
    """The program on schedules of rounds: write, then sync at most once, then collect and copy everything.

    No sync begins while a client has something in `user` or `mine`; nothing is written while a client holds what it
    has collected or is in the middle of an operation.
    """

    def part(name: str, c: Any) -> Expr:
        if name not in program.variable:
            return NONE
        return node("var", (name, c.index if program.variable[name].per else None), PAGES)

    empty = every(Client, lambda c: (part("user", c) | part("mine", c)) <= NONE)
    quiet = every(Client, lambda c: (part("mine", c) <= NONE) & idle(c))
    steps = []
    for step in program.steps:
        guard = empty if step.operation == "sync" and step.first else quiet if is_write(program, step) else None
        steps.append(replace(step, guards=(*step.guards, guard)) if guard is not None else step)
    return replace(program, steps=tuple(steps))


# ---------------------------------------------------------------- redundant copies


def _observe(step: Step, before: Any, s: Any, me: Any) -> None:
    if _reads(step.by, step.writes):
        s.again |= ~((_own(before.mine, me) - _own(s.mine, me)) - _own(before.unread, me) <= NONE)


def _own(part: Any, me: Any) -> Any:
    """A client's own part, or the one of all."""
    return part[me] if getattr(part, "sort_of_index", None) else part


no_redundant_copy = Property(
    name="no_redundant_copy",
    kind="always",
    doc="No client reads a page whose content has not changed since it last read it.",
    holds=lambda s: ~s.again,
    parts={"again": Flag("a client has read a page that it had read already")},
    observe=_observe,
)
no_redundant_copy.parts["again"].name = "again"


def redundant_copy(program: Program, pages: int, clients: int, limits: Limits | None = None) -> Trace | None:
    """A shortest trace to a redundant copy, or None where none is reachable at that size.

    Raises:
        Unsettled: the search ended at a limit.
        UsageError: the design has no `mine` and `unread` that a client's read takes away together.
    """
    if not any(_reads(s.by, s.writes) for s in program.steps):
        raise UsageError(f"{program.name} has no step that takes a page from `mine` and `unread`; nothing is copied.")
    asked = Problem.of(program, no_redundant_copy, pages=pages, sizes=sizes_for(program, {Client.name: clients}))
    return violation(asked, limits or Limits(states=30_000_000))


def is_write(program: Program, step: Step) -> bool:
    """A step of the guest or of a device, or one of another thread that makes a page unread."""
    return step.by in WRITERS or (step.operation in program.writing and "unread" in step.writes)


def _reads(by: str, writes: frozenset[str]) -> bool:
    return by == Client.name and {"unread", "mine"} <= writes


@dataclass(frozen=True)
class Count:
    """What a run, or a part of one, comes to.

    Attributes:
        writes: by the guest and by devices, one page each.
        copies: pages read by clients.
        gets, clears: ioctls: a sync that looks at the kernel's log, another step of a client that takes bits from it.
    """

    writes: int = 0
    copies: int = 0
    redundant: int = 0
    gets: int = 0
    clears: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(
            self.writes + other.writes,
            self.copies + other.copies,
            self.redundant + other.redundant,
            self.gets + other.gets,
            self.clears + other.clears,
        )


def counted(instance: Instance, move: Move, before: State, after: State, client: int | None = None) -> Count:
    """What one move comes to; of copies only those of one client where one is given."""
    step, thread = move.ground.step, move.ground.thread
    copies = redundant = 0
    if _reads(step.by, step.writes) and client in (None, thread):
        mine, unread = (_position(instance, name, thread) for name in ("mine", "unread"))
        read = before[mine] & ~after[mine]
        copies, redundant = read.bit_count(), (read & ~before[unread]).bit_count()
    return Count(
        writes=int(is_write(instance.program, step)),
        copies=copies,
        redundant=redundant,
        gets=int(step.operation == "sync" and "kernel" in step.reads),
        clears=int(step.by == Client.name and "kernel" in step.writes and step.operation != "sync"),
    )


def _position(instance: Instance, name: str, thread: int) -> int:
    """Where a client's own part stands, or the one of all."""
    return instance.position[(name, thread) if (name, thread) in instance.position else (name, None)]


def tally(trace: Trace) -> Count:
    """What a whole trace comes to."""
    pairs = zip(trace.moves, trace.states, trace.states[1:], strict=False)
    return sum((counted(trace.instance, m, a, b) for m, a, b in pairs), Count())


def with_totals(trace: Trace) -> list[tuple[str, Count]]:
    """Each move in words, with what the run comes to up to and including it."""
    from model.verify.narration import move_text
    from model.verify.stake import writes_page

    lines, versions, total = [], [0] * trace.instance.pages, Count()
    for number, move in enumerate(trace.moves, 1):
        versions = [v + writes_page(trace, number, p) for p, v in enumerate(versions)]
        total += counted(trace.instance, move, trace.states[number - 1], trace.states[number])
        lines.append((move_text(trace, number, versions), total))
    return lines


def bitmaps(program: Program, clients: int) -> int:
    """Bitmaps that the design keeps, ghosts and registers not counted."""
    kept = [v for v in program.variables if v.role == "part" and v.sort == PAGES and not v.at_stake]
    return sum(1 if v.per is None else clients if v.per.name == Client.name else 1 for v in kept)
