"""What recording a design yields: guarded steps over variables, and what is asked of their states."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from model.errors import Place
from model.expr import Client, Expr, Guest, Index, Lock, Part, Sort, show
from model.program.step import Held, Step, Update


@dataclass(frozen=True)
class Variable:
    """A piece of state of a program.

    Attributes:
        sort: "pages" or "truth".
        per: the index sort that it has one value each for, or None.
        initial: its value before the first move, over the index of kind "each".
        role: "part" (declared), "register" (private to a thread, empty while it is idle) or "ghost" (of a property).
        at_stake: a declared part that the real program lacks: pages whose newest content somebody has not got.
    """

    name: str
    sort: str
    per: Sort | None
    initial: Expr
    doc: str
    role: str
    at_stake: bool = False


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
        buffer: entries of each store buffer, 0 where no thread has one.
        notes: what a reader of any verdict about it should know, one sentence each.
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
    buffer: int = 0
    notes: tuple[str, ...] = ()
    environment: str = ""

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
    def writing(self) -> Mapping[str, str]:
        """operation -> sort of its threads, for what writes pages: whatever the guest or a device makes unread.

        A client's operations are no writes, nor is a thread of another sort that only reads (`unread -= want`).
        """
        steps = [s for s in self.steps if s.by != Client.name and "unread" in s.writes]
        return {s.operation: s.by for s in steps if s.by == Guest.name or any(map(_makes_unread, s.updates))}

    @property
    def surroundings(self) -> str:
        """What a command line needs besides, so that the design stands in its environment: an option, or nothing."""
        return f" --environment {self.environment}" if self.environment else ""

    @property
    def heading(self) -> str:
        """What a report calls it: its name, and the environment that it is in."""
        return self.name + self.where

    @property
    def where(self) -> str:
        """The environment that it is in, to stand behind a name; nothing where it is in none."""
        return f" in the environment {self.environment}" if self.environment else ""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the meaning of the design: variables and steps, not comments, names of files or lines."""
        text = [f"{v.name} {v.sort} {v.per and v.per.name} {show(v.initial)} {v.role}" for v in self.variables]
        for s in self.steps:
            text.append(f"{s.label} {s.by} {s.source} {s.target} {s.params} {s.takes} {s.frees}")
            text += [f" wait {show(g)}" for g in s.guards]
            text += [f" {u.variable}[{u.index}] := {show(u.value)}" for u in s.updates]
        return hashlib.sha256("\n".join(text).encode()).hexdigest()


def _makes_unread(update: Update) -> bool:
    return update.variable == "unread" and not _only_less(update.value)


def _only_less(value: Expr) -> bool:
    """`unread - a - b`"""
    while value.op == "minus":
        value = value.args[0]
    return value.op == "var" and value.args[0] == "unread"


@dataclass(frozen=True)
class Invariant:
    """A truth value that must hold in every reachable state, for each value of `each` where that is given."""

    name: str
    holds: Expr
    each: Index | None = None
