"""Markdown for an issue or a pull request: a table of verdicts, then each counterexample as a table of moves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from model.verify.claims import NoteKind
from model.verify.narration import Line
from model.verify.result import Result
from reports.formats import phrases as words

CODE = re.compile(r"`([\w.]+)`")
WORD = re.compile(r"[\w.\-]+")
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&$])")


def document(results: Sequence[Result]) -> str:
    """Every result; GitHub's and CommonMark's tables."""
    return "\n".join(_lines(results)) + "\n"


def escaped(said: str) -> str:
    """`said` on one line, with every sign that Markdown could read as markup taken literally."""
    return SPECIAL.sub(r"\\\1", words.one_line(said))


def code(said: str) -> str:
    """A name: as code where it is a plain word."""
    return f"`{said}`" if WORD.fullmatch(said) else escaped(said)


def prose(said: str) -> str:
    """The same, except that a plain word between backquotes stays code, as our own sentences write it."""
    pieces = CODE.split(words.one_line(said))
    return "".join(f"`{piece}`" if i % 2 else SPECIAL.sub(r"\\\1", piece) for i, piece in enumerate(pieces))


def _lines(results: Sequence[Result]) -> Iterator[str]:
    yield "| design | property | verdict | scope |"
    yield "| --- | --- | --- | --- |"
    for result in results:
        cells = [
            escaped(result.design),
            escaped(result.property),
            f"**{result.verdict.word}**",
            escaped(result.claim()),
        ]
        yield f"| {' | '.join(cells)} |"
    notes = [f"- {escaped(words.name(r))}: {prose(said)}" for r in results for said in words.basis(r)]
    yield from ["", *notes]
    for result in results:
        if result.story:
            yield ""
            yield from _story(result)


def _story(result: Result) -> Iterator[str]:
    story = result.story
    assert story is not None
    yield f"### {escaped(story.title)}"
    yield ""
    yield f"{escaped(story.size)}."
    yield ""
    yield "| | move | changes | notes |"
    yield "| ---: | --- | --- | --- |"
    yield from (_move(line) for line in story.lines)
    if story.tail:
        yield "| | *and the write is lost:* | | |"
        yield from (_move(line) for line in story.tail)
    for sentence in (words.aftermath(story), f"**Why:** {prose(words.why(story))}" if story.because else ""):
        if sentence:
            yield from ["", sentence if sentence.startswith("**Why") else prose(sentence)]


def _move(line: Line) -> str:
    notes = "; ".join(f"**{escaped(n)}**" if n.kind is NoteKind.BROKEN else escaped(n) for n in line.notes)
    return f"| {line.number} | {escaped(line.text)} | {escaped('; '.join(words.changes(line)))} | {notes} |"
