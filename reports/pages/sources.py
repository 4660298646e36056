"""The lines of a design beside the C that they model: the code on the left, its margin on the right."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from model.program.program import Program

ROOT = Path(__file__).parents[2]


class Beside(NamedTuple):
    """One line of a design, and what its comment says of the C."""

    code: str
    c: str


class Written(NamedTuple):
    """One operation as it was written, and in which file."""

    name: str
    file: str
    lines: tuple[Beside, ...]


def written(program: Program) -> list[Written]:
    """The operations in the order in which they were declared; those whose file cannot be read are left out."""
    places = {s.operation: s.place for s in reversed(program.steps) if s.place}
    found = []
    for name in program.operations:
        place = places.get(name)
        lines = place and _function(place.file, name, place.line)
        if place and lines:
            found.append(Written(name, place.file, tuple(_beside(lines))))
    return found


def _function(file: str, name: str, line: int) -> str:
    """The function of that name around a line of a file, or nothing where it cannot be read."""
    try:
        text = _path(file).read_text(encoding="utf-8")
        tree = ast.parse(text)
    except (OSError, SyntaxError, ValueError):
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == name and node.lineno <= line <= (node.end_lineno or 0):
            return "\n".join(text.splitlines()[node.lineno - 1 : node.end_lineno])
    return ""


def _path(file: str) -> Path:
    """A place names its file as seen from where it was recorded, for built-in designs the root of the checkout."""
    return Path(file) if Path(file).is_file() else ROOT / file


def _beside(text: str) -> Iterator[Beside]:
    lines = text.splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip())
    comments = dict(_comments("\n".join(line[indent:] for line in lines)))
    for number, line in enumerate(lines, 1):
        column, said = comments.get(number, (len(line), ""))
        yield Beside(line[indent:][:column].rstrip(), said)


def _comments(text: str) -> Iterator[tuple[int, tuple[int, str]]]:
    """(line, (column, words)) of each comment."""
    for token in tokenize.generate_tokens(io.StringIO(text + "\n").readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], (token.start[1], token.string.lstrip("# "))
