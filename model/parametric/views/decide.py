"""The engine `views`: proves for any number of pages and processes, or refutes with the fewest processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from time import monotonic

from model.errors import CannotSay
from model.instance.problem import Problem
from model.limits import Limits, Progress
from model.parametric.views import few
from model.parametric.views.counts import Counts
from model.parametric.views.elsewhere import trackable
from model.parametric.views.fixpoint import Ones
from model.parametric.views.one_page import one_page
from model.parametric.views.pairs import Pairs
from model.parametric.views.protocol import protocol
from model.parametric.views.registers import forgetful
from model.parametric.views.replay import looked_for, replayed
from model.parametric.views.system import Step, System
from model.parametric.views.table import Closed, Safe, table
from model.verdict import Proved, Refuted, Undetermined, Verdict

SECONDS = 10.0  # for all of it, where no limit is given
CONFIGURATIONS = 300_000  # at each number of processes
FIRST = 50_000  # of them with three of each sort, before others are counted


def prove(problem: Problem, limits: Limits | None = None, sizes: Mapping[str, int] | None = None) -> Verdict:
    """Decide the problem for any number of pages and of each open sort.

    Args:
        sizes: open sorts of which there are exactly so many.

    Returns:
        Proved with a Safe, Refuted with a Replayed, or Undetermined with the reason: which part ran out, or what is
        outside of the fragment.
    """
    return _Decision(problem, limits or Limits(), dict(sizes or {})).verdict()


class _Decision:
    def __init__(self, problem: Problem, limits: Limits, sizes: Mapping[str, int]) -> None:
        self.problem, self.limits, self.sizes = problem, limits, sizes
        self.begin = monotonic()
        self.until = self.begin + (SECONDS if limits.seconds is None else limits.seconds)

    def verdict(self) -> Verdict:
        """On one page; then, where steps ask whether sets are empty, with what one page can know of the others."""
        found = self.looked_at(frozenset())
        tracked = trackable(self.problem.program)
        if found.conclusive or not tracked or monotonic() > self.until:
            return found
        closer = self.looked_at(tracked)
        return closer if closer.conclusive else found

    def looked_at(self, tracked: frozenset[str]) -> Verdict:
        try:
            single = one_page(self.problem.program, self.problem.invariants, tracked)
            self.larger = single.larger
            program = forgetful(single.program, self.problem.invariants)
            self.system = System(protocol(program, self.problem.invariants, self.sizes))
            return self.decided()
        except CannotSay as wrong:
            return self.open(wrong.message)

    def decided(self) -> Verdict:
        """Views of one; then more and more processes one by one, with views of two in between."""
        ones = Ones(self.system)
        first = self.closed(ones, ones.run(self.stop("views of one", lambda: len(self.system.shareds))))
        if not isinstance(first, Undetermined):
            return first
        reasons = [first.reason]
        for part in self.parts():
            verdict = part()
            if verdict.conclusive:
                return verdict
            assert isinstance(verdict, Undetermined)
            reasons.append(verdict.reason)
        return self.open("; ".join(dict.fromkeys(filter(None, reasons))))

    def parts(self) -> Iterator[Callable[[], Verdict]]:
        yield lambda: self.at(1)
        yield lambda: self.at(2)
        yield lambda: self.at(3, FIRST)
        yield lambda: self.counts(1)
        yield lambda: self.counts(2)
        yield self.pairs
        yield lambda: self.at(3)
        yield lambda: self.at(4)

    def at(self, number: int, most: int = CONFIGURATIONS) -> Verdict:
        """A search with so many of each open sort."""
        if number > 1 and not self.system.sorts:
            return self.open("")
        cast = self.system.protocol.cast
        total = {s: max(number, cast.named[s]) for s in cast.sorts}
        what = f"the search with {number} of each"
        found = few.search(self.system, {s: n - cast.named[s] for s, n in total.items()}, self.stop_at(what, most))
        if found.run is None:
            return self.open(found.reason)
        sizes = {**total, **self.sizes}
        run = replayed(self.problem, sizes, found.run, cast.named)
        run = run or looked_for(self.problem, sizes, lambda: self.over("whole pages", 0))
        if run is None:
            return self.open(self.unreal(found.run))
        return Refuted(found.states, len(run.moves), engine="views", seconds=self.spent, detail=run)

    def unreal(self, run: tuple[Step, ...]) -> str:
        steps = {s.rule.rule.label for s in run}
        loose = [w for w in self.larger if w.rpartition(" relates")[0] in steps]
        why = ", ".join(loose) or "a choice leaves the page out"
        return f"one page shows a run that whole pages do not have: {why}"

    def counts(self, many: int) -> Verdict:
        if not self.system.sorts:
            return self.open("")
        counts = Counts(self.system, many)
        return self.closed(counts, counts.run(self.stop_at(counts.kind, CONFIGURATIONS)))

    def pairs(self) -> Verdict:
        if not self.system.sorts or any(r.rule.others for r in self.system.rules):
            return self.open("")
        pairs = Pairs(self.system)
        return self.closed(pairs, pairs.run(self.stop("views of two", lambda: len(self.system.shareds))))

    def closed(self, views: Closed, why: str) -> Verdict:
        """Proved where the set was closed and no violation fits."""
        why = why or ("" if views.safe else f"{views.kind} do not exclude a violation")
        return self.open(why) if why else self.proved(views)

    def proved(self, closed: Closed) -> Verdict:
        made = self.system.protocol
        text = f"{closed.size:,} {closed.kind}, closed under every step"
        found = table(self.system, closed)
        safe = Safe(made.program, made.invariants, self.sizes, self.larger, found, text)
        return Proved(closed.size, 0, engine="views", seconds=self.spent, detail=safe)

    def open(self, reason: str) -> Undetermined:
        return Undetermined(engine="views", seconds=self.spent, reason=reason)

    @property
    def spent(self) -> float:
        return monotonic() - self.begin

    def stop(self, what: str, count: Callable[[], int]) -> Callable[[], str]:
        return lambda: self.over(what, count())

    def stop_at(self, what: str, most: int) -> Callable[[int], str]:
        return lambda states: self.over(what, states, most)

    def over(self, what: str, states: int, most: int | None = None) -> str:
        """Why this part has to stop, or nothing."""
        if self.limits.report:
            self.limits.report(Progress(f"views, {what}", states, 0))
        if monotonic() > self.until:
            return f"{what}: {self.until - self.begin:g} seconds were not enough"
        if most is not None and states > most:
            return f"{what}: more than {most:,} configurations"
        return self.limits.cancelled() if self.limits.cancelled else ""
