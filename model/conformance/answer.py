"""What is said of one recording held against one design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from model.conformance.letters import Letter
from model.verdict import INTERRUPTED, PROVED, REFUTED, UNDETERMINED

CONFORMS, DOES_NOT, UNKNOWN = "conforms", "does not conform", "undetermined"
SHOWN_STATES = 20


@dataclass(frozen=True)
class At:
    """An ioctl of the recording: its line, thread and time, and what it says of the page."""

    line: int
    thread: int
    time: int | None
    letter: Letter


@dataclass(frozen=True)
class Possible:
    """The states of the design that explained a page until then.

    Attributes:
        count: how many.
        settled: how many of them have no operation under way.
        always, never, either: parts that have the page in all of those, in none, in some; of all where none is settled.
        states: the first of them, each as the parts that have the page, and where each thread is.
    """

    count: int
    settled: int
    always: tuple[str, ...]
    never: tuple[str, ...]
    either: tuple[str, ...]
    states: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Offence:
    """The first ioctl that no state of the design explains.

    Attributes:
        page: the first page of the slot on which nothing explains it.
        history: what the page showed before it, the latest last; the last few only.
        possible: the states that explained the page until then.
        nearest: ioctls that the design allows there instead, or before it, in words; the nearest first.
        overlaps: how many ioctls it overlaps; no order of them helps.
        finish: the position where it ended.
    """

    at: At
    vm: int
    slot: int
    page: int
    history: tuple[At, ...]
    possible: Possible
    nearest: tuple[str, ...]
    overlaps: int = 0
    finish: int = 0


@dataclass(frozen=True)
class Doubt:
    """What was not recorded, or cannot be used, so that nothing after it is certain; line 0 is the whole recording."""

    line: int
    reason: str


@dataclass
class Answer:
    """Is the recording a behaviour of the design, each page of each slot by itself?

    Attributes:
        offence: why it is not; outranks doubts, which come after it.
        doubts: why nobody can say.
        notes: what a reader of the answer should know.
        moves: kind of ioctl -> steps of the design that are one.
        larger: steps of which one page does not see all, so that more was allowed than they do.
    """

    file: str
    design: str
    sizes: Mapping[str, int]
    moves: Mapping[str, list[str]]
    larger: tuple[str, ...] = ()
    start: int | None = None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("get", "clear", "read", "failed"), 0))
    slots: int = 0
    pages: int = 0
    offence: Offence | None = None
    doubts: list[Doubt] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    interrupted: bool = False

    @property
    def verdict(self) -> str:
        if self.offence:
            return DOES_NOT
        return UNKNOWN if self.doubts else CONFORMS

    @property
    def exit_code(self) -> int:
        if self.interrupted:
            return INTERRUPTED
        return {DOES_NOT: REFUTED, UNKNOWN: UNDETERMINED, CONFORMS: PROVED}[self.verdict]

    def doubt(self, line: int, reason: str) -> None:
        self.doubts.append(Doubt(line, reason))

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
