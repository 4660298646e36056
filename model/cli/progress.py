"""How far a search has come, on a line of stderr; only on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Protocol


class Told(Protocol):
    """What can say in a line how far it is; `silent` seconds have gone by since."""

    def text(self, silent: float = 0.0) -> str: ...


@contextmanager
def progress_line(quiet: bool) -> Iterator[Callable[[Told], None] | None]:
    """A line on stderr that says how far the search has come; only on a terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from model.cli.terminal import console

    line = ProgressLine()
    with console("auto", stderr=True).status(line):
        yield line.report


class ProgressLine:
    """What is shown while an engine runs; it is asked again several times a second, so that silence shows too."""

    def __init__(self) -> None:
        self.last: Told | None = None
        self.at = monotonic()

    def report(self, progress: Told) -> None:
        self.last, self.at = progress, monotonic()

    def __rich__(self) -> str:
        return self.last.text(monotonic() - self.at) if self.last else "starting"
