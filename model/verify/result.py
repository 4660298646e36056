"""What is said of one property of one design: the verdict, its scope, and what each engine that was asked said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model.instance.instance import Instance
from model.instance.sizes import used_sorts
from model.instance.trace import Trace
from model.program.program import Program
from model.verdict import Verdict
from model.verify.narration import Story


@dataclass(frozen=True)
class Evidence:
    """What one engine that was asked said, and of which scope ("any" where it holds for every size)."""

    engine: str
    verdict: Verdict
    scope: Mapping[str, int | str]


@dataclass(frozen=True)
class Result:
    """The answer to one question.

    Attributes:
        scope: {"pages": 2 or "any", "clients": 2 or "any", …} of the verdict.
        evidence: one entry for each engine that was asked, the deciding one first.
        trace: the counterexample on the size where it is shown, replayed; `whole` adds what follows it.
        notes: what a reader should know besides the verdict, one sentence each.
        proof: what a parametric proof left behind (an invariant), or None.
    """

    design: str
    property: str
    verdict: Verdict
    scope: Mapping[str, int | str]
    program: Program
    evidence: tuple[Evidence, ...] = ()
    story: Story | None = None
    trace: Trace | None = None
    whole: Trace | None = None
    notes: tuple[str, ...] = ()
    proof: Any = None
    spec: str = ""


def sizes_for(program: Program, given: Mapping[str, int]) -> dict[str, int]:
    """The given sizes that the design has a sort for; the guest is always one."""
    used = used_sorts(program)
    return {s: n for s, n in given.items() if s in used}


def finite_scope(instance: Instance) -> dict[str, int | str]:
    """{"pages": 2, "clients": 2}"""
    counts: dict[str, int | str] = {"pages": instance.pages}
    return counts | {counted(s): n for s, n in instance.free_sizes.items()}


def counted(sort: str) -> str:
    """What a scope calls the number of elements of a sort: `clients`, `mainloops`."""
    return f"{sort.lower()}s"
