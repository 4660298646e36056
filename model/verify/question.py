"""What is asked: a property of a design, at a size, of an engine, within limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from model.expr import Property
from model.limits import Limits
from model.program.design import Design


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
    notes: tuple[str, ...] = ()
