"""Plain ASCII for a mailing list: at most 72 columns, numbered moves or one column per thread, ready to paste."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from textwrap import wrap

from model.verdict import Refuted
from model.verify.again import command, spec_of
from model.verify.narration import Line
from model.verify.result import Result
from reports.bitmaps import Bitmaps, bitmaps
from reports.difference import PARTS, signed
from reports.formats import phrases as words
from reports.formats.phrases import ascii_line, folded
from reports.sibling import safe_sibling

WIDTH = 72
NARROWEST = 15  # columns of a thread, below which moves are numbered instead
ROOM = 30  # columns for the text of a move, below which the bitmaps are told in words


def document(results: Sequence[Result]) -> str:
    """Every result as text: a counterexample as numbered moves, anything else as one paragraph."""
    return _joined([*_numbered(result)] for result in results)


def in_columns(results: Sequence[Result]) -> str:
    """The same with one column per thread, as kernel commit messages show a race.

    Threads that are too many for 72 columns are written as numbered moves.
    """
    return _joined([*_columns(result)] for result in results)


def _joined(parts: Iterator[list[str]] | Sequence[list[str]]) -> str:
    return "\n".join("".join(f"{line}\n" for line in lines) for lines in parts)


def paragraph(said: str, indent: str = "", *, first: str = "") -> list[str]:
    """`said` in ASCII behind `first`, broken at spaces (and words that are too long anywhere) to 72 columns."""
    text = ascii_line(said)
    return folded(f"{first}{text}", WIDTH, len(indent)) if text else []


def _frame(result: Result, moves: list[str], names: Collection[str]) -> Iterator[str]:
    """Title and size, what names are in C, the moves, what follows and the argument, the safe design, the command."""
    story = result.story
    assert story is not None
    title, size = ascii_line(story.title), ascii_line(f"({story.size})")
    yield from paragraph(f"{title} {size}") if len(title) + len(size) < WIDTH else [*paragraph(title), *paragraph(size)]
    for part in (legend(result, names), moves, *_argument(result), [*_otherwise(result)], [*_again(result)]):
        if part:
            yield ""
            yield from part


def _argument(result: Result) -> Iterator[list[str]]:
    story = result.story
    assert story is not None
    for sentence in (words.aftermath(story), f"Why: {words.why(story)}" if story.because else ""):
        yield paragraph(sentence)


def _changed(result: Result) -> set[str]:
    """The parts and registers that the moves change."""
    return {name.partition("[")[0] for line in words.lines(result) for name in line.changes}


def legend(result: Result, names: Collection[str]) -> list[str]:
    """What each of these is in the real program: `mine = RAMBlock.bmap, …`."""
    known = [v for v in result.program.variables if v.name in names and v.doc]
    left = max((len(ascii_line(v.name)) for v in known), default=0)
    rows = [(f"  {ascii_line(v.name):{left}} = ", v.doc) for v in known]
    return [row for name, doc in rows for row in paragraph(doc, " " * len(name), first=name)]


def _otherwise(result: Result) -> Iterator[str]:
    """The recorded steps that differ from those of a safe design."""
    safe = safe_sibling(result)
    if safe is None:
        return
    name = ascii_line(safe.program.name)
    yield from paragraph(
        f"{name} keeps {result.property}: recorded as proved for {safe.scope}. "
        f"The steps that differ, - of {result.design}, + of {name}:"
    )
    for operation, pairs in safe.difference.groups:
        yield ""
        yield from paragraph(f"@@ {operation} @@")
        for sign, line in signed([pair for pair in pairs if operation != PARTS or not pair.same]):
            yield from paragraph(line, " " * 6, first=f"{sign} {' ' * (len(line) - len(line.lstrip()))}")


def _again(result: Result) -> Iterator[str]:
    """The version, and the command that finds the same again."""
    story = result.story
    assert story is not None
    tool = words.tool()
    yield from paragraph(f"Found by {tool['name']} {tool['version']} with z3 {tool['z3']}. To run it again:")
    asked = command(result.program, spec_of(result.program), result.property, story.pages, story.sizes)
    yield from (f"  {line}" for line in continued(ascii_line(asked), WIDTH - 4))


def continued(line: str, width: int) -> list[str]:
    """A command on lines that a shell joins again; a word that is too long for one is broken in itself."""
    pieces = wrap(line, width, subsequent_indent="    ", break_on_hyphens=False)
    return [*(f"{piece} \\" for piece in pieces[:-1]), *pieces[-1:]]


def _sentence(result: Result) -> Iterator[str]:
    """A result that has no trace, as a short paragraph."""
    yield from paragraph(f"{words.headline(result)}. " + "".join(f"{said}. " for said in words.basis(result)))


# ---------------------------------------------------------------- numbered moves


def _numbered(result: Result) -> Iterator[str]:
    if not isinstance(result.verdict, Refuted) or result.story is None:
        yield from _sentence(result)
        return
    table = _table(result)
    moves = _beside(result, table) if table else (row for line in _told(result) for row in _move(line))
    yield from _frame(result, [*moves], table.names if table else _changed(result))


def _table(result: Result) -> Bitmaps | None:
    """The bitmaps, where enough of the line is left for the moves."""
    trace = result.whole or result.trace
    found = bitmaps(trace) if trace else None
    return found if found and found.width + 2 + ROOM <= WIDTH else None


def _beside(result: Result, table: Bitmaps) -> Iterator[str]:
    """The moves with the bitmaps after each to the right, what is to be said of a move below it."""
    left = WIDTH - table.width - 2
    for head in table.heads:
        yield f"{'':{left}}  {head}".rstrip()
    rows = iter(table.rows)
    if set(start := next(rows)) - {".", " "}:
        yield f"{'     at the start':{left}}  {start}".rstrip()
    for line in _told(result):
        if isinstance(line, str):
            yield f"     {line}"
            continue
        pieces = _headed(line, left)
        yield f"{pieces[0]:{left}}  {next(rows)}".rstrip()
        yield from pieces[1:]
        for note in line.notes:
            yield from paragraph(note, " " * 9, first=" " * 7 + "# ")
    yield from _letters(table)


def _letters(table: Bitmaps) -> Iterator[str]:
    """What the short names in the head of the table stand for."""
    told = ", ".join(f"{letter} {name}" for letter, name in table.letters.items() if letter != name)
    flags = "; x: the flag is on; a dot: it is empty, or off" if table.flags else "; a dot: it is empty"
    digits = f"a digit: that page is in the set{flags}"
    yield ""
    yield from paragraph(f"({told}; {digits})" if told else f"({digits})")


def _told(result: Result) -> Iterator[Line | str]:
    """The moves, with a remark before those that follow a broken promise."""
    story = result.story
    assert story is not None
    yield from story.lines
    if story.tail:
        yield "and the write is lost:"
        yield from story.tail


def _headed(line: Line, width: int) -> list[str]:
    head = f"({line.number})"
    return folded(f"{head:>4} {ascii_line(line.text)}", width, 7)


def _move(line: Line | str) -> Iterator[str]:
    if isinstance(line, str):
        yield f"     {line}"
        return
    yield from _headed(line, WIDTH)
    details = "; ".join(ascii_line(said) for said in (*words.changes(line), *line.notes))
    yield from paragraph(details, " " * 9, first=" " * 9)


# ---------------------------------------------------------------- one column per thread


def _columns(result: Result) -> Iterator[str]:
    threads = words.threads(result)
    number = len(str(len(words.lines(result)))) + 3
    width = (WIDTH - number) // max(1, len(threads))
    if not threads or width < NARROWEST:
        yield from _numbered(result)
        return
    rows = [*_heads(threads, number, width), *_rows(result, threads, number, width)]
    yield from _frame(result, rows, _changed(result))


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
        pieces = folded(ascii_line(words.verb(line)), room, 2)
        for note in line.notes:
            pieces += folded(f"[{ascii_line(note)}]", room, 1)
        for i, piece in enumerate(pieces):
            head = f"({line.number})" if i == 0 else ""
            yield f"{head:{number}}{margin[number:]}{piece}".rstrip()
