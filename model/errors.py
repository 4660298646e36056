"""What can be wrong with a design or a request, said in the user's words, with file and line."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import FrameType

# the packages of the language itself, whose lines are never the user's mistake
LANGUAGE = ("expr/", "program/")
OWN = tuple(__file__.removesuffix("errors.py") + name for name in (*LANGUAGE, "errors.py"))


@dataclass(frozen=True)
class Place:
    """A line of a user's file, as an editor's jump-to-error reads it.

    Attributes:
        start, end: columns of what is meant, from 0; 0, 0 where only the line is known. Two places on one line are
            equal.
    """

    file: str
    line: int
    start: int = field(default=0, compare=False, repr=False)
    end: int = field(default=0, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def text(self) -> str:
        """The line as it is written, or nothing where the file cannot be read."""
        path = str(Path(self.file).resolve())
        linecache.checkcache(path)
        text = linecache.getline(path, self.line).rstrip().expandtabs(1)
        return text if text.strip() and text.isprintable() else ""

    def excerpt(self) -> str:
        """The line with a caret under what is meant, or nothing where the file cannot be read."""
        text = self.text()
        if not text:
            return ""
        start = self.start or len(text) - len(text.lstrip())
        width = max(1, (min(self.end, len(text)) if self.end > start else len(text)) - start)
        gutter = " " * len(str(self.line))
        return f"\n {self.line} | {text}\n {gutter} | {' ' * start}{'^' * width}"


class ModelError(Exception):
    """Anything that this tool refuses; the message says what is wrong and what to write instead."""

    exit_code = 2

    def __init__(self, message: str, place: Place | None = None) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.message, self.place = message, place

    def shown(self) -> str:
        """The message as a command prints it: file and line, what is wrong, and the line with a caret under it."""
        return f"{self}{self.place.excerpt() if self.place else ''}"


class DesignError(ModelError):
    """A design is not well formed."""


class UsageError(ModelError):
    """A command or a call asks for something that does not exist or does not fit."""


def refusal(ask: Callable[[], object]) -> str:
    """Why a UsageError refuses what is asked for, or an empty string."""
    try:
        ask()
    except UsageError as reason:
        return reason.message
    return ""


class TooWide(ModelError):
    """An engine or exporter cannot hold one state of this instance."""


class CannotSay(ModelError):
    """An engine or exporter has no exact reading of something that the design uses."""


class MissingTool(ModelError):
    """An outside tool that was asked for is not here; the message says how to get it."""

    exit_code = 4


focus: list[str] = []  # files of the operations that are being recorded, the innermost last


def here() -> Place | None:
    """The line of the user's design that is being recorded.

    The innermost line in the file of the operation, so that a mistake is reported where the operation calls an
    inherited helper and not inside the helper; outside a recording, the innermost line that is not ours.
    """
    innermost = None
    for frame in _frames():
        file = frame.f_code.co_filename
        if focus and file == focus[-1]:
            return place_of(frame)
        if innermost is None and not is_ours(file):
            innermost = frame
    return place_of(innermost) if innermost else None


def place_of(frame: FrameType, instruction: int | None = None) -> Place:
    """Where a frame is, with the columns where the interpreter knows them; `instruction` is of a frame that moved on.

    Source: PEP 657, which counts columns in bytes of UTF-8.
    """
    code, at = frame.f_code, frame.f_lasti if instruction is None else instruction
    line, end_line, start, end = next(islice(code.co_positions(), at // 2, None), (None,) * 4)
    if line is None or line != end_line or start is None or end is None:
        return Place(shown_path(code.co_filename), line or frame.f_lineno or code.co_firstlineno)
    return place(code.co_filename, line, start, end)


def place(file: str, line: int, start: int, end: int) -> Place:
    """A place in a file, named as code objects name it; columns are counted in bytes of UTF-8, as Python does."""
    text = linecache.getline(file, line).encode()
    first, last = (len(text[:column].decode(errors="ignore")) for column in (start, end))
    return Place(shown_path(file), line, first, last)


def is_ours(file: str) -> bool:
    """The file, named as code objects name it, belongs to the language itself."""
    return file.startswith(OWN)


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame:
        yield frame
        frame = frame.f_back


def shown_path(path: str) -> str:
    """`path` relative to the working directory where that is shorter, else as it is."""
    try:
        return _shown_from(Path.cwd(), path)
    except OSError:
        return path


@lru_cache(maxsize=1024)  # asked for every step, and each folder of a path is a question to the system
def _shown_from(folder: Path, path: str) -> str:
    try:
        return str(Path(path).resolve().relative_to(folder))
    except ValueError:
        return path


def did_you_mean(word: str, known: list[str]) -> str:
    """` Did you mean …?` with the nearest known word, or nothing."""
    near = get_close_matches(word, known, 1)
    return f"; did you mean '{near[0]}'?" if near else "."
