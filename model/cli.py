"""`clearorder COMMAND`, and what every command's face shares: errors, exit codes, output files, colour.

Click reads the command line: it has completion for three shells, suggests the option that was meant, starts fast, and
is what Python users know.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from model.errors import ModelError, UsageError
from model.verdict import INTERNAL, INTERRUPTED, PROVED, USAGE

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

COMMANDS = {
    "check": "model.check",
    "certify": "model.certify",
    "cost": "model.cost",
    "evidence": "model.evidence",
    "explore": "model.explore",
    "gallery": "model.gallery",
    "liveness": "model.liveness",
    "monitor": "model.monitor",
    "mutants": "model.mutants",
    "record": "model.kvm.recorder",
    "repair": "model.repair",
    "replay": "model.replay",
    "synthesize": "model.synthesize",
}
REPORT = "This is a bug in clearorder: please report it with the design, the command line and the line above."


class Commands(click.Group):
    """Subcommands that are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, module in COMMANDS.items() if importlib.util.find_spec(module)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(COMMANDS[name]).command
        return command


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        from model.check import version_line

        click.echo(version_line())
        ctx.exit(0)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Versions.")
def group() -> None:
    """Check designs of dirty tracking: in which order, and by which mask, may dirty bits be cleared?"""


def main() -> NoReturn:
    """The console script."""
    run(group, "clearorder")


def run(command: click.Command, name: str) -> NoReturn:
    """Run a command and leave with its exit code; every error is one message on stderr, never a traceback."""
    code = PROVED
    try:
        code = command.main(prog_name=name, standalone_mode=False) or PROVED
        sys.stdout.flush()
    except click.exceptions.Exit as done:
        code = done.exit_code
    except click.Abort:
        code = INTERRUPTED
    except click.ClickException as wrong:
        wrong.show()
        code = USAGE
    except ModelError as wrong:
        complain(str(wrong))
        code = wrong.exit_code
    except KeyboardInterrupt:
        complain("interrupted before anything was covered")
        code = INTERRUPTED
    except BrokenPipeError:
        code = getattr(command, "code", PROVED)
        _drop_stdout()
    except Exception as bug:
        if os.environ.get("CLEARORDER_DEBUG"):
            raise
        complain(f"internal error: {type(bug).__name__}: {bug}\n{REPORT} CLEARORDER_DEBUG=1 shows where it happened.")
        code = INTERNAL
    sys.exit(code)


def complain(message: str) -> None:
    """One message on stderr."""
    click.echo(f"error: {message}", err=True)


def _drop_stdout() -> None:
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
    """Lines of text to stdout."""
    out = console(color)
    for line in lines:
        out.print(line, soft_wrap=True)


def columns(color: str) -> int:
    """The width to lay text out for: the terminal's, or 80 where there is none."""
    return max(60, console(color).width if sys.stdout.isatty() or "COLUMNS" in os.environ else 80)


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
