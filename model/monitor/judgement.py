"""What the monitor says of recordings: blind CLEARs, damaged lines, and what can happen next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from model.monitor.recording import Damage
from model.verdict import PROVED, REFUTED, UNDETERMINED

LISTED = 10_000
RANGES = 64

SHOWN_BY = {"initial": "naive", "stale": "top-layer", "overlap": "no-lock"}
CERTAIN, POSSIBLE = "certain", "possible"

NEXT = {
    "initial": (
        "No GET had reported these pages at all, as in the naive design: a write that made their bits set is "
        "forgotten before any client is told of it. A migration that has sent such a page already ends with the "
        "destination one write behind the source."
    ),
    "stale": (
        "The mask dates from a report that has been acted on, as in the top-layer design: a write after the earlier "
        "CLEAR set the bit again, this CLEAR takes it away, and the client that read the page in between is never "
        "told. For a migration the destination ends one write behind the source."
    ),
    "tail": (
        "The pages are the tail of a word of the bitmap beside a range that was cleared: the shape of a mask that is "
        "copied in whole words for a range that ends within one, as QEMU does where a frame buffer ends there. The "
        "discipline is broken; nothing is lost where every client clears a page before it reads it "
        "(rounded-clear-any-tail, proved for any number). A client that reads such a page without a clear of its own "
        "may miss an update (rounded-clear-read-aside). If your VMM does not copy whole words, the mask dates from a "
        "report that has been acted on, and a write can be lost as in the top-layer design."
    ),
    "legacy": (
        "Without manual protection GET itself clears what it reports, so this CLEAR can only take away bits of later "
        "writes, which nobody is then told of."
    ),
    "overlap": (
        "Ioctls overlap, this one or earlier ones, as without the slots lock: in the order that makes this CLEAR blind "
        "it takes away the bit of a write that no client is told of."
    ),
    "unknown": (
        "What the slot's log had reported before is not in the recording; if these pages stood reported nothing is "
        "lost, otherwise a write is forgotten before any client is told of it."
    ),
}


@dataclass(frozen=True)
class Moment:
    """An ioctl as a finding refers to it."""

    line: int
    thread: int
    time: int | None


@dataclass(frozen=True)
class Finding:
    """A CLEAR that is blind on some pages of its mask.

    Attributes:
        ranges: (first, last) page of the first runs of blind pages, at most RANGES of them.
        pages: how many pages are blind.
        mask: how many pages the mask names.
        get: the last GET that reported the first of these pages, or None.
        cleared: the CLEAR that has taken that page away since, or None.
        case: a row of NEXT.
    """

    file: str
    judgement: str
    clear: Moment
    vm: int
    slot: int
    ranges: tuple[tuple[int, int], ...]
    pages: int
    mask: int
    get: Moment | None
    cleared: Moment | None
    case: str

    @property
    def next(self) -> str:
        """What the model says can happen next."""
        return NEXT[self.case]

    @property
    def design(self) -> str | None:
        """The built-in design whose counterexample shows such a loss move by move, where there is one."""
        return SHOWN_BY.get(self.case)


@dataclass
class Findings:
    """What the monitor says of one recording; findings and damages past the first LISTED are only counted."""

    file: str
    start: int | None = None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("get", "clear", "failed", "reset"), 0))
    blind: int = 0
    possible: int = 0
    listed: list[Finding] = field(default_factory=list)
    damaged: int = 0
    damages: list[Damage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """1 if some CLEAR is certainly blind, else 3 if one may be or a line is damaged, else 0."""
        if self.blind:
            return REFUTED
        return UNDETERMINED if self.possible or self.damaged else PROVED

    def add(self, finding: Finding) -> None:
        if finding.judgement == CERTAIN:
            self.blind += 1
        else:
            self.possible += 1
        if len(self.listed) < LISTED:
            self.listed.append(finding)

    def damage(self, line: int, problem: str) -> None:
        self.damaged += 1
        if len(self.damages) < LISTED:
            self.damages.append(Damage(line, problem))

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def exit_code(all_findings: Sequence[Findings]) -> int:
    """A certain blind CLEAR outranks what could not be judged."""
    codes = {f.exit_code for f in all_findings}
    return REFUTED if REFUTED in codes else UNDETERMINED if UNDETERMINED in codes or not codes else PROVED
