"""The bare tree of an expression: an operator, its arguments, and what kind of value it has."""

from __future__ import annotations

from typing import Any

PAGES, TRUTH, PLACE = "pages", "truth", "place"


class Node:
    """One node of an expression over the state before a step.

    `op` is a row of every table in `model.expr.algebra`; `sort` is "pages" or "truth"; `when` is the serial number of
    the atomic step whose state the node reads while a design is being recorded, else None.
    """

    __slots__ = ("__weakref__", "args", "op", "sort", "when")
    op: str
    args: tuple[Any, ...]
    sort: str
    when: int | None
