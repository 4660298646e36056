"""What a move of a design asks of the real kernel: pages to write, a GET, a CLEAR with its mask, pages to read.

The table of a ground step is made once from its updates: `kernel - X` is a CLEAR of X (of all ones where the design
says NONE), `kernel | X` by the guest a write of X, another part that takes a value from `kernel` a GET, and
`unread[c] - X` a read of X by client c.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from model.errors import CannotSay
from model.expr import ALL, NONE, PAGES, Expr, make, show, walk
from model.expr.algebra import fold, python_source
from model.instance.codegen import source_leaf
from model.instance.ground_step import GroundStep
from model.instance.instance import Instance, Move
from model.instance.state import State

KERNEL, UNREAD = "kernel", "unread"
Pages = Callable[[State, Mapping[str, int]], int]


@dataclass(frozen=True)
class Act:
    """One thing to do: "write", "get", "clear" or "read".

    Attributes:
        pages: a bitmap of model pages.
        client: who reads.
        all_ones: a CLEAR by a mask of all ones, whatever else is in the slot.
    """

    kind: str
    pages: int = 0
    client: int = 0
    all_ones: bool = False


class Acts:
    """What each move of an instance does on the kernel.

    Raises:
        CannotSay: the design has no shared `kernel` log, or a step changes it in a way that KVM has no ioctl for.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        if (KERNEL, None) not in instance.position:
            raise CannotSay(f"{instance.program.name} has no shared part `kernel`, so there is no log to compare.")
        self.log = instance.position[KERNEL, None]
        start = instance.initial[self.log]
        if start not in (0, instance.full):
            raise CannotSay(f"{instance.program.name} starts with part of its log set; KVM starts with none or all.")
        self.initially_set = bool(start)
        self.unread = {f.number or 0: at for at, f in enumerate(instance.fields) if f.name == UNREAD}
        self.known: dict[int, list[tuple[str, int, bool, Pages]]] = {}

    def __call__(self, move: Move, before: State) -> list[Act]:
        """What `move` does in the state `before` it, in an order that the kernel can take."""
        table = self.known.get(id(move.ground))
        if table is None:
            table = self.known[id(move.ground)] = self._table(move.ground)
        return [Act(kind, pages(before, move.arguments), client, ones) for kind, client, ones, pages in table]

    def _table(self, ground: GroundStep) -> list[tuple[str, int, bool, Pages]]:
        found: dict[tuple[str, int], Expr] = {}
        for position, value in ground.updates:
            name, number = self.instance.fields[position].key
            if self.instance.fields[position].role == "ghost" or name not in (KERNEL, UNREAD):
                continue
            kind, pages = self._change(ground, name, value, self.instance.fields[position].key)
            key = kind, number or 0 if kind == "read" else 0
            found[key] = make("union", found[key], pages) if key in found else pages
        if any(self._looks_at_log(ground, *update) for update in ground.updates):
            found["get", 0] = NONE
        order = ("write", "get", "clear", "read")
        return [
            (kind, client, kind == "clear" and found[kind, client] is ALL, self._compiled(found[kind, client]))
            for kind, client in sorted(found, key=lambda key: order.index(key[0]))
        ]

    def _change(self, ground: GroundStep, name: str, value: Expr, key: tuple[str, int | None]) -> tuple[str, Expr]:
        """The act that a new value of `kernel` or `unread` stands for, and on which pages."""
        taken = "clear" if name == KERNEL else "read"
        if value is NONE:
            return taken, ALL
        args = [a for a in value.args if not (isinstance(a, Expr) and a.op == "field" and a.args == key)]
        if len(args) == 1 and value.op == "minus" and value.args[1] is args[0]:
            return taken, args[0]
        if len(args) == 1 and value.op == "meet":
            return taken, make("minus", ALL, args[0])
        if len(args) == 1 and value.op == "union" and ground.sort in ("Guest", "Vcpu"):
            return "write", args[0]
        raise CannotSay(
            f"{self.instance.program.name}: {ground.step.label} sets {name} := {show(value)}; on KVM a log gains bits "
            "by writes of the guest and loses them by CLEAR."
        )

    def _looks_at_log(self, ground: GroundStep, position: int, value: Expr) -> bool:
        field = self.instance.fields[position]
        if field.role == "ghost" or field.name == KERNEL or field.sort != PAGES:
            return False
        return any(e.op == "field" and e.args == (KERNEL, None) for e in walk(value))

    def _compiled(self, expr: Expr) -> Pages:
        """The pages of an expression as a function of the state and the move's parameters."""

        def leaf(e: Expr) -> str | None:
            if e.op == "field":
                return f"s[{self.instance.position[e.args]}]"
            return f"p[{e.args[0]!r}]" if e.op == "param" else source_leaf(e, self.instance.position)

        text: Any = fold(expr, python_source(self.instance.pages), leaf)
        compiled: Pages = eval(f"lambda s, p: {text}", {})  # noqa: S307 - our own text, made from the recorded tree
        return compiled
