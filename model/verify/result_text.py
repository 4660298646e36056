"""The parts of a result as text for a terminal: its scope, what was searched, the counterexample."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.cells import cell_len
from rich.text import Text

from model.printing.lines import packed, wrapped
from model.program.store_buffer import entries_told
from model.verify.narration import Line, Story
from model.verify.wording import page_set, plural

BESIDE = 28  # columns that what a move changes should have beside the move
LOUD = ("vacuous", "unused", "not asked", "deadlock")  # first words of notes that nobody may overlook


def scope(sizes: Mapping[str, int | str]) -> str:
    """`2 pages, 2 clients`, `any number of pages and clients`."""
    fixed = [entries_told(n) if s == "buffers" else plural(int(n), s[:-1]) for s, n in sizes.items() if n != "any"]
    free = [s for s, n in sizes.items() if n == "any"]
    return ", ".join(["any number of " + " and ".join(free), *fixed] if free else fixed)


def story(told: Story, *, width: int, code: bool = False) -> Iterator[Text]:
    """Title, numbered moves with what they changed (with `code`, also the lines of the design), and why."""
    if cell_len(told.title) + cell_len(told.size) + 4 <= width:
        yield Text(f"{told.title}{told.size:>{width - cell_len(told.title)}}", "bold")
    else:
        yield from wrapped(Text(told.title, "bold"), width, 2)
        yield from wrapped(Text(f"{told.size:>{width}}", "bold"), width)
    yield from moves(told, "… and the write is lost:", width, code=code)
    if told.aftermath:
        yield from wrapped(f"Then: {told.aftermath}.", width, 6)
    yield from wrapped(why(told), width, 5)


def lasso(told: Story, width: int) -> Iterator[Text]:
    """An infinite run: the moves to its loop, those of the loop, and why."""
    yield from moves(told, "from here on this repeats for ever:", width)
    if not told.tail:
        yield from wrapped(f"    {told.aftermath}", width, 4)
    for number, reason in enumerate(told.because):
        yield from wrapped(f"    {' ' * 4 if number else 'Why:'} {reason}.", width, 9)


def moves(told: Story, between: str, width: int, *, code: bool = False) -> Iterator[Text]:
    """The numbered moves with what they changed; `between` stands before those of the tail."""
    everything = [*told.lines, *told.tail]
    left = max((cell_len(line.text) for line in everything), default=0) + 6
    widest = max((cell_len(item) for line in everything for item in _beside(line)), default=0)
    beside = left if width - left >= min(widest, BESIDE) else 0
    for number, line in enumerate(everything):
        if number == len(told.lines):
            yield from wrapped(f"    {between}", width, 4, "italic")
        yield from _move(line, beside, width)
        for said in code_of(line) if code else ():
            yield from wrapped(f"      {said}", width, 10, "dim")


def _beside(line: Line) -> list[str]:
    """What stands beside a move."""
    return [*changes(line.changes), *line.notes]


def _move(line: Line, left: int, width: int) -> Iterator[Text]:
    """What is done, and at the column `left` what that changes; below it where `left` is 0."""
    head, style = f"{line.number:3} {line.text}", "red" if line.broken else ""
    if left:
        lines = list(packed(_beside(line), width, head.ljust(left), left))
    else:
        lines = [*wrapped(head, width, 6), *packed(_beside(line), width, " " * 6, 6)]
    for each in lines:
        if each.plain.strip():
            each.stylize(style)
            yield each


def code_of(line: Line) -> list[str]:
    """`top_layer.py:20: s.kernel -= want  # ioctl …`: what the design says there, comments too."""
    told = [(place, place.text().strip()) for place in line.code]
    return [f"{Path(place.file).name}:{place.line}: {re.sub(r' {2,}#', '  #', text)}" for place, text in told if text]


def changes(changed: Mapping[str, object]) -> list[str]:
    """`kernel {0}`, `unread MIGRATION {0}, VGA {0}`: one entry per part."""
    grouped: dict[str, list[str]] = {}
    for name, value in changed.items():
        part, _, owner = name.partition("[")
        shown = page_set(sum(1 << p for p in value)) if isinstance(value, list) else ("on" if value else "off")
        grouped.setdefault(part, []).append(f"{owner.rstrip(']')} {shown}".strip())
    return [f"{part} {', '.join(values)}" for part, values in grouped.items()]


def why(told: Story) -> str:
    """`Why: … ; …, because ….`"""
    return f"Why: {'; '.join(told.because)}." if told.because else ""
