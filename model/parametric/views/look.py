"""One way to look at a design: a program of so many pages, and every engine of views on it until one decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from time import monotonic

from model.errors import CannotSay
from model.instance.problem import Problem
from model.limits import Limits, Progress
from model.parametric.views import few
from model.parametric.views.counts import Counts
from model.parametric.views.fixpoint import Ones
from model.parametric.views.one_page import OnePage
from model.parametric.views.pairs import Pairs
from model.parametric.views.protocol import protocol
from model.parametric.views.registers import forgetful
from model.parametric.views.replay import looked_for, replayed
from model.parametric.views.system import Step, System
from model.parametric.views.table import Closed, Safe, table
from model.verdict import Proved, Refuted, Undetermined, Verdict

CONFIGURATIONS = 300_000  # at each number of processes
FIRST = 50_000  # of them with three of each sort, before others are counted
QUICK = 20_000  # views of one, before a few processes are tried
MOSTLY = 0.8  # of the time is for views of one, before other sets of views are tried


@dataclass
class Look:
    """What is asked of one program.

    Attributes:
        problem: the design as it is.
        sizes: open sorts of which there are exactly so many.
        seen: the program that is looked at, and `pages` of it.
        whole: these are all pages that there are.
        begin, until: when it was begun, and when it has to be over.
    """

    problem: Problem
    limits: Limits
    sizes: Mapping[str, int]
    seen: OnePage
    pages: int
    whole: bool
    begin: float
    until: float

    @cached_property
    def system(self) -> System:
        program = forgetful(self.seen.program, self.problem.invariants)
        return System(protocol(program, self.problem.invariants, self.sizes, self.pages))

    def verdict(self) -> Verdict:
        """Views of one, and more and more processes one by one, with other sets of views in between."""
        reasons: list[str] = []
        try:
            for part in self.parts():
                verdict = part()
                if verdict.conclusive:
                    return verdict
                assert isinstance(verdict, Undetermined)
                reasons.append(verdict.reason)
                if monotonic() > self.until:
                    break
        except CannotSay as wrong:
            return self.open(str(wrong))
        return self.open("; ".join(dict.fromkeys(filter(None, reasons))))

    def parts(self) -> Iterator[Callable[[], Verdict]]:
        ones = Ones(self.system)
        most = self.begin + (self.until - self.begin) * MOSTLY
        yield lambda: self.ones(ones, most=QUICK)
        yield lambda: self.at(1, FIRST)
        yield lambda: self.at(2, FIRST)
        yield lambda: self.ones(ones, until=most)
        yield lambda: self.at(3, FIRST)
        yield lambda: self.counts(1)
        yield lambda: self.counts(2)
        yield self.pairs
        yield lambda: self.ones(ones)
        for number in (1, 2, 3, 4):
            yield lambda number=number: self.at(number)  # type: ignore[misc]

    def ones(self, ones: Ones, most: int | None = None, until: float | None = None) -> Verdict:
        """Views of one, from where they were left; up to so many, or up to a moment, and then nothing is said."""
        if not ones.safe:
            return self.open("")
        paused = False

        def stop() -> str:
            nonlocal paused
            paused = (most is not None and ones.size > most) or (until is not None and monotonic() > until)
            return self.left_off(ones.size) if paused else self.over("views of one", ones.size)

        why = ones.run(stop)
        return self.open("") if paused and until is None else self.closed(ones, why)

    def left_off(self, views: int) -> str:
        return f"views of one: {monotonic() - self.begin:.2g} seconds were not enough for {views:,} and more"

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
        run = replayed(self.problem, sizes, found.run, cast.named, self.pages, self.whole)
        if run is None and not self.whole:
            run = looked_for(self.problem, sizes, lambda: self.over("whole pages", 0))
        if run is None:
            return self.open(self.unreal(found.run))
        return Refuted(found.states, len(run.moves), engine="views", seconds=self.spent, detail=run)

    def unreal(self, run: tuple[Step, ...]) -> str:
        steps = {s.rule.rule.label for s in run}
        lines = {f"{s.label} relates pages": f" ({s.place})" for s in self.seen.program.steps if s.place}
        loose = [w + lines.get(w, "") for w in self.seen.larger if w.rpartition(" relates")[0] in steps]
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
        return self.closed(pairs, pairs.run(lambda: self.over("views of two", pairs.size)))

    def closed(self, views: Closed, why: str) -> Verdict:
        """Proved where the set was closed and no violation fits."""
        why = why or ("" if views.safe else f"{views.kind} do not exclude a violation")
        return self.open(why) if why else self.proved(views)

    def proved(self, closed: Closed) -> Verdict:
        made = self.system.protocol
        text = f"{closed.size:,} {closed.kind}, closed under every step"
        found = table(self.system, closed)
        safe = Safe(
            made.program,
            made.invariants,
            self.sizes,
            self.seen.larger,
            found,
            text,
            self.pages,
            self.whole,
            digest=self.problem.program.digest,
        )
        return Proved(closed.size, 0, engine="views", seconds=self.spent, detail=safe)

    def open(self, reason: str) -> Undetermined:
        return Undetermined(engine="views", seconds=self.spent, reason=reason)

    @property
    def spent(self) -> float:
        return monotonic() - self.begin

    def stop_at(self, what: str, most: int) -> Callable[[int], str]:
        return lambda states: self.over(what, states, most)

    def over(self, what: str, states: int, most: int | None = None) -> str:
        """Why this part has to stop, or nothing."""
        if self.limits.report:
            self.limits.report(Progress(f"views, {what}", states, 0))
        if monotonic() > self.until:
            return f"{what}: {self.until - self.begin:.2g} seconds were not enough"
        if most is not None and states > most:
            return f"{what}: more than {most:,} configurations"
        return self.limits.cancelled() if self.limits.cancelled else ""
