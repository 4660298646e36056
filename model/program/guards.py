"""Lines that do nothing: guards that no state fails or none satisfies, registers that nobody reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from model.errors import DesignError
from model.expr import TRUE, TRUTH, Expr, show, walk
from model.expr.algebra import fold, integers
from model.program.builder import Recorder
from model.program.step import Step

PAGES, LEAVES = 2, 5  # decided on so many pages, where no more parts and parameters are looked at


def refuse_never(owner: str, steps: Sequence[Step]) -> None:
    """Refuse an operation whose first guard no state satisfies."""
    first = steps[0]
    if _never(list(first.guards), first):
        raise DesignError(
            f"{owner}.{first.operation}: its first guard is never true, so the operation can never run: "
            f"{' & '.join(show(g) for g in first.guards)}.",
            first.place,
        )


def idle_lines(owner: str, recorder: Recorder, steps: Sequence[Step]) -> Iterator[str]:
    """A note for each register that is set and never read, and for each guard that every state satisfies."""
    for name in recorder.unread:
        yield f"unused: {owner}.{recorder.operation} sets me.{name} and never reads it, so nothing of it is recorded"
    for step in steps:
        for guard in step.guards:
            if guard is TRUE or _never([~guard], step):
                place = f" (line {step.place.line})" if step.place else ""
                yield f"unused: a guard of {owner}.{step.label}{place} is always true, so it waits for nothing"


def _never(roots: list[Expr], step: Step) -> bool:
    """No state and no choice makes all of them true; False also where that is not quickly decided."""
    leaves = {id(e): e for e in walk(*roots) if e.op in ("var", "param", "is", "at", "free")}
    if not roots or len(leaves) > LEAVES or any(e.op in ("for_all", "exists", "spread", "shift") for e in walk(*roots)):
        return False
    return not _satisfiable(roots, list(leaves.values()), step)


def _satisfiable(roots: list[Expr], leaves: list[Expr], step: Step) -> bool:
    domain = {p.name: p.kind for p in step.params}
    table = integers(PAGES)

    def values(leaf: Expr) -> list[Any]:
        if leaf.sort == TRUTH:
            return [False, True]
        kind = domain.get(leaf.args[0]) if leaf.op == "param" else "any"
        least, most = {"some": (1, PAGES), "page": (1, 1)}.get(str(kind), (0, PAGES))
        return [v for v in range(1 << PAGES) if least <= v.bit_count() <= most]

    for chosen in product(*(values(x) for x in leaves)):
        given = {id(leaf): value for leaf, value in zip(leaves, chosen, strict=True)}
        if all(fold(r, table, lambda e: given[id(e)]) for r in roots):
            return True
    return False
