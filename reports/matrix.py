"""Designs by ordering rules: which design breaks which rule, as text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from string import ascii_uppercase
from typing import TYPE_CHECKING

from model.designs.gallery import RULES, Entry
from model.printing.records import json_document
from reports.gallery import verdict_word

if TYPE_CHECKING:
    from rich.text import Text

Asked = Sequence[tuple[Entry, Mapping[str, str]]]  # each design with what each rule says of it now
SHORT = (
    "yes: the rule holds in every reachable state of the recorded size, asked now; NO: it is broken; "
    "-: it does not apply; ?: not decided."
)
MEANS = "keeps: holds in every reachable state of the recorded size; breaks: refuted; -: does not apply."


def as_text(found: Asked, width: int) -> Iterator[Text]:
    """A column a rule, by a letter that is explained below."""
    from model.printing.lines import verdict, wrapped
    from model.printing.tables import table

    letters = dict(zip(RULES, ascii_uppercase, strict=False))
    short = {"keeps": "yes", "breaks": "NO"}
    rows: list[list[str | Text]] = [
        [e.design, verdict(verdict_word(e)), *(verdict(said[r], short.get(said[r], "")) for r in RULES)]
        for e, said in found
    ]
    yield from table(("design", "recorded", *letters.values()), rows, width)
    yield from wrapped("", width)
    yield from wrapped(SHORT, width)
    for rule, letter in letters.items():
        yield from wrapped(f"  {letter} {rule}: {_first(rule)}", width, 6)


def as_markdown(found: Asked) -> str:
    """For a review."""
    lines = [f"| design | recorded | {' | '.join(f'`{r}`' for r in RULES)} |", f"|{'---|' * (len(RULES) + 2)}"]
    lines += [f"| {e.design} | {verdict_word(e)} | {' | '.join(said[r] for r in RULES)} |" for e, said in found]
    lines += ["", MEANS, ""]
    for rule in RULES:
        lines += [f"## {rule}", "", " ".join(_doc(rule).replace("Source:", "\nSource:").split()), ""]
    return "\n".join(lines)


def as_json(found: Asked) -> str:
    """Plain data, one object a design."""
    designs = [{"design": e.design, "recorded": verdict_word(e), "rules": dict(said)} for e, said in found]
    return json_document(designs=designs)


FORMATS: Mapping[str, Callable[[Asked], str]] = {"markdown": as_markdown, "json": as_json}


def _doc(rule: str) -> str:
    from model.designs.catalogue import built_in_properties

    return built_in_properties()[rule].doc


def _first(rule: str) -> str:
    """The first paragraph of what the rule says."""
    return " ".join(_doc(rule).strip().split("\n\n")[0].split())
