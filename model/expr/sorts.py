"""Index sorts: the kinds of threads and objects that a design has several of, and how it names one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from model.errors import DesignError, here
from model.expr.names import one_line
from model.expr.nodes import IF_ON_STATE, Expr, make


@dataclass(frozen=True)
class Index:
    """A term that names one element of an index sort: `me`, a constant, a parameter, or a bound variable."""

    kind: str  # "me", "each", "const", "param", "bound"
    sort: str
    name: str = ""
    number: int = 0

    def __str__(self) -> str:
        return {"me": "me", "each": f"every {self.sort.lower()}"}.get(self.kind, self.name)

    def complain(self) -> None:
        """Someone used a thread or an object as if it were a set of pages."""
        raise DesignError(
            f"{self} is a {self.sort.lower()}, not a set of pages or a truth value. It says whose part is meant, "
            f"s.part[{self}]; a page is a parameter of the operation: def write(s, me, page).",
            here(),
        )


class Element:
    """An element of an index sort as a design writes it; `==` gives a truth value of the model."""

    __slots__ = ("index",)
    index: Index

    def __init__(self, index: Index) -> None:
        object.__setattr__(self, "index", index)

    def __eq__(self, other: object) -> Any:
        return _same_element(self, other)

    def __ne__(self, other: object) -> Any:
        return ~_same_element(self, other)

    def __hash__(self) -> int:
        return hash(self.index)

    def __bool__(self) -> bool:
        raise DesignError(IF_ON_STATE, here())

    def complain(self) -> None:
        """Someone used a thread or an object as if it were a set of pages."""
        self.index.complain()

    def __repr__(self) -> str:
        return str(self.index)


def _same_element(left: Element, right: object) -> Expr:
    if not isinstance(right, Element):
        raise DesignError(
            f"{left.index} can only be compared with another {left.index.sort}, such as {left.index.sort}[0].", here()
        )
    if left.index.sort != right.index.sort:
        raise DesignError(f"{left.index} is a {left.index.sort}, {right.index} a {right.index.sort}.", here())
    return make("is", left.index, right.index)


class Sort:
    """A kind of thread or object that a design has several of: clients, vCPUs, slots.

    Args:
        name: a capitalised singular noun; `--clients N` and the like are derived from it.
        doc: one line for `--show`.
        names: what the first elements are called in a trace.
    """

    def __init__(self, name: str, doc: str, names: tuple[str, ...] = (), size: int | None = None) -> None:
        if not name.isidentifier() or not name[0].isupper():
            raise DesignError(f"an index sort is named by a capitalised word such as Vcpu, not {name!r}.", here())
        one_line(name, "an index sort", here())
        self.name, self.doc, self.names, self.size = name, doc, names, size

    def __getitem__(self, number: int) -> Element:
        if not isinstance(number, int) or number < 0:
            raise DesignError(f"{self.name}[...] takes a number from 0, such as {self.name}[0].", here())
        return Element(Index("const", self.name, self.call(number), number))

    @property
    def every(self) -> Element:
        """All elements at once, as the index of an assignment."""
        return Element(Index("each", self.name))

    def call(self, number: int) -> str:
        """The name of element `number` in traces."""
        return self.names[number] if number < len(self.names) else f"{self.name.lower()} {number}"

    def __repr__(self) -> str:
        return f"Sort({self.name})"


Client = Sort("Client", "a reader of the dirty log with a bitmap of its own", ("MIGRATION", "VGA", "DIRTY_RATE"))
Guest = Sort("Guest", "whoever writes pages: all vCPUs taken together", ("the guest",), size=1)
Machine = Sort(
    "Machine", "hardware that acts by itself: queues that drain, buffers that empty", ("the machine",), size=1
)
Vcpu = Sort("Vcpu", "one virtual processor", tuple(f"vCPU {n}" for n in range(8)))
Slot = Sort("Slot", "one memory slot of the VM")
MIGRATION = Client[0]
every_client = Client.every


def element(who: object) -> Element:
    """`who` checked to be a thread or object of an index sort."""
    if isinstance(who, Element):
        return who
    raise DesignError(f"a client, vCPU or slot is needed here, such as me or MIGRATION, not {who!r}.", here())
