"""What is asked: a property of a design, at a size, of an engine, within limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from model.errors import UsageError
from model.expr import INFINITE, Client, Property
from model.instance.sizes import known_sorts, refuse_size, used_sorts
from model.limits import Limits
from model.program.design import Design, record
from model.program.program import Program
from model.program.store_buffer import SIZE


@dataclass(frozen=True)
class Lemma:
    """An invariant of the user's own; `spec` finds it again, `rules.py:my_rule`."""

    spec: str
    property: Property

    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.property.name)


@dataclass(frozen=True)
class Question:
    """A property of a design at a size.

    Args:
        name: what the design is called in reports (default: the program's name).
        pages: pages of the finite instance.
        sizes: elements of index sorts, {"Client": 2}; sorts that the design lacks are refused.
        engine: one of ENGINES.
        spec: where the design is found again, `top-layer` or `my_design.py:Mine` (default: the name).
        side_by_side: of `auto`: let the proof run in a second process meanwhile (the caller's main module must be
            importable without side effects, as for any spawned process).
        notes: what a reader should know before the answer, such as a question that is not asked.
        explained: a proof is wanted in clauses that people read, also where views prove.
        lemmas: invariants of the user, to be proved together with the property (`model.verify.lemma`).
        packed: what else the packed engine is told: `reductions` and `checkpoint` of `packed.search.search`.
    """

    design: type[Design]
    property: Property
    pages: int = 2
    sizes: Mapping[str, int] = field(default_factory=dict)
    engine: str = "auto"
    limits: Limits = field(default_factory=Limits)
    name: str = ""
    spec: str = ""
    side_by_side: bool = False
    packed: Mapping[str, Any] = field(default_factory=dict)
    explained: bool = False
    notes: tuple[str, ...] = ()
    lemmas: tuple[Lemma, ...] = ()


def asked_sizes(program: Program, clients: int, others: Mapping[str, int]) -> dict[str, int]:
    """Sizes by index sort, `clients` where the program has clients.

    Raises:
        UsageError: `others` names a sort that the program lacks, or that has another size of its own.
    """
    used = used_sorts(program)
    for name in others:
        if name not in used | ({SIZE} if program.buffer else set()):
            raise UsageError(f"{program.name} has no {name}; it has {known_sorts(program)}.")
        refuse_size(program, name, others[name])
    return ({Client.name: clients} if Client.name in used else {}) | dict(others)


def sized_program(design: type[Design], clients: int, others: Mapping[str, int]) -> tuple[Program, dict[str, int]]:
    """The design recorded with store buffers of the size that is asked for, and its sizes by index sort.

    Raises:
        DesignError: it is not well formed.
        UsageError: as `asked_sizes`.
    """
    sizes = asked_sizes(record(design), clients, others)
    return record(design, buffer=sizes.get(SIZE)), sizes


def refuse_infinite(property: Property, spec: str) -> None:
    """Refuse a property that no finite search of states decides.

    Raises:
        UsageError: it speaks of infinite runs; the message has the command that asks it of the design `spec`.
    """
    if property.kind in INFINITE:
        raise UsageError(
            f"{property.name} speaks of infinite runs, not of states; `clearorder liveness {spec} "
            f"--property {property.name}` asks it."
        )
