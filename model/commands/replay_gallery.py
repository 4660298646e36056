"""`clearorder replay --all`: which refuted designs of the gallery this kernel plays, and why the others are refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from model.cli.progress import Working
from model.designs.catalogue import find_property, load
from model.designs.gallery import Entry, entries
from model.errors import CannotSay
from model.kvm.trial import Replayed, replayed
from model.limits import Limits
from model.verdict import Undetermined
from model.verify.portfolio import answer
from model.verify.question import Question
from model.verify.wording import plural

AGREES, DISAGREES, REFUSED, UNSETTLED = "agrees", "disagrees", "refused", "undetermined"
STYLE = {AGREES: "green", DISAGREES: "bold red", REFUSED: "", UNSETTLED: "yellow"}


@dataclass(frozen=True)
class Row:
    """What became of one design.

    Attributes:
        why: of one that agrees its moves; else where model and kernel differ, why it is refused, or which limit ended
            the search.
    """

    entry: Entry
    word: str
    why: str

    @property
    def unsettled(self) -> bool:
        return self.word in (DISAGREES, UNSETTLED)

    @property
    def json(self) -> dict[str, Any]:
        entry = self.entry
        named = {"entry": entry.entry, "design": entry.design, "property": entry.decided_by}
        return named | {"result": self.word, "why": self.why}


def refuted() -> list[Entry]:
    """The designs of the gallery whose recorded verdict is a refutation."""
    return [e for e in entries() if e.deciding and e.deciding.verdict == "refuted"]


def rows(limits: Limits, stride: int, line: Working) -> Iterator[Row]:
    """Every refuted design of the gallery at its recorded size, each within these limits."""
    found = refuted()
    for entry in line.each(found, lambda entry: entry.design, len(found)):
        yield Row(entry, *_one(entry, limits, stride))


def _one(entry: Entry, limits: Limits, stride: int) -> tuple[str, str]:
    design, row = load(entry.design), entry.deciding
    assert row is not None
    property = find_property(entry.decided_by, design)
    result = answer(Question(design, property, row.pages, dict(row.sizes), "lanes", limits))
    if isinstance(result.verdict, Undetermined):
        return UNSETTLED, result.verdict.reason
    if result.trace is None:
        return DISAGREES, "the model has no counterexample any more"
    try:
        return _word(replayed(entry.design, entry.decided_by, result.trace, stride))
    except CannotSay as why:
        return REFUSED, why.message


def _word(found: Replayed) -> tuple[str, str]:
    outcome = found.outcome
    if outcome.disagreement:
        return DISAGREES, outcome.disagreement
    if not (outcome.model_broken and outcome.kernel_broken):
        return DISAGREES, f"{found.rule} is kept here"
    return AGREES, plural(len(found.trace), "move")


def table(found: Sequence[Row]) -> Iterator[Text]:
    """A line a design, those that agree first, and how many there are of each kind.

    Agreed is on every move and on the end: the property is broken on the model and on this kernel.
    """
    names = [(row.entry.entry, row.entry.design) for row in found]
    wide = [max(map(len, column)) for column in zip(*names, strict=True)]
    for word in (AGREES, DISAGREES, UNSETTLED, REFUSED):
        for row in (r for r in found if r.word == word):
            begin = f"{row.entry.entry:{wide[0]}}  {row.entry.design:{wide[1]}}  "
            why = row.why.removeprefix(f"{row.entry.design}: ").removeprefix(f"{row.entry.design} ")
            yield Text.assemble(begin, (f"{word:12}", STYLE[word]), f"  {why}")
    counts = Counter(row.word for row in found)
    yield Text(
        f"{counts[AGREES]} of {len(found)} agree, {counts[REFUSED]} are refused by name, "
        f"{counts[UNSETTLED]} undetermined, {counts[DISAGREES]} disagree",
        "bold",
    )
