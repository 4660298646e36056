"""`clearorder COMMAND`, and what every command's face shares: errors, exit codes, output files, colour.

Click reads the command line: it has completion for three shells, suggests the option that was meant, starts fast, and
is what Python users know.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import click

from model.errors import ModelError, UsageError, did_you_mean
from model.options import show_version
from model.verdict import INTERNAL, INTERRUPTED, PROVED, USAGE

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

COMMANDS = {
    "check": "model.check",
    "certify": "model.certify",
    "cost": "model.cost",
    "edges": "model.edges",
    "evidence": "model.evidence",
    "explore": "model.explore",
    "gallery": "model.gallery",
    "liveness": "model.liveness",
    "monitor": "model.monitor",
    "mutants": "model.mutants",
    "record": "model.kvm.recorder",
    "repair": "model.repair",
    "replay": "model.replay",
    "sweep": "model.sweep",
    "synthesize": "model.synthesize",
}
UNREAD = 128 + signal.SIGPIPE  # of a command whose reader went away before it had a verdict
TERMINATED = 128 + signal.SIGTERM  # what a shell says of a command that SIGTERM has ended
REPORT = "This is a bug in clearorder: please report it with the design, the command line and the line above."


class Commands(click.Group):
    """Subcommands that are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, module in COMMANDS.items() if importlib.util.find_spec(module)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        self.chosen: click.Command = importlib.import_module(COMMANDS[name]).command
        return self.chosen

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            ctx.fail(f"there is no command '{args[0]}'{did_you_mean(args[0], list(COMMANDS)) or '; --help lists them'}")
        return super().resolve_command(ctx, args)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=show_version, help="Versions.")
def group() -> None:
    """Check designs of dirty tracking: in which order, and by which mask, may dirty bits be cleared?"""


def main() -> NoReturn:
    """The console script."""
    run(group, "clearorder")


def run(command: click.Command, name: str) -> NoReturn:
    """Run a command and leave with its exit code; every error is one message on stderr, never a traceback."""
    with Terminable() as ended:
        code = _code(command, name)
    sys.exit(TERMINATED if ended.asked and code == INTERRUPTED else code)


def _code(command: click.Command, name: str) -> int:
    """The exit code of the command, whatever happens in it."""
    try:
        code: int = command.main(prog_name=name, standalone_mode=False) or PROVED
        sys.stdout.flush()
        return code
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as wrong:
        wrong.show()
        return USAGE
    except ModelError as wrong:
        complain(str(wrong))
        return wrong.exit_code
    except (KeyboardInterrupt, click.Abort):  # click makes the second of the first
        complain("interrupted before there was an answer")
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):  # click makes the second of the first
        _drop_stdout()
        return getattr(getattr(command, "chosen", command), "code", UNREAD)
    except Exception as bug:
        if os.environ.get("CLEARORDER_DEBUG"):
            raise
        complain(f"internal error: {type(bug).__name__}: {bug}\n{REPORT} CLEARORDER_DEBUG=1 shows where it happened.")
        return INTERNAL


class Terminable:
    """A block in which SIGTERM is what Ctrl-C is: everything is cleaned up, and what was covered is said.

    Python runs handlers between its own instructions, and z3 may think for minutes within one; but z3 listens for
    Ctrl-C itself. So a thread hears of every signal at once, and passes SIGTERM on as Ctrl-C where z3 is loaded.

    Attributes:
        asked: a SIGTERM has come; it interrupts once, so that another one does not cut the cleaning up short.
    """

    def __init__(self) -> None:
        self.asked = self.passed_on = False

    def __enter__(self) -> Terminable:
        self.ear, mouth = os.pipe()
        os.set_blocking(mouth, False)
        self.mouth = signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
        heard = [signal.SIGTERM]
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else Ctrl-C is not meant for us (`&`)
            heard.append(signal.SIGINT)
        self.handlers = {number: signal.signal(number, self.interrupt) for number in heard}
        Thread(target=self.listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.handlers.items():
            signal.signal(number, handler)
        os.close(signal.set_wakeup_fd(self.mouth))  # which ends the thread

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGTERM or self.passed_on:
            if self.asked:
                return
            self.asked = True
        raise KeyboardInterrupt

    def listen(self) -> None:
        with os.fdopen(self.ear, "rb", buffering=0) as ear:
            while heard := ear.read(1):
                if heard[0] == signal.SIGTERM and "z3" in sys.modules and not self.passed_on:
                    self.passed_on = True
                    os.kill(os.getpid(), signal.SIGINT)


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
