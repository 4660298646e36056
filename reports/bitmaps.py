"""The bitmaps after each move as columns of text: one per field, one digit per page, a dot where it is empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from model.expr import PAGES
from model.instance.state import Field
from model.instance.trace import Trace
from model.verify.wording import members, thread_name
from reports.formats.phrases import ascii_line

PAGES_AT_MOST = 10  # a page is one digit


@dataclass(frozen=True)
class Bitmaps:
    """Two lines of heads and one line for each state, the start first, all of one width.

    Attributes:
        names: the variables, from left to right.
        letters: what stands for a thread in the second line -> its name.
        flags: some columns are flags, which have no pages.
    """

    heads: tuple[str, str]
    rows: tuple[str, ...]
    names: tuple[str, ...]
    letters: dict[str, str]
    flags: bool

    @property
    def width(self) -> int:
        return len(self.heads[0])


def bitmaps(trace: Trace) -> Bitmaps | None:
    """The declared parts that change in a trace; None where nothing does, or pages have numbers of two digits."""
    fields = [f for i, f in enumerate(trace.instance.fields) if f.role == "part" and _changes(trace, i)]
    if not fields or trace.instance.pages > PAGES_AT_MOST:
        return None
    names = {
        f: ascii_line(thread_name(trace.instance, f.per, f.number)) for f in fields if f.per and f.number is not None
    }
    threads = list(dict.fromkeys(names.values()))
    short = dict(zip(threads, initials(threads), strict=True))
    groups = [_group(trace, name, [*own], names, short) for name, own in groupby(fields, key=lambda f: f.name)]
    heads, owners, *rows = ("  ".join(cells) for cells in zip(*groups, strict=True))
    letters = {letter: name for name, letter in short.items()}
    flags = any(f.sort != PAGES for f in fields)
    return Bitmaps((heads, owners), tuple(rows), tuple(dict.fromkeys(f.name for f in fields)), letters, flags)


def _changes(trace: Trace, position: int) -> bool:
    return len({state[position] for state in trace.states}) > 1


def _group(trace: Trace, name: str, own: Sequence[Field], names: dict[Field, str], short: dict[str, str]) -> list[str]:
    """The columns of one variable side by side: its name, its owners, its cells in each state, of one width."""
    columns = []
    for field in own:
        cells = [short[names[field]] if field in names else ""]
        cells += [cell(field, trace.value(at, *field.key)) for at in range(len(trace.states))]
        width = max(map(len, cells))
        columns.append([f"{text:{width}}" for text in cells])
    lines = [ascii_line(name), *(" ".join(cells) for cells in zip(*columns, strict=True))]
    width = max(map(len, lines))
    return [f"{line:{width}}" for line in lines]


def cell(field: Field, value: int) -> str:
    """`01` for pages 0 and 1, `x` for a flag that is on, a dot for what is empty or off."""
    if field.sort == PAGES:
        return "".join(map(str, members(value))) or "."
    return "x" if value else "."


def initials(names: Sequence[str]) -> list[str]:
    """The first letter of each name, or as many as tell it from the others; a number where more than two would do."""
    found, bare = [], [name.removeprefix("the ") for name in names]
    for number, name in enumerate(bare):
        others = [other for other in bare if other != name]
        short = next((name[:n] for n in (1, 2) if not any(o.startswith(name[:n]) for o in others)), str(number))
        found.append(short)
    return found
