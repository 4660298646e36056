"""What the monitor says of recordings: broken rules, damaged lines, what it cannot know, and what can happen next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from model.monitor.recording import Damage, Ioctl
from model.verdict import PROVED, REFUTED, UNDETERMINED

LISTED = 10_000
RANGES = 64

SHOWN_BY = {"initial": "naive", "stale": "top-layer", "overlap": "no-lock", "unread": "read-before-clear"}
RULES = {"unread": "unread-page", "dropped": "dropped-log", "untold": "initially-set-cleared"}  # else BLIND
BLIND = "blind-clear"
CERTAIN, POSSIBLE = "certain", "possible"
COUNTED = ("get", "clear", "reset", "read", "failed", "failed_get", "failed_clear")

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
    "unread": (
        "The VMM marks the pages that it reads, and marks no read of these after it took them out of the log, as in "
        "the read-before-clear design: a write after the last read and before that is in no copy, and the log does "
        "not show it any more. Clear (or reset the ring), then read."
    ),
    "dropped": (
        "These pages had been cleared, the guest ran, and the log was switched off or deleted without another GET: "
        "what the guest wrote to them in between is forgotten, and a client that has sent them ends one write behind. "
        "Ask the log once more when the guest stands still, or with the slot about to go."
    ),
    "untold": (
        "With INITIALLY_SET a new log reads all ones, and no GET had reported these pages before they were cleared: a "
        "client that had read them before the log began is never told of a write since then. Ask the log before you "
        "clear it; a VMM that reads every page after this CLEAR is safe, and may mark its reads to say so."
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
    process: int = 0


@dataclass(frozen=True)
class Finding:
    """An ioctl that breaks a rule: a CLEAR that is blind on some pages of its mask, or another row of NEXT.

    Attributes:
        ranges: (first, last) page of the first runs of blind pages, at most RANGES of them.
        pages: how many pages those are in all.
        mask: how many pages the ioctl is about.
        get: the last GET that reported the first of these pages, or None.
        cleared: the CLEAR that has taken that page away since, or None; the last one before a log was dropped.
        case: a row of NEXT.
        far: a GET had reported the page, further back than the ioctls that the monitor keeps to name it.
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
    far: bool = False

    @property
    def next(self) -> str:
        """What the model says can happen next."""
        return NEXT[self.case]

    @property
    def rule(self) -> str:
        """Which rule it breaks, as a word."""
        return RULES.get(self.case, BLIND)

    @property
    def design(self) -> str | None:
        """The built-in design whose counterexample shows such a loss move by move, where there is one."""
        return SHOWN_BY.get(self.case)


@dataclass
class Findings:
    """What the monitor says of one recording; findings and damages past the first LISTED are only counted.

    Attributes:
        counts: ioctls that worked, and those that failed.
        blind: CLEARs that are certainly blind; `broken`: certain findings of the other rules.
        possible: findings of any rule that some order of the ioctls makes one.
        reasons: why it cannot be said that the rules were kept.
        notes: what else there is to know.
    """

    file: str
    start: int | None = None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    blind: int = 0
    broken: int = 0
    possible: int = 0
    listed: list[Finding] = field(default_factory=list)
    damaged: int = 0
    damages: list[Damage] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """1 if a rule is certainly broken, else 3 if one may be, a line is damaged or there is a reason, else 0."""
        if self.blind or self.broken:
            return REFUTED
        return UNDETERMINED if self.possible or self.damaged or self.reasons else PROVED

    def count(self, ioctl: Ioctl) -> None:
        """Count an ioctl; one that failed is counted apart."""
        name = ioctl.kind if ioctl.worked else f"failed_{ioctl.kind}"
        if name in self.counts:
            self.counts[name] += 1
        self.counts["failed"] += not ioctl.worked

    def add(self, finding: Finding) -> None:
        if finding.judgement != CERTAIN:
            self.possible += 1
        elif finding.rule == BLIND:
            self.blind += 1
        else:
            self.broken += 1
        if len(self.listed) < LISTED:
            self.listed.append(finding)

    def damage(self, line: int, problem: str) -> None:
        self.damaged += 1
        if len(self.damages) < LISTED:
            self.damages.append(Damage(line, problem))

    def reason(self, text: str) -> None:
        if text not in self.reasons and len(self.reasons) < LISTED:
            self.reasons.append(text)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def exit_code(all_findings: Sequence[Findings]) -> int:
    """What is certain outranks what could not be judged."""
    codes = {f.exit_code for f in all_findings}
    return REFUTED if REFUTED in codes else UNDETERMINED if UNDETERMINED in codes or not codes else PROVED
