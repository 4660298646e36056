"""What can be wrong with a design or a request, said in the user's words, with file and line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import FrameType

# the packages of the language itself, whose lines are never the user's mistake
LANGUAGE = ("expr/", "program/")
OWN = tuple(__file__.removesuffix("errors.py") + name for name in LANGUAGE)


@dataclass(frozen=True)
class Place:
    """A line of a user's file, as an editor's jump-to-error reads it."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class ModelError(Exception):
    """Anything that this tool refuses; the message says what is wrong and what to write instead."""

    exit_code = 2

    def __init__(self, message: str, place: Place | None = None) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.message, self.place = message, place


class DesignError(ModelError):
    """A design is not well formed."""


class UsageError(ModelError):
    """A command or a call asks for something that does not exist or does not fit."""


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
    frames = list(_frames())
    own = [f for f in frames if focus and f.f_code.co_filename == focus[-1]]
    others = [f for f in frames if not is_ours(f.f_code.co_filename)]
    return next((Place(shown_path(f.f_code.co_filename), f.f_lineno) for f in own or others), None)


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
        return str(Path(path).resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return path


def did_you_mean(word: str, known: list[str]) -> str:
    """` Did you mean …?` with the nearest known word, or nothing."""
    near = get_close_matches(word, known, 1)
    return f"; did you mean '{near[0]}'?" if near else "."
