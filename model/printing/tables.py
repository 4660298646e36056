"""Tables as wide as the terminal: nothing is cut, and what does not fit beside stands below."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.cells import cell_len
from rich.text import Text

from model.printing.lines import GAP, WORD, Said, packed, wrapped

HIGH = 4  # lines that a cell may have; a table that needs more is told row by row


@dataclass(frozen=True)
class Row:
    """The cells of a row, and lines that stand below it."""

    cells: Sequence[Said]
    below: Sequence[Said] = ()


def table(heads: Sequence[str], rows: Sequence[Row | Sequence[Said]], width: int, indent: int = 0) -> Iterator[Text]:
    """A row a line, or as many lines as its cells need; where that is too much for the width, a paragraph a row.

    Args:
        heads: what the columns are called; empty for a table without a head.
        indent: blanks before each line.
    """
    whole = [row if isinstance(row, Row) else Row(row) for row in rows]
    cells = [[_text(cell) for cell in row.cells] for row in whole]
    head = [Text(h, "bold") for h in heads]
    widths = _widths([head] * bool(heads) + cells, width - indent)
    if widths is None:
        yield from _told(heads, whole, width, indent)
        return
    numbers = [all(re.fullmatch(r"[\d,.]*", row[i].plain) for row in cells) for i in range(len(widths))]
    if heads:
        yield from _line(head, widths, numbers, indent)
    for row, texts in zip(whole, cells, strict=True):
        yield from _line(texts, widths, numbers, indent)
        for below in row.below:
            yield from wrapped(Text(" " * (indent + 4)) + _text(below), width, indent + 6)


def _text(cell: Said) -> Text:
    return cell if isinstance(cell, Text) else Text(cell)


def _widths(rows: Sequence[Sequence[Text]], width: int) -> list[int] | None:
    """As wide as the cells are, or else narrower down to the longest word; None where that is too much, or too high."""
    columns = list(zip(*rows, strict=True))
    widths = [max((cell_len(c.plain) for c in column), default=0) for column in columns]
    least = [max((cell_len(w) for c in column for w in WORD.findall(c.plain)), default=0) for column in columns]
    room = width - GAP * (len(columns) - 1)
    if sum(least) > room:
        return None
    while sum(widths) > room:
        widest = max((i for i, w in enumerate(widths) if w > least[i]), key=lambda i: widths[i])
        widths[widest] -= 1
    return widths if all(len(_lines(c, w)) <= HIGH for row in rows for c, w in zip(row, widths, strict=True)) else None


def _lines(cell: Text, width: int) -> list[Text]:
    return list(wrapped(cell, max(width, 1)))


def _line(row: Sequence[Text], widths: Sequence[int], numbers: Sequence[bool], indent: int) -> Iterator[Text]:
    """A row; numbers stand at the right of their column."""
    for parts in zip_longest(*(_lines(c, w) for c, w in zip(row, widths, strict=True)), fillvalue=Text()):
        line = Text(" " * indent)
        for part, width, number in zip(parts, widths, numbers, strict=True):
            blanks = Text(" " * (width - cell_len(part.plain)))
            line += (blanks + part if number else part + blanks) + Text(" " * GAP)
        line.rstrip()
        yield line


def _told(heads: Sequence[str], rows: Sequence[Row], width: int, indent: int) -> Iterator[Text]:
    """Each row as a paragraph: its first cell, then `head: cell` of all others that say something."""
    for row in rows:
        first, *rest = (_text(cell) for cell in row.cells)
        names = heads[1:] or [""] * len(rest)
        if first.plain:
            yield from wrapped(Text(" " * indent) + Text(first.plain, first.style or "bold"), width, indent + GAP)
        said = [f"{n}: {c.plain}" if n else c.plain for n, c in zip(names, rest, strict=True) if c.plain]
        yield from packed(said, width, " " * (indent + GAP), indent + GAP)
        for below in row.below:
            yield from wrapped(Text(" " * (indent + 4)) + _text(below), width, indent + 6)
