"""What recording yields: guarded atomic steps, their parameters, updates and locks. Immutable."""

from __future__ import annotations

from dataclasses import dataclass, field

from model.errors import Place
from model.expr import Expr, Index, walk


@dataclass(frozen=True)
class Param:
    """A parameter of an operation: the checker chooses it, in its first step, in every way its kind allows."""

    name: str
    kind: str  # "some": a non-empty set of pages; "any": any set; "page": one page; "truth"; "index"
    sort: str = ""  # the index sort, for kind "index"


@dataclass(frozen=True)
class Update:
    """`variable[index] := value`, where the value reads the state before the step. Later updates win.

    A `buffered` one goes to the thread's store buffer; there is none in a recorded program (see `store_buffer`).
    """

    variable: str
    index: Index | None
    value: Expr
    buffered: bool = False


@dataclass(frozen=True)
class Held:
    """A lock, and which one where there is one per element of a sort."""

    lock: str
    index: Index | None = None

    def __str__(self) -> str:
        return self.lock if self.index is None else f"{self.lock}[{self.index}]"


@dataclass(frozen=True)
class Step:
    """One atomic step of an operation: from `source` to `target`, possible while every guard holds.

    Location 0 of a thread is idle. `takes` and `frees` are locks; `params` are chosen by this step. `code` has the
    lines of the design that it was recorded from, the first of which is `place`.
    """

    operation: str
    name: str
    by: str
    source: int
    target: int
    params: tuple[Param, ...]
    guards: tuple[Expr, ...]
    updates: tuple[Update, ...]
    takes: tuple[Held, ...] = ()
    frees: tuple[Held, ...] = ()
    place: Place | None = None
    code: tuple[Place, ...] = field(default=(), compare=False, repr=False)

    @property
    def label(self) -> str:
        """`operation.step`, or the operation alone where it is a single unnamed step."""
        return f"{self.operation}.{self.name}" if self.name else self.operation

    @property
    def first(self) -> bool:
        return self.source == 0

    @property
    def last(self) -> bool:
        return self.target == 0

    @property
    def writes(self) -> frozenset[str]:
        """Names of the variables that the step may change."""
        return frozenset(u.variable for u in self.updates)

    @property
    def reads(self) -> frozenset[str]:
        """Names of the variables that its guards and new values look at."""
        roots = [*self.guards, *(u.value for u in self.updates)]
        return frozenset(e.args[0] for e in walk(*roots) if e.op == "var")
