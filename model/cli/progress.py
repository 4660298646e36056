"""What is being done and how far it has come, on one line of stderr; only on a terminal, and gone when it is done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

Each = TypeVar("Each")
ROOM = 6  # columns beside the line: for what turns, and for the ^C that a terminal echoes, or two lines would stay
WAITED = 1.0  # seconds after which it is said how many have gone by


class Told(Protocol):
    """What can say in a line how far it is; `silent` seconds have gone by since."""

    def text(self, silent: float = 0.0) -> str: ...


@contextmanager
def working(what: str = "", *, quiet: bool = False) -> Iterator[Working]:
    """A line on stderr that says what is being done, how far it has come, and for how long already.

    Args:
        what: what is being done, until `doing` says something else.
        quiet: nothing is shown.
    """
    if quiet or not sys.stderr.isatty():
        yield Working()
        return
    from model.cli.terminal import console

    out = console("auto", stderr=True)
    line = Shown(what, out)
    with out.status(line):  # taken away at the end, also by Ctrl-C
        yield line


class Working:
    """Where nothing is shown: takes the same news as `Shown`.

    Attributes:
        report: for `Limits.report`; None where nobody looks.
    """

    report: Callable[[Told], None] | None = None

    def doing(self, what: str) -> None:
        """What is done from now on."""

    def each(self, items: Iterable[Each], say: Callable[[Each], str], of: int = 0) -> Iterator[Each]:
        """The items; while one is worked on, its number, `of` how many, and what is said of it are shown."""
        total = f" of {of:,}" if of else ""
        for number, item in enumerate(items, 1):
            self.doing(f"{number:,}{total}: {say(item)}")
            yield item


class Shown(Working):
    """What is shown; it is asked again several times a second, so that silence shows too."""

    def __init__(self, what: str = "", out: Console | None = None) -> None:
        self.what, self.out = what, out
        self.last: Told | None = None
        self.begin = self.at = monotonic()
        self.report = self.reported

    def reported(self, progress: Told) -> None:
        """News of an engine."""
        self.last, self.at = progress, monotonic()

    def doing(self, what: str) -> None:
        self.what, self.last, self.at = what, None, monotonic()

    def text(self) -> str:
        """One line: `2 of 11: naive; lanes: depth 4, 1,112 states; 12 s`."""
        now = monotonic()
        said = [self.what] if self.what else []
        if self.last:
            said.append(self.last.text(now - self.at))
        if now - self.begin >= WAITED:
            said.append(f"{now - self.begin:.0f} s")
        return "; ".join(said) or "starting"

    def __rich__(self) -> Text:
        from rich.text import Text

        line = Text(self.text(), no_wrap=True, end="")
        line.truncate(max((self.out.width if self.out else 80) - ROOM, 1), overflow="ellipsis")
        return line
