"""The gallery as text, Markdown, HTML and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from model.designs.gallery import Entry, source_of
from model.printing.records import json_document, named
from model.verify.wording import plural

if TYPE_CHECKING:
    from rich.text import Text


def verdict_word(entry: Entry) -> str:
    """The recorded verdict of the property that decides."""
    row = entry.deciding
    return {None: "not recorded", "refuted": "refuted", "proved": "proved"}.get(
        row.verdict if row else None, "undetermined"
    )


def record_of(entry: Entry) -> dict[str, Any]:
    """One entry as plain data; `other_sizes` is where it has the other verdict."""
    return {
        **named(entry, "family design entry"),
        "property": entry.decided_by,
        "verdict": verdict_word(entry),
        "moves": entry.told[0].moves,
        "scope": entry.scope,
        "other_sizes": [asdict(each) for each in entry.told[1:]],
        **named(entry, "expected certainty fixed_by"),
        "breaks": list(entry.breaks),
        "source": source_of(entry.design),
    }


HEAD = ("family", "design", "entry", "verdict", "moves", "scope", "certainty", "source")


def _lines(entry: Entry) -> Iterator[list[str]]:
    """The cells of the entry, and below them those of the other verdict, where other sizes have another."""
    record = record_of(entry)
    yield ["" if record[name] is None else str(record[name]) for name in HEAD]
    for other in record["other_sizes"]:
        shown = {**other, "moves": other["moves"] or ""}
        yield [str(shown.get(name, "")) for name in HEAD]


def as_text(found: Sequence[Entry], width: int) -> Iterator[Text]:
    """A table for each family: what is recorded of each design; all of them are counted at the end."""
    from model.printing.lines import verdict, wrapped
    from model.printing.tables import table

    heads = ("design", "entry", "recorded", "moves", "scope", "certainty")
    for family in dict.fromkeys(e.family for e in found):
        rows = []
        for _, design, entry, word, moves, scope, certainty, _ in (
            cells for e in found if e.family == family for cells in _lines(e)
        ):
            rows.append((design, entry, verdict(word), moves, scope, certainty))
        yield from wrapped(family, width, style="bold")
        yield from table(heads, rows, width)
        yield from wrapped("", width)
    yield from wrapped(_counted(found), width)


def _counted(found: Sequence[Entry]) -> str:
    words = [verdict_word(e) for e in found]
    proved = [e for e in found if e.any.get(e.decided_by) == "proved"]
    pages = sum(bool(e.only) for e in proved)
    return (
        f"{plural(len(found), 'design')}, as recorded: {words.count('refuted')} refuted, {words.count('proved')} safe; "
        f"{len(proved) - pages} proved for any number, {pages} for any number of pages. --check runs all again; "
        "gallery NAME tells of one."
    )


def as_markdown(found: Sequence[Entry]) -> str:
    """A table for a review."""
    lines = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
    lines += [f"| {' | '.join(c.replace('|', chr(92) + '|') for c in cells)} |" for e in found for cells in _lines(e)]
    return "\n".join(lines) + "\n"


def as_html(found: Sequence[Entry]) -> str:
    """A page of its own."""
    from reports.pages.render import page

    lines = [[cells[0], entry.design, *cells[2:]] for entry in found for cells in _lines(entry)]
    return page("gallery.html", styles=("gallery.css",), heads=HEAD, lines=lines, count=len(found))


def as_json(found: Sequence[Entry]) -> str:
    """Plain data, one object a design."""
    return json_document(designs=[record_of(e) for e in found])


FORMATS: Mapping[str, Callable[[Sequence[Entry]], str]] = {"markdown": as_markdown, "html": as_html, "json": as_json}
