"""Plain ASCII for a mailing list: at most 72 columns, numbered moves or one column a thread, ready to paste."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from model.verdict import Refuted
from model.verify.narration import Line
from model.verify.result import Result
from reports.formats import phrases as words
from reports.formats.phrases import ascii_line

WIDTH, NARROWEST = 72, 15  # columns of a mail; of a thread's column, below which moves are numbered instead


def document(results: Sequence[Result]) -> str:
    """Every result as text: a counterexample as numbered moves, anything else as one paragraph."""
    return _joined([*_numbered(result)] for result in results)


def in_columns(results: Sequence[Result]) -> str:
    """The same with one column a thread, as kernel commit messages show a race.

    Threads that are too many for 72 columns are written as numbered moves.
    """
    return _joined([*_columns(result)] for result in results)


def _joined(parts: Iterator[list[str]] | Sequence[list[str]]) -> str:
    return "\n".join("".join(f"{line}\n" for line in lines) for lines in parts)


def paragraph(said: str, indent: str = "") -> list[str]:
    """`said` in ASCII, broken at spaces (and words that are too long anywhere) to 72 columns."""
    return wrap(ascii_line(said), WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def _frame(result: Result, moves: list[str]) -> Iterator[str]:
    """Title and size above the moves, what follows and the argument below them."""
    story = result.story
    assert story is not None
    title, size = ascii_line(story.title), ascii_line(f"({story.size})")
    yield from paragraph(f"{title} {size}") if len(title) + len(size) < WIDTH else [*paragraph(title), *paragraph(size)]
    yield ""
    yield from moves
    for sentence in (words.aftermath(story), f"Why: {words.why(story)}" if story.because else ""):
        if sentence:
            yield ""
            yield from paragraph(sentence)


def _sentence(result: Result) -> Iterator[str]:
    """A result that has no trace, as a short paragraph."""
    yield from paragraph(f"{words.headline(result)}. " + "".join(f"{said}. " for said in words.basis(result)))


# ---------------------------------------------------------------- numbered moves


def _numbered(result: Result) -> Iterator[str]:
    if not isinstance(result.verdict, Refuted) or result.story is None:
        yield from _sentence(result)
        return
    yield from _frame(result, [row for line in _told(result) for row in _move(line)])


def _told(result: Result) -> Iterator[Line | str]:
    """The moves, with a remark before those that follow a broken promise."""
    story = result.story
    assert story is not None
    yield from story.lines
    if story.tail:
        yield "and the write is lost:"
        yield from story.tail


def _move(line: Line | str) -> Iterator[str]:
    if isinstance(line, str):
        yield f"     {line}"
        return
    head = f"({line.number})"
    yield from wrap(f"{head:>4} {ascii_line(line.text)}", WIDTH, subsequent_indent=" " * 5)
    details = "; ".join(ascii_line(said) for said in (*words.changes(line), *line.notes))
    yield from wrap(details, WIDTH, initial_indent=" " * 9, subsequent_indent=" " * 9)


# ---------------------------------------------------------------- one column a thread


def _columns(result: Result) -> Iterator[str]:
    threads = words.threads(result)
    number = len(str(len(words.lines(result)))) + 3
    width = (WIDTH - number) // max(1, len(threads))
    if not threads or width < NARROWEST:
        yield from _numbered(result)
        return
    yield from _frame(result, [*_heads(threads, number, width), *_rows(result, threads, number, width)])


def _heads(threads: list[str], number: int, width: int) -> Iterator[str]:
    names = [ascii_line(t.removeprefix("the "))[: width - 2] for t in threads]
    for row in (names, ["-" * len(n) for n in names]):
        yield (" " * number + "".join(f"{cell:{width}}" for cell in row)).rstrip()


def _rows(result: Result, threads: list[str], number: int, width: int) -> Iterator[str]:
    for line in _told(result):
        if isinstance(line, str):
            yield f"{' ' * number}{line}"
            continue
        margin = " " * (number + width * threads.index(line.thread))
        last = line.thread == threads[-1]
        room = WIDTH - len(margin) if last else width - 2
        pieces = wrap(ascii_line(words.verb(line)), room, subsequent_indent="  ")
        for note in line.notes:
            pieces += wrap(f"[{ascii_line(note)}]", room, subsequent_indent=" ")
        for i, piece in enumerate(pieces):
            head = f"({line.number})" if i == 0 else ""
            yield f"{head:{number}}{margin[number:]}{piece}".rstrip()
