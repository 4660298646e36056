"""The engine `views`: proves for any number of pages and processes, or refutes with the fewest processes."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic

from model.errors import CannotSay
from model.instance.problem import Problem
from model.limits import Limits
from model.parametric.views.elsewhere import trackable
from model.parametric.views.look import Look
from model.parametric.views.one_page import OnePage, group_of, one_page
from model.parametric.views.table import Safe
from model.verdict import Proved, Undetermined, Verdict

SECONDS = 30.0  # for all of it, where no limit is given
LARGEST = 4  # pages that are looked at together


def prove(
    problem: Problem, limits: Limits | None = None, sizes: Mapping[str, int] | None = None, pages: int | None = None
) -> Verdict:
    """Decide the problem for any number of pages and of each open sort.

    Args:
        sizes: open sorts of which there are exactly so many.
        pages: there are exactly so many.

    Returns:
        Proved with a Safe, Refuted with a Replayed, or Undetermined with the reason: which part ran out, or what is
        outside of the fragment.
    """
    with _uncollected():
        return _Decision(problem, limits or Limits(), dict(sizes or {}), pages).verdict()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector of cycles: it would look at every view again and again, and views have no cycles."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class _Decision:
    def __init__(self, problem: Problem, limits: Limits, sizes: Mapping[str, int], pages: int | None) -> None:
        self.problem, self.limits, self.sizes, self.pages = problem, limits, sizes, pages
        self.begin = monotonic()
        self.until = self.begin + (SECONDS if limits.seconds is None else limits.seconds)

    def verdict(self) -> Verdict:
        """One way to look after the other, each with its share of the time, until one decides; what the first says."""
        first: Verdict | None = None
        ways = list(self.ways())
        while ways and (first is None or monotonic() < self.until):
            now = monotonic()
            found = ways.pop(0)(now + (self.until - now) / (len(ways) + 1))
            if found.conclusive:
                return replace(found, seconds=monotonic() - self.begin)
            first = first or found
        assert first is not None
        return replace(first, seconds=monotonic() - self.begin)

    def ways(self) -> Iterator[Callable[[float], Verdict]]:
        """All pages where so many are asked for. Else one page; one that knows of others; those that steps round to."""
        program, asked = self.problem.program, self.problem.invariants
        if self.pages is not None:
            yield lambda until: self.look(lambda: OnePage(program, ()), (self.pages or 1,), True, until)
            return
        yield lambda until: self.look(lambda: one_page(program, asked), (1,), False, until)
        if tracked := trackable(program):
            yield lambda until: self.look(lambda: one_page(program, asked, tracked), (1,), False, until)
        group = group_of(program)
        if 1 < group <= LARGEST:
            sizes = range(1, group + 1)  # the last pages of a design may be fewer than a group
            yield lambda until: self.look(lambda: one_page(program, asked, tracked, group), sizes, False, until)

    def look(self, seen: Callable[[], OnePage], pages: Sequence[int], whole: bool, until: float) -> Verdict:
        """What is said with so many pages each time: a proof where each is one."""
        verdict: Verdict = Undetermined(engine="views", reason="no pages")
        fewer: list[Safe] = []
        try:
            program = seen()
        except CannotSay as wrong:
            return Undetermined(engine="views", reason=str(wrong))
        for number in pages:
            ask = Look(self.problem, self.limits, self.sizes, program, number, whole, monotonic(), until)
            verdict = ask.verdict()
            if not isinstance(verdict, Proved):
                return verdict
            verdict = replace(verdict, detail=replace(verdict.detail, fewer=tuple(fewer)))
            fewer.append(verdict.detail)
        return verdict
