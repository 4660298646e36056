"""One entry of the gallery, told: what happened, where that is written, the run, the rule it breaks, the command."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from model.designs.gallery import Entry, Row, source_of
from model.verify.again import command
from model.verify.result import Result
from reports.gallery import verdict_word
from reports.pages.links import COMMITS, LINUX, QEMU, address, known

if TYPE_CHECKING:
    from rich.text import Text

COMMIT = re.compile(r"\b[0-9a-f]{10,40}\b")
REPOSITORY = {"Linux": LINUX, "QEMU": QEMU}
MISSED = "could not be looked up"  # what a source says of a commit that is not to be found


def told(entry: Entry, found: Result | None, broken: Sequence[str], width: int) -> Iterator[Text]:
    """The entry.

    Args:
        found: what was run now of its deciding row.
        broken: the ordering rules that it breaks, asked now.
    """
    from model.printing.lines import verdict, wrapped
    from model.verify.result_text import story

    yield from wrapped(f"{entry.design}: {entry.entry} of the catalogue, family {entry.family}", width, 2, "bold")
    for other in entry.told:
        moves = f"{other.moves} moves, " if other.moves else ""
        yield from wrapped(verdict(other.verdict, f"  recorded: {other.verdict}: {moves}{other.scope}"), width, 4)
    for line in _what(entry, broken):
        yield from wrapped(line, width, 2)
    yield from wrapped("", width)
    if found is not None:
        begin = f"Run now: {found.property}  "
        yield from found.verdict_lines(begin, width=width)
        if found.story:
            yield from wrapped("", width)
            yield from story(found.story, width=width)
        yield from wrapped("", width)
    if entry.deciding is not None:
        yield from wrapped(f"Run it again: {again(entry, entry.deciding)}", width, 4)


def _what(entry: Entry, broken: Sequence[str]) -> Iterator[str]:
    """What happened, from the design's own words; where that is written; what mends it; which rules it breaks."""
    from model.designs.catalogue import built_in_properties, load

    doc = load(entry.design).__doc__ or ""
    yield ""
    yield from ("  " + " ".join(part.split()) for part in doc.partition("Source:")[0].strip().split("\n\n") if part)
    yield ""
    yield f"Source ({entry.certainty}): {source_of(entry.design)}"
    yield from (f"  {link}" for link in links(source_of(entry.design)))
    if entry.fixed_by:
        yield f"Mended by: {entry.fixed_by}"
        yield from (f"  {link}" for link in links(entry.fixed_by))
    for rule in broken:
        said = " ".join(built_in_properties()[rule].doc.strip().split("\n\n")[0].split())
        yield f"Breaks the rule {rule}: {said}"
    if verdict_word(entry) == "refuted" and not broken:
        yield "Breaks none of the rules of --matrix at its recorded size."


def links(text: str) -> list[str]:
    """The addresses of the commits and mails that a text names, each once."""
    found = {m: address(m) for m in known(text)}
    for match in COMMIT.finditer(text):
        before = re.findall(r"Linux|QEMU|Xen", text[: match.start()])
        if match[0] in COMMITS or not before or MISSED in text[match.end() : match.end() + 40]:
            continue
        if before[-1] in REPOSITORY:
            found[match[0]] = REPOSITORY[before[-1]] + match[0]
    return list(dict.fromkeys(found.values()))


def again(entry: Entry, row: Row) -> str:
    """The command that runs the recorded row."""
    from model.designs.catalogue import load
    from model.program.design import record

    return command(record(load(entry.design)), entry.design, row.property, row.pages, row.sizes)
