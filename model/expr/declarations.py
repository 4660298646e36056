"""The words to declare the state of a design: sets of pages, flags, locks, queues."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from model.expr.sorts import Sort
from model.expr.tree import PAGES, TRUTH


@dataclass(eq=False)
class Part:
    """A piece of state that a design declares; shared, or one per element of an index sort.

    Args:
        doc: which field of the real program this is.
        per: the index sort that it has one of each for, or None.
        initially: the value before the first move: NONE, ALL, True, False, or a dictionary
            {MIGRATION: ALL} with one entry a constant (all others start empty).
        memory: "sc": a store is seen at once; "tso": a plain store waits in the thread's store buffer until it is
            drained, and the thread alone sees it meanwhile (x86's total store order; docs/design.md, "Store buffers").
        ghost: the real program has no such thing; only ghosts and properties read it, so no thread can notice it.
    """

    doc: str = ""
    per: Sort | None = None
    initially: object = None
    memory: str = "sc"
    ghost: bool = field(default=False, kw_only=True)
    sort: ClassVar[str] = ""
    name: str = field(default="", init=False)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name


@dataclass(eq=False)
class Pages(Part):
    """A set of guest pages: one bit a page in a bitmap engine, a predicate in a parametric one.

    Args:
        cell: with memory="tso", what one store writes: a page, as in a byte map, or ALL, as in a bitmap of one word.
    """

    cell: object = field(default=None, kw_only=True)
    sort: ClassVar[str] = PAGES


class Flag(Part):
    """A truth value."""

    sort = TRUTH


class Lock(Part):
    """A mutual exclusion lock: at most one thread is between taking and freeing it."""

    sort = "lock"


@dataclass(eq=False)
class Queue(Part):
    """A queue of pages of bounded length, first in first out: a PML buffer, a dirty ring.

    `s.ring[me].push(page)` waits for room; `.pop()` waits for an entry; `.head`, `.everything`, `.full` and `.empty`
    are expressions. Each entry is kept in a set of pages of its own, `ring.0` the oldest, so every reader has it.
    """

    length: int = 2
    sort: ClassVar[str] = "queue"
