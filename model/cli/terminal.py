"""What is printed, and how wide and colourful the terminal is."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def complain(message: str) -> None:
    """One message on stderr; on a terminal broken between words, but for lines of code."""
    said = f"error: {message}"
    if sys.stderr.isatty():
        from functools import partial
        from textwrap import fill

        width = max(40, console("auto", stderr=True).width)
        lay = partial(fill, width=width, break_on_hyphens=False, break_long_words=False)
        said = "\n".join(line if " | " in line else lay(line) for line in said.splitlines())
    click.echo(said, err=True)


@contextlib.contextmanager
def decided(code: int) -> Iterator[None]:
    """The verdict is known: a reader that goes away while it is written (`| head`) does not change the exit code."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        drop_stdout()
        raise click.exceptions.Exit(code) from None


def drop_stdout() -> None:
    """The reader has gone (`| head`): nothing more is written, and Python's own flush at exit stays quiet."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def console(color: str, *, stderr: bool = False) -> Console:
    """A rich console for results (or for progress, on stderr): colour and width as the terminal has them."""
    from rich.console import Console

    class Piped(Console):
        """A console whose reader may go away: that ends the command with its own exit code, not with rich's 1."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    by_choice: dict[str, dict[str, Any]] = {"never": {"color_system": None}, "always": {"force_terminal": True}}
    settings = by_choice.get(color, {})
    return Piped(stderr=stderr, highlight=False, soft_wrap=True, emoji=False, markup=False, **settings)


def print_lines(lines: Iterable[Text], color: str) -> None:
    """Lines of text to stdout; what is still wider than the terminal is broken between words."""
    from model.printing.lines import wrapped

    out, width = console(color), columns(color)
    for line in lines:
        begin = len(line.plain) - len(line.plain.lstrip())
        for part in wrapped(line, width, begin + 4):
            out.print(part, soft_wrap=True)


def columns(color: str) -> int:
    """The width to lay text out for: the terminal's, or 80 where there is none."""
    return max(60, console(color).width if sys.stdout.isatty() or "COLUMNS" in os.environ else 80)
