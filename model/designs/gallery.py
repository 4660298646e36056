"""The gallery: real designs and bugs, with the verdicts that were recorded of them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model.expr import Client

FAMILIES = Path(__file__).parent
RULES = (
    "clear_before_read",
    "no_blind_clear",
    "cache_within_kernel",
    "one_lock_around_sync",
    "collect_before_destroy",
    "mark_after_store",
    "armed_or_logged",
    "flush_before_read",
)


@dataclass(frozen=True)
class Row:
    """A recorded verdict at a size; `nightly` rows take longer than a second."""

    property: str
    pages: int
    sizes: Mapping[str, int]
    verdict: str
    depth: int
    states: int
    nightly: bool = False


@dataclass(frozen=True)
class Told:
    """A verdict and what it speaks of, in few words; `moves` of a refutation."""

    verdict: str
    moves: int | None
    scope: str


@dataclass(frozen=True)
class Entry:
    """A design of the gallery.

    Attributes:
        entry: its number in the catalogue of real designs and bugs, such as K-14.
        certainty: "seen in source", "our reasoning" or "unconfirmed reading" (of current code: not a known bug).
        decided_by: the property that says whether it loses pages.
        breaks: ordering rules that it was found to break when it was recorded.
        fixed_by: for a design that loses pages, the commit or rule that mends it.
        expected: what the sources or our reasoning expected: "loss", "stale", "redundant" or "safe".
        any: properties that are proved for any number of pages, and of everything else but what `only` fixes.
        only: sorts of which the proof has exactly so many.
    """

    design: str
    family: str
    entry: str
    certainty: str
    decided_by: str
    expected: str
    fixed_by: str = ""
    breaks: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    any: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, int] = field(default_factory=dict)

    @property
    def deciding(self) -> Row | None:
        """The recorded row of the deciding property: a refuted one, the shortest, else the largest proved one.

        Of an entry that fixes a sort (`only`) it is one of that size; what other sizes come to is told beside it.
        """
        return _clearest([r for r in self._asked if self._fixed(r)])

    @property
    def scope(self) -> str:
        """What the verdict speaks of."""
        return self.told[0].scope

    @property
    def told(self) -> tuple[Told, ...]:
        """The verdict with its sizes, and the other verdict with its own where the design has both."""
        deciding = self.deciding
        if deciding is None:
            return (Told("", None, ""),)
        other = _clearest([r for r in self._asked if r.verdict != deciding.verdict])
        return (_told(deciding, self._anywhere or _size(deciding)), *([_told(other, _size(other))] if other else []))

    @property
    def _asked(self) -> list[Row]:
        return [r for r in self.rows if r.property == self.decided_by]

    def _fixed(self, row: Row) -> bool:
        """The row is of the sizes that the entry speaks of."""
        return all(row.sizes.get(sort) == size for sort, size in self.only.items())

    @property
    def _anywhere(self) -> str:
        if self.any.get(self.decided_by) != "proved":
            return ""
        fixed = [_count(n, s.lower()) for s, n in self.only.items()]
        return ", ".join(["any pages", *fixed]) if fixed else "any number"


def _clearest(rows: Sequence[Row]) -> Row | None:
    refuted = [r for r in rows if r.verdict == "refuted"]
    if refuted:
        return min(refuted, key=lambda r: (r.depth, r.pages, sum(r.sizes.values())))
    return max(rows, key=lambda r: r.states, default=None)


def _told(row: Row, scope: str) -> Told:
    return Told(row.verdict, row.depth if row.verdict == "refuted" else None, scope)


def _size(row: Row) -> str:
    return ", ".join(_count(n, s) for s, n in (("page", row.pages), *((s.lower(), n) for s, n in row.sizes.items())))


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def entries() -> tuple[Entry, ...]:
    """Every design of the gallery: those of the 2019 discussion, then family by family."""
    found = [_entry(name, "discussion", table) for name, table in _tables(FAMILIES / "gallery.toml").items()]
    for file in sorted(FAMILIES.glob("*/gallery.toml")):
        found += [_entry(name, file.parent.name, table) for name, table in _tables(file).items()]
    return tuple(found)


def _tables(file: Path) -> dict[str, dict[str, Any]]:
    return tomllib.loads(file.read_text())


def _entry(name: str, family: str, table: Mapping[str, Any]) -> Entry:
    rows = [Row(**r) for r in table.get("rows", ())]
    always: Mapping[str, str] = table.get("any", {})
    if family == "discussion":
        rows, always = _from_manifest(name)
    plain = {k: v for k, v in table.items() if k in ("entry", "certainty", "expected", "fixed_by")}
    return Entry(
        name,
        family,
        decided_by=table["property"],
        rows=tuple(rows),
        any=always,
        only=table.get("only", {}),
        breaks=tuple(table.get("breaks", ())),
        **plain,
    )


def _from_manifest(name: str) -> tuple[list[Row], Mapping[str, str]]:
    from model.designs.manifest import recorded
    from model.designs.manifest import rows as manifest

    own = [r for r in manifest() if r.design == name]
    rows = [
        Row(r.property, r.pages, {Client.name: r.clients}, r.verdict, r.depth, r.states, nightly=r.states > 1_000_000)
        for r in own
    ]
    everywhere = {r.property: recorded(name, r.property, {"pages": "any", "clients": "any"}) for r in own}
    return rows, {p: v for p, v in everywhere.items() if v == "proved"}


def source_of(design: str) -> str:
    """The first sentence of the design's `Source:` paragraph."""
    from model.designs.catalogue import load

    doc = load(design).__doc__ or ""
    text = " ".join(doc.partition("Source:")[2].split("\n\n")[0].split())
    return text
