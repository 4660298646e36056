"""Pages one at a time: where no step and no invariant relates two pages, one page that may be left out stands for all.

Whether they do is put to z3, step by step (`model.parametric.cutoff`; the theorem is in docs/proofs.md). What holds of
the one page holds of every number; where it does not, nothing is said, because what the other pages were to be chosen
for may not be possible, and the whole has to be searched.
"""

from __future__ import annotations

from collections.abc import Sequence

from model.instance.instance import Instance
from model.program.program import Invariant


def one_page(instance: Instance, invariants: Sequence[Invariant]) -> Instance | None:
    """The instance as one of its pages sees it, or None where pages are related or there is one only."""
    if instance.pages == 1:
        return None
    from model.parametric.cutoff import pages_independent

    sizes = {s: n for s, n in instance.sizes.items() if instance.program.sorts[s].size is None}
    found = pages_independent(instance.program, invariants, sizes)
    return Instance(found.one_page, 1, instance.sizes) if found.holds else None
