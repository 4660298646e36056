"""Beyond the size that was asked for: views, and where they cannot say, the search for clauses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic

from model.instance.problem import Problem
from model.limits import Limits, Progress
from model.verdict import Proved, Refuted, Undetermined, Verdict
from model.verify.result import Evidence, any_scope, finite_scope

PROOF_SECONDS = 60.0
VIEWS_SECONDS = 10.0
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


def viewed(problem: Problem, limits: Limits) -> Evidence:
    """What views say: for any number, else for any number of pages at the few of each sort that were asked for."""
    begin, few = monotonic(), problem.free_sizes
    found = _viewed(problem, limits, {})
    if found.verdict.conclusive or not few or max(few.values()) > FEW:
        return found
    fewer = _viewed(problem, limits.after(begin), few)
    return fewer if isinstance(fewer.verdict, Proved) else found


def _viewed(problem: Problem, limits: Limits, sizes: Mapping[str, int]) -> Evidence:
    from model.parametric.views.decide import prove

    verdict = prove(problem, limits, sizes)
    if isinstance(verdict, Refuted):
        return Evidence("views", verdict, finite_scope(verdict.detail.problem.instance))
    return _of_any(problem, "views", verdict, sizes)


def proven(problem: Problem, verdict: Verdict, fixed: Mapping[str, int]) -> Evidence:
    """What the search for clauses says."""
    return _of_any(problem, "inductive", verdict, fixed)


def _of_any(problem: Problem, engine: str, verdict: Verdict, fixed: Mapping[str, int]) -> Evidence:
    """An answer for any number of everything but what is fixed."""
    return Evidence(engine, verdict, any_scope(problem.instance, fixed))


def beyond(
    problem: Problem, seconds: float, report: Callable[[Progress], None] | None = None, clauses: bool = False
) -> list[Evidence]:
    """What is said beyond the size that was asked for, the deciding answer first: views, else the search for clauses.

    A question about a single client, or a single element of any sort, stays one: many designs are made for one.

    Args:
        seconds: for each of the two; views get `VIEWS_SECONDS` at most.
        clauses: a proof is wanted as clauses, so they are looked for first.
    """

    def searched() -> Evidence:
        if report:
            report(Progress("inductive", 0, 0))
        return proven(problem, *proof(problem, seconds, report))

    def looked_at() -> Evidence:
        if report:
            report(Progress("views", 0, 0))
        return viewed(problem, limits)

    limits = Limits(seconds=min(seconds, VIEWS_SECONDS), report=report)
    if clauses and (first := searched()).verdict.conclusive:
        return [first]
    views = looked_at()
    single = {s: 1 for s, n in problem.free_sizes.items() if n == 1}
    if isinstance(views.verdict, Refuted) and any(views.verdict.detail.sizes[s] > 1 for s in single):
        alone = _viewed(problem, limits, single)
        return [alone if alone.verdict.conclusive else first if clauses else searched(), views]
    if views.verdict.conclusive:
        return [views]
    return [first if clauses else searched(), views]


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
