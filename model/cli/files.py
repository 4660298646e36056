"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from model.cli.terminal import print_lines
from model.errors import UsageError

if TYPE_CHECKING:
    from rich.text import Text


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when the block ends well; nothing is left half-written.

    Raises:
        UsageError: the directory does not exist or cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent or ".", prefix=f".{path.name}.")
    except OSError as wrong:
        raise UsageError(f"cannot write {path}: {wrong.strerror}.") from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as wrong:
        raise UsageError(f"cannot write {path}: {wrong.strerror}.") from None
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_out(text: str, path: Path | None) -> None:
    """`text` to the file, or to stdout."""
    if path is None:
        click.echo(text, nl=False)
        return
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_lines(lines: Iterable[Text], path: Path | None, color: str) -> None:
    """Lines to the file, without colour, or to stdout."""
    if path is None:
        print_lines(lines, color)
    else:
        write_out("".join(f"{line.plain}\n" for line in lines), path)
