"""What a report says of a run, as values that can be checked against the run: one class a kind of sentence.

Numbers are moves of the trace, from 1. A field is a (name, element) pair. `tests/support/claims.py` evaluates each.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from model.verify.stake import Key


@dataclass(frozen=True)
class Claim:
    """A statement on one run about one page; `text` is how it is said."""

    text: str
    page: int
    owed: Key  # the field at stake that holds the page until it is delivered


@dataclass(frozen=True)
class NeverWritten(Claim):
    """The page is owed from the start, and no move has marked it since."""


@dataclass(frozen=True)
class LastMark(Claim):
    """Move `at` marked the page, none after it did; `write` says that it changed the page's content."""

    at: int
    write: bool


@dataclass(frozen=True)
class SetNothing(Claim):
    """The write at `at` put the page into no field from which a run without another write delivers it."""

    at: int


@dataclass(frozen=True)
class Missed(Claim):
    """At move `at` the field `key` held the page, or did not (`holds`), and that cut the move's mark."""

    at: int
    key: Key
    holds: bool


@dataclass(frozen=True)
class Took(Claim):
    """Move `at` delivered the page."""

    at: int


@dataclass(frozen=True)
class OnlyPromised(Claim):
    """Just before move `at`, each of `keys` alone was enough for a delivery, and nothing else was."""

    at: int
    keys: tuple[Key, ...]
    written: int | None


@dataclass(frozen=True)
class NamedOnly(Claim):
    """Just before move `at`, of the fields that the property names only `keys` held the page."""

    at: int
    keys: tuple[Key, ...]
    written: int | None


@dataclass(frozen=True)
class Removed(Claim):
    """Move `at` took the page out of every one of `keys`."""

    at: int
    keys: tuple[Key, ...]


@dataclass(frozen=True)
class CutOff(Claim):
    """Before move `at` some run delivered the page without another write of it; after it none does."""

    at: int


@dataclass(frozen=True)
class TookEverything(Claim):
    """Move `at` empties `keys`, whatever they hold."""

    at: int
    keys: tuple[Key, ...]


@dataclass(frozen=True)
class NotCopied(Claim):
    """Between moves `after` and `at` the page entered no field."""

    after: int
    at: int


@dataclass(frozen=True)
class ReliedOn(Claim):
    """What move `at` took away was chosen by `key`, which held the page."""

    at: int
    key: Key


@dataclass(frozen=True)
class DatesFrom(Claim):
    """The page stands in `key` before move `at` because of the report at `report`, after the write `older` (0: none)
    and before the write at `written`.
    """

    at: int
    key: Key
    report: int
    older: int
    written: int


@dataclass(frozen=True)
class NotMerged(Claim):
    """The operation that reported at `report` is not over at move `at`; it ends at `merge` (0: not in this run)."""

    at: int
    report: int
    merge: int


@dataclass(frozen=True)
class NotReached(Claim):
    """The operation that reported at `report` is over before `at`, and no field of whom the page is owed got it."""

    at: int
    report: int


@dataclass(frozen=True)
class Standing(Claim):
    """At the end the page is in exactly these fields and still owed."""

    keys: tuple[Key, ...]


class NoteKind(Enum):
    """What a note beside a move is about; a report looks at this, never at the words."""

    COPY = "who has which version"
    BROKEN = "the last promise is taken away here"
    REPORTED = "where what was collected comes from"
    ENDS = "what the last sync came to"
    VERSIONS = "the two versions at the end"


class Note(str):
    """A remark on a move, as text, with its kind and the claim that it makes."""

    kind: NoteKind
    claim: Claim

    def __new__(cls, kind: NoteKind, claim: Claim) -> Note:
        note = super().__new__(cls, claim.text)
        note.kind, note.claim = kind, claim
        return note


@dataclass(frozen=True)
class HasVersion(Claim):
    """After move `at` the page is not owed, and it was written `version` times."""

    at: int
    version: int


@dataclass(frozen=True)
class PromiseBroken(Claim):
    """Move `at` is the one after which no run without another write of the page delivers it, or it breaks the
    property where that is the promise itself.
    """

    at: int


@dataclass(frozen=True)
class ReportedBy(Claim):
    """The page that move `at` put into `key` was reported at `report`."""

    at: int
    key: Key
    report: int


@dataclass(frozen=True)
class Delivered(Claim):
    """The last operation, begun at `begun`, put the page into no field of whom it is owed that outlives it; `held` says
    whether a log held the page at the end or a register of the operation did meanwhile.
    """

    begun: int
    held: bool


@dataclass(frozen=True)
class Versions(Claim):
    """At the end the page was written `source` times, and `copied` times when it was last delivered (None: never)."""

    source: int
    copied: int | None
