"""What the runs of a scenario come to: a verdict, and a sentence that says no more than was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from model.errors import UsageError, did_you_mean
from model.reproduce.qemu import Qemu
from model.reproduce.run import ABORTED, SAME, STALE, UNFINISHED, Report, Run, run
from model.reproduce.scenario import SCENARIOS, Case, Scenario
from model.verdict import INTERRUPTED, PROVED, REFUTED, UNDETERMINED

SEEN, NOT_SEEN, UNKNOWN = "seen", "not seen", "undetermined"
EXIT_CODES = {SEEN: REFUTED, NOT_SEEN: PROVED, UNKNOWN: UNDETERMINED}


@dataclass(frozen=True)
class Reproduction:
    """A scenario on a QEMU, with the runs that were performed.

    Attributes:
        interrupted: by Ctrl-C, before all of them were.
    """

    scenario: Scenario
    qemu: Qemu
    runs: tuple[Run, ...]
    interrupted: bool = False

    @property
    def verdict(self) -> str:
        """Seen where QEMU aborted, or where pages were lost, no control lost any, and the version has the fault."""
        if self.of(ABORTED) or (self.of(STALE) and not self.of(STALE, control=True) and not self.absent):
            return SEEN
        complete = self.of(SAME) and len(self.of(SAME)) + len(self.of(SAME, control=True)) == len(self.runs)
        return NOT_SEEN if complete and not self.interrupted else UNKNOWN

    @property
    def exit_code(self) -> int:
        return INTERRUPTED if self.interrupted else EXIT_CODES[self.verdict]

    def of(self, *outcomes: str, control: bool = False) -> list[Run]:
        """Runs of the cases in question, or of the controls, that ended in one of these ways."""
        return [each for each in self.runs if each.control == control and each.outcome in outcomes]

    @property
    def absent(self) -> str:
        """Why a QEMU of this version is not expected to have the fault, or an empty string."""
        scenario, version = self.scenario, self.qemu.version[:2]
        if scenario.since and version < scenario.since:
            older = f", and {scenario.older} before 9.0" if scenario.older else ""
            return f"QEMU has this fault since {_dotted(scenario.since)} ({scenario.brought_by}){older}"
        if scenario.until and version >= scenario.until:
            return f"QEMU has this fault up to {_dotted(scenario.until)}, which mended it ({scenario.mended_by})"
        return ""

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        return f"{self.scenario.name} on {self.qemu.name}: {'; '.join(self._clauses())}."

    def _clauses(self) -> Iterator[str]:
        if self.interrupted:
            yield f"interrupted after {_runs(len(self.runs))}"
        yield {SEEN: self._seen, NOT_SEEN: self._not_seen, UNKNOWN: self._unknown}[self.verdict]()
        if unfinished := [*self.of(UNFINISHED), *self.of(UNFINISHED, control=True)]:
            yield f"{_runs(len(unfinished))} without an answer"
        controls = [each for each in self.runs if each.control and each.outcome != UNFINISHED]
        if controls:
            yield f"the control lost pages in {len(self.of(STALE, control=True))} of {_runs(len(controls))}"
        if self.absent:
            yield self.absent
        elif self.scenario.since is None and self.verdict == NOT_SEEN:
            yield "it takes a QEMU that was broken on purpose"

    def _seen(self) -> str:
        return f"seen in {self._count(STALE, ABORTED)}, {self._how()}"

    def _not_seen(self) -> str:
        return f"not seen in {_runs(len(self.of(SAME)))}"

    def _unknown(self) -> str:
        if self.of(STALE):
            too = bool(self.of(STALE, control=True))
            why = "the control lost some too" if too else f"{self.qemu.name} is not known to have this fault"
            return f"pages were lost in {self._count(STALE)}, {self._how()}, but {why}: it need not be this fault"
        same = self.of(SAME)
        return f"not seen in {_runs(len(same))}, which is no answer" if same else "no answer"

    def _count(self, *outcomes: str) -> str:
        return f"{len(self.of(*outcomes))} of {_runs(len(self.of(STALE, SAME, ABORTED)))}"

    def _how(self) -> str:
        lost, aborted = self.of(STALE), self.of(ABORTED)
        said = []
        if lost:
            counts = sorted(len(each.stale) for each in lost)
            few, most, pages = counts[0], counts[-1], lost[0].pages
            said.append(f"{few if few == most else f'{few} to {most}'} of {pages} pages stale")
        if aborted:
            said.append(f"QEMU aborted in {_runs(len(aborted))}")
        return ", ".join(said)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _runs(count: int) -> str:
    return f"{count} run{'s' * (count != 1)}"


def find_scenario(name: str) -> Scenario:
    """The scenario of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in SCENARIOS:
        raise UsageError(f"there is no scenario '{name}'{did_you_mean(name, list(SCENARIOS))} --list shows them.")
    return SCENARIOS[name]


def cases_of(scenario: Scenario, only: Sequence[str]) -> tuple[Case, ...]:
    """Those of its cases that are named, or all.

    Raises:
        UsageError: it has none of that name.
    """
    known = [case.name for case in scenario.cases]
    for name in only:
        if name not in known:
            raise UsageError(f"{scenario.name} has no case '{name}'; it has {', '.join(known)}.")
    return tuple(case for case in scenario.cases if not only or case.name in only)


Watching = Callable[[int, int], AbstractContextManager[Report | None]]


def nobody(number: int, of: int) -> AbstractContextManager[Report | None]:
    """Nobody watches."""
    return nullcontext()


def perform(
    scenario: Scenario,
    qemu: Qemu,
    runs: int,
    *,
    only: Sequence[str] = (),
    seconds: float = 120.0,
    watching: Watching = nobody,
    told: Callable[[Run], Any] = lambda run: None,
) -> Reproduction:
    """Perform a scenario; Ctrl-C ends it with what has been seen so far.

    Args:
        runs: of the case in question; controls get their share.
        only: names of cases; none are all of them.
        seconds: for each run.
        watching: a block around each run, which is told its number and how many there are; it has what is handed the
            course of the migration now and then.
        told: is handed each run when it is over.

    Raises:
        BadQemu: the QEMU cannot run it.
        UsageError: there is no such case.
    """
    done: list[Run] = []
    todo = [(case, number) for case in cases_of(scenario, only) for number in range(1, case.runs(runs) + 1)]
    try:
        for case, number in todo:
            with watching(len(done) + 1, len(todo)) as report:
                done.append(run(case, qemu, number, seconds=seconds, aborts=scenario.aborts, report=report))
            told(done[-1])
    except KeyboardInterrupt:
        return Reproduction(scenario, qemu, tuple(done), interrupted=True)
    return Reproduction(scenario, qemu, tuple(done))
