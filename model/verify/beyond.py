"""Beyond the size that was asked for: views, and where they cannot say, the search for clauses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from time import monotonic

from model.instance.problem import Problem
from model.limits import Limits, Progress
from model.verdict import Proved, Refuted, Undetermined, Verdict
from model.verify.result import Evidence, any_scope, finite_scope

PROOF_SECONDS = 60.0  # for all that is said beyond a size
VIEWS_SECONDS = 30.0
FEW = 2  # elements of a sort up to which a proof for exactly so many is tried


def proof(
    problem: Problem, seconds: float | None, report: Callable[[Progress], None] | None = None
) -> tuple[Verdict, dict[str, int]]:
    """A proof for any number of everything; where that fails, for any number of pages at the few clients asked for.

    Returns:
        The verdict, and the sizes that it is limited to: {} or {"Client": 1}.
    """
    from model.parametric.inference import prove as inductive

    begin, asked = monotonic(), (problem.program, problem.invariants)
    verdict = inductive.prove(*asked, Limits(seconds=seconds, report=report))
    fixed = {s: n for s, n in problem.free_sizes.items() if n <= FEW}
    if verdict.conclusive or interrupted(verdict) or fixed != problem.free_sizes:
        return verdict, {}
    left = Limits(seconds=(PROOF_SECONDS if seconds is None else seconds) - (monotonic() - begin), report=report)
    few = inductive.prove(*asked, left, sizes=fixed) if left.seconds and left.seconds > 0 else verdict
    return (few, fixed) if few.conclusive else (verdict, {})


def viewed(problem: Problem, limits: Limits, any_pages: bool = False) -> Evidence:
    """What views say for any number; else of what is fixed as in `parts`, the first that is proved.

    Args:
        any_pages: nothing is wanted that is of so many pages only.
    """
    seconds = VIEWS_SECONDS if limits.seconds is None else limits.seconds
    begin, limits = monotonic(), replace(limits, seconds=seconds)
    found = _viewed(problem, replace(limits, seconds=seconds * 0.7), {})
    return found if found.verdict.conclusive else parts(problem, limits.after(begin), any_pages) or found


def parts(problem: Problem, limits: Limits, any_pages: bool = False) -> Evidence | None:
    """A proof by views of part of it: any number of pages with the few of each sort that were asked for, else any
    number of each sort with the pages that were.
    """
    begin, few = monotonic(), problem.free_sizes
    ways: list[tuple[Mapping[str, int], int | None]] = []
    if few and max(few.values()) <= FEW:
        ways.append((few, None))
    if few and problem.pages <= FEW and not any_pages:
        ways.append(({}, problem.pages))
    for number, (sizes, pages) in enumerate(ways):
        left = limits.after(begin)
        if left.seconds is not None:
            left = replace(left, seconds=left.seconds / (len(ways) - number))
        found = _viewed(problem, left, sizes, pages)
        if isinstance(found.verdict, Proved) or (pages is not None and found.verdict.conclusive):
            return found
    return None


def _viewed(problem: Problem, limits: Limits, sizes: Mapping[str, int], pages: int | None = None) -> Evidence:
    from model.parametric.views.decide import prove

    verdict = prove(problem, limits, sizes, pages)
    if isinstance(verdict, Refuted):
        return Evidence("views", verdict, finite_scope(verdict.detail.problem.instance))
    found = _of_any(problem, "views", verdict, sizes)
    return found if pages is None else replace(found, scope={**found.scope, "pages": pages})


def proven(problem: Problem, verdict: Verdict, fixed: Mapping[str, int]) -> Evidence:
    """What the search for clauses says."""
    return _of_any(problem, "inductive", verdict, fixed)


def _of_any(problem: Problem, engine: str, verdict: Verdict, fixed: Mapping[str, int]) -> Evidence:
    """An answer for any number of everything but what is fixed."""
    return Evidence(engine, verdict, any_scope(problem.instance, fixed))


def beyond(problem: Problem, seconds: float, report: Callable[[Progress], None] | None = None) -> list[Evidence]:
    """What is said beyond the size that was asked for, the deciding answer first.

    Views for any number; else views for part of it; then the search for clauses, for any number, in what time is left.
    A question about a single client, or a single element of any sort, stays one: many designs are made for one.

    Args:
        seconds: for all of it.
    """
    begin, limits = monotonic(), Limits(seconds=seconds, report=report)

    def told(engine: str, share: float) -> Limits:
        """The limits of what is asked next: a share of what is left."""
        if report:
            report(Progress(engine, 0, 0))
        left = limits.left(begin) or 0.0
        return replace(limits, seconds=left * share)

    views = _viewed(problem, told("views", 0.5), {})
    single = {s: 1 for s, n in problem.free_sizes.items() if n == 1}
    if isinstance(views.verdict, Refuted) and any(views.verdict.detail.sizes[s] > 1 for s in single):
        part: Evidence | None = _viewed(problem, told("views", 0.5), single)
        others = [views]
    elif views.verdict.conclusive:
        return [views]
    else:
        part, others = parts(problem, told("views", 0.4)), [views]
    if part is not None and part.verdict.conclusive and others[0].verdict.conclusive:
        return [part, *others]
    clauses = proven(problem, *proof(problem, told("inductive", 1.0).seconds, report))
    if part is None or not part.verdict.conclusive or (clauses.verdict.conclusive and _any(problem, clauses)):
        return [clauses, *others]
    return [part, clauses, *others]


def _any(problem: Problem, found: Evidence) -> bool:
    """Of nothing that may vary is there exactly so many."""
    return found.scope == any_scope(problem.instance)


def ordered(finite: Evidence, others: Sequence[Evidence]) -> list[Evidence]:
    """What decides first: a proof for any number or a refutation beyond the size, else the finite search."""
    first, *rest = others
    return [first, finite, *rest] if first.verdict.conclusive else [finite, *others]


def safe_before(problem: Problem, evidence: Sequence[Evidence]) -> Iterator[str]:
    """Where more than was asked for is needed to lose: what is safe, and what is not."""
    lost = next((e for e in evidence if e.engine == "views" and isinstance(e.verdict, Refuted)), None)
    kept = next((e for e in evidence if e.engine == "lanes" and isinstance(e.verdict, Proved)), None)
    if lost and kept:
        more = {k: n for k, n in lost.scope.items() if int(n) > int(kept.scope.get(k, n))}
        fewer = ", ".join(_many(kept.scope[k], k) for k in more)
        enough = ", ".join(_many(n, k) for k, n in more.items())
        broken = "lose a write" if problem.invariant.name == "no_lost_write" else f"break {problem.invariant.name}"
        if more:
            yield f"safe with {fewer}; {enough} {broken} in {lost.verdict.depth} moves"


def _many(number: int | str, what: str) -> str:
    return f"{number} {what.removesuffix('s') if number == 1 else what}"


def interrupted(verdict: Verdict) -> bool:
    return isinstance(verdict, Undetermined) and verdict.interrupted
