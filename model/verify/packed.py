"""The packed search, where one page may stand for all: then a search with one page comes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import monotonic
from typing import Any

from model.engines.packed import search as packed
from model.instance.problem import Problem
from model.limits import Limits
from model.parametric.cutoff import one_page
from model.verdict import Refuted, Verdict

REDUCTIONS = (*packed.REDUCTIONS, "pages")


def search(
    asked: Problem,
    limits: Limits | None = None,
    *,
    reductions: Sequence[str] = (),
    **how: Any,
) -> Verdict:
    """The packed search with the reduction "pages" too: one page where z3 proves that no step relates two.

    What holds of the one page holds of all. What the one page finds violated is searched again with all pages, so
    that `depth` is the least.

    Raises:
        as `model.engines.packed.search.search`.
    """
    others = [r for r in reductions if r != "pages"]
    begin, left = monotonic(), limits or Limits()
    if "pages" in reductions and (single := one_page(asked)):
        alone = {k: v for k, v in how.items() if k != "checkpoint"}
        found = packed.search(single, left, reductions=others, **alone)
        if not isinstance(found, Refuted):
            return replace(found, seconds=monotonic() - begin)
        left = left.after(begin)
    found = packed.search(asked, left, reductions=others, **how)
    return replace(found, seconds=monotonic() - begin)
