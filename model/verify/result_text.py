"""The parts of a result as text for a terminal: its scope, what was searched, the counterexample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import wrap

from rich.text import Text

from model.program.store_buffer import entries_told
from model.verify.narration import Line, Story
from model.verify.wording import page_set, plural

LOUD = ("vacuous", "unused", "not asked", "deadlock")  # first words of notes that nobody may overlook
STYLE = {"proved": "bold green", "refuted": "bold red", "undetermined": "bold yellow"}


def scope(sizes: Mapping[str, int | str]) -> str:
    """`2 pages, 2 clients`, `any number of pages and clients`."""
    fixed = [entries_told(n) if s == "buffers" else plural(int(n), s[:-1]) for s, n in sizes.items() if n != "any"]
    free = [s for s, n in sizes.items() if n == "any"]
    return ", ".join(["any number of " + " and ".join(free), *fixed] if free else fixed)


def wrapped(line: Text, width: int, indent: int) -> Iterator[Text]:
    """The line, broken at spaces to the width, its continuation indented."""
    plain = line.plain
    if len(plain) <= width:
        yield line
        return
    start = len(plain) - len(plain.lstrip())
    pieces = wrap(plain.strip(), max(width - start, 30), subsequent_indent=" " * max(indent - start, 0))
    for i, piece in enumerate(pieces):
        text = Text(" " * start + piece)
        if i == 0:
            text.spans = [s for s in line.spans if s.end <= len(text)]
        yield text


def story(told: Story, *, width: int) -> Iterator[Text]:
    """Title, numbered moves with what they changed, and why."""
    if len(told.title) + len(told.size) + 4 <= width:
        yield Text(f"{told.title}{told.size:>{width - len(told.title)}}", "bold")
    else:
        yield from wrapped(Text(told.title, "bold"), width, 2)
        yield Text(f"{told.size:>{width}}", "bold")
    everything = [*told.lines, *told.tail]
    left = max((len(line.text) for line in everything), default=0) + 2
    for line in told.lines:
        yield from _move(line, left, width)
    if told.tail:
        yield Text("    … and the write is lost:", "italic")
        for line in told.tail:
            yield from _move(line, left, width)
    if told.aftermath:
        yield from paragraph(f"Then: {told.aftermath}.", width, 6)
    yield from paragraph(why(told), width, 5)


def _move(line: Line, left: int, width: int) -> Iterator[Text]:
    head = f"{line.number:3} {line.text:{left}}"
    right = [*changes(line.changes), *line.notes]
    rows: list[str] = [""]
    for item in right:
        joined = f"{rows[-1]}  {item}" if rows[-1] else item
        if len(head) + len(joined) > width and rows[-1]:
            rows.append(item)
        else:
            rows[-1] = joined
    marked = line.broken
    for i, row in enumerate(rows):
        yield Text(((head if i == 0 else " " * len(head)) + row).rstrip(), "red" if marked else "")


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


def paragraph(text: str, width: int, indent: int) -> Iterator[Text]:
    for piece in wrap(text, width, subsequent_indent=" " * indent):
        yield Text(piece)
