"""Lines that break between words, and one style for each verdict."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rich.cells import cell_len
from rich.text import Text

Said = str | Text
WORD = re.compile(r"(?:\{[^{}\n]*\}|\S)+")  # a set of pages such as {0, 1} is a word
LEAST = 24  # columns that what goes on below has at least
LITTLE = 8  # columns that are indented also where little is left
GAP = 2  # columns between two columns of a table
STYLE = {
    "proved": "bold green",
    "refuted": "bold red",
    "undetermined": "bold yellow",
    "skipped": "bold yellow",
    "contradiction": "bold red",
    "confirmed": "bold green",
    "not confirmed": "bold red",
    "safe": "bold green",
    "unsafe": "bold red",
    "keeps": "green",
    "breaks": "red",
    "lost": "bold red",
    "not lost": "bold green",
    "seen": "bold red",
    "not seen": "bold green",
}


def verdict(word: str, said: str = "") -> Text:
    """A verdict, or what is said in its place, in the style that the verdict has everywhere."""
    return Text(said or word, STYLE.get(word, ""))


def wrapped(line: Said, width: int, indent: int = 0, style: str = "") -> Iterator[Text]:
    """The line, broken between words to the width; what goes on below is indented, and styles go on too.

    A word is broken only where it alone is wider than a line.
    """
    text = line if isinstance(line, Text) else Text(line, style)
    if cell_len(text.plain) <= width:
        yield text
        return
    start = len(text.plain) - len(text.plain.lstrip())
    indent = min(indent, max(width - LEAST, LITTLE))
    for number, (begin, end) in enumerate(_pieces(text.plain, width, start, indent)):
        yield text[:end] if not number else Text(" " * indent) + text[begin:end]


def packed(items: Iterable[str], width: int, begin: Said, indent: int, gap: int = GAP) -> Iterator[Text]:
    """Items `gap` blanks apart behind `begin`; one that does not fit on the line begins the next, indented."""
    line = begin.copy() if isinstance(begin, Text) else Text(begin)
    fresh = True
    for item in items:
        if not fresh and cell_len(line.plain) + gap + cell_len(item) > width:
            yield from wrapped(line, width, indent + GAP)
            line, fresh = Text(" " * indent), True
        line.append(item if fresh else " " * gap + item)
        fresh = False
    line.rstrip()
    yield from wrapped(line, width, indent + GAP)


def _pieces(plain: str, width: int, start: int, indent: int) -> Iterator[tuple[int, int]]:
    """(begin, end) of each line: as many words as fit."""
    begin, end, room = start, start, width - start
    for first, last in _words(plain, width - max(start, indent)):
        if end > begin and cell_len(plain[begin:last]) > room:
            yield begin, end
            begin, room = first, width - indent
        end = last
    yield begin, end


def _words(plain: str, room: int) -> Iterator[tuple[int, int]]:
    """(begin, end) of each word, and of each part of one that is wider than a line."""
    for found in WORD.finditer(plain):
        begin = found.start()
        for end in range(begin + 1, found.end()):
            if cell_len(plain[begin : end + 1]) > room:
                yield begin, end
                begin = end
        yield begin, found.end()
