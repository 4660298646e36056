"""Holding one recording against designs: read once, as a stream, whatever the number of designs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from time import monotonic

from model.conformance.answer import Answer
from model.conformance.automaton import Explanations
from model.conformance.trial import Trial
from model.limits import Limits, Progress
from model.monitor import tracelines
from model.monitor.order import in_order
from model.monitor.recording import Ioctl, Item, Recording, opened

ASKED_EVERY = 2_048  # ioctls between two looks at the clock


class Reading(Progress):
    """How far a recording has been read: `depth` ioctls, which led to `states` sets of states."""

    def text(self, silent: float = 0.0) -> str:
        return f"{self.depth:,} ioctls, {self.states:,} sets of states, {self.depth / self.seconds:,.0f} a second"


def conform(path: str, designs: Sequence[Explanations], limits: Limits | None = None) -> list[Answer]:
    """Is what was recorded a behaviour of each design? An answer for each.

    Raises:
        NotARecording: the file cannot be read or has no valid header.
    """
    with opened(path) as recording:
        return held(recording, designs, limits or Limits())


def held(recording: Recording, designs: Sequence[Explanations], limits: Limits) -> list[Answer]:
    """The same of a recording that is open."""
    trials = [Trial(recording.name, d) for d in designs]
    lines = Written()
    try:
        if recording.trace:
            raise _Stopped(tracelines.why_not(recording))
        for item in _watched(in_order(lines.checked(recording)), trials, limits):
            over = [trial.feed(item) for trial in trials]
            if all(over):
                break
    except _Stopped as stopped:
        for trial in trials:
            trial.stopped(stopped.reason)
    except KeyboardInterrupt:
        for trial in trials:
            trial.stopped("interrupted; nothing after this line was judged", interrupted=True)
    return [finished(t.finish(), recording, lines.problem) for t in trials]


class _Stopped(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _watched(items: Iterable[Item], trials: Sequence[Trial], limits: Limits) -> Iterator[Item]:
    """The items; now and then the clock is asked and progress told."""
    begin = monotonic()
    for number, item in enumerate(items, 1):
        if number % ASKED_EVERY == 0:
            if reason := limits.reached(0, begin):
                raise _Stopped(f"{reason} after {number:,} ioctls")
            if limits.report:
                sets = sum(len(t.explanations.sets) for t in trials)
                limits.report(Reading("conform", sets, number, seconds=monotonic() - begin))
        yield item


class Written:
    """Whether lines stand as a recorder writes them: those of one thread in the order in which its ioctls returned.

    Lines of different threads may change places between the return and the write. Positions say what came first, so
    that lines in another order are judged all the same, but somebody has changed the file.
    """

    def __init__(self) -> None:
        self.last: dict[tuple[int, int], int] = {}
        self.problem: tuple[int, str] | None = None

    def checked(self, items: Iterable[Item]) -> Iterator[Item]:
        for item in items:
            if isinstance(item, Ioctl):
                thread = item.process, item.tid
                if item.end < self.last.get(thread, -1) and not self.problem:
                    said = f"an ioctl of thread {item.tid} that returned before the one that this thread has above it"
                    self.problem = item.line, f"{said}: lines are not in the order in which a recorder writes them"
                self.last[thread] = item.end
            yield item


def finished(answer: Answer, recording: Recording, disorder: tuple[int, str] | None) -> Answer:
    """The answer with what is known of the whole recording only."""
    if answer.offence:
        return _with_what_never_returned(answer, recording)
    if disorder:
        answer.doubt(*disorder)
    if recording.end and recording.end.unseen:
        answer.doubt(0, f"the ioctls of a program could not be recorded: {recording.end.unseen[0]}")
    if not answer.doubts and recording.has_trailer and not recording.end:
        answer.doubt(0, "it ends without a trailer: it was cut off, or the recorder was killed")
    if not answer.doubts and not answer.counts["get"] + answer.counts["clear"]:
        answer.doubt(0, "no GET and no CLEAR is recorded, so nothing is visible")
    if answer.larger:
        steps = ", ".join(answer.larger)
        answer.doubt(0, f"{steps}, and pages are looked at one by one, which allows more than the design does")
    if not answer.doubts and not answer.counts["clear"]:
        answer.note("It has no CLEAR, so that it says nothing of how bits are cleared.")
    if answer.counts["failed"]:
        answer.note(f"{answer.counts['failed']:,} ioctls failed and count for nothing.")
    if not answer.doubts and recording.end and recording.end.why == "detached":
        answer.note("The recorder was detached, and the VMM went on: this holds until then.")
    if not answer.doubts and not recording.has_trailer:
        answer.note("A recording of version 1 does not say where it ends: this holds of what the file has.")
    return answer


def _with_what_never_returned(answer: Answer, recording: Recording) -> Answer:
    """An ioctl that was still under way when the VMM died may have acted before the offence, and explain it."""
    offence, end = answer.offence, recording.end
    if offence and end and any(begin < offence.finish for begin in end.unreturned):
        answer.doubt(offence.at.line, "nothing explains it, but an ioctl that began before it never returned")
        answer.offence = None
    return answer
