"""`clearorder COMMAND`, and how every command is run: errors become one message each, and an exit code.

Click reads the command line: it has completion for three shells, suggests the option that was meant, starts fast, and
is what Python users know.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

import click

from model.cli.interrupt import TERMINATED, Terminable
from model.cli.requirements import not_installed
from model.cli.terminal import complain, drop_stdout
from model.cli.version import show_version
from model.errors import ModelError, did_you_mean
from model.verdict import INTERNAL, INTERRUPTED, PROVED, SKIPPED, USAGE

UNREAD = 128 + signal.SIGPIPE  # of a command whose reader went away before it had a verdict
REPORT = "This is a bug in clearorder: please report it with the design, the command line and the line above."


class Commands(click.Group):
    """Subcommands that are imported when they are asked for: `modules` says where each one is, `said` what it does."""

    def __init__(self, modules: Mapping[str, str], said: Mapping[str, str], **options: Any) -> None:
        super().__init__(**options)
        self.modules, self.said = modules, said

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.modules)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return load(self.modules[name]) if name in self.modules else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click lists them, which would import them all."""
        room = formatter.width - 6 - max(map(len, self.said))
        with formatter.section("Commands"):
            named = [(name, click.Command(name, help=text)) for name, text in self.said.items()]
            formatter.write_dl([(name, command.get_short_help_str(room)) for name, command in named])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.modules:
            known = list(self.modules)
            ctx.fail(f"there is no command '{args[0]}'{did_you_mean(args[0], known) or '; --help lists them'}")
        return super().resolve_command(ctx, args)


def load(module: str) -> click.Command:
    """The `command` of a module."""
    found: click.Command = importlib.import_module(module).command
    return found


def group(modules: Mapping[str, str], said: Mapping[str, str]) -> click.Command:
    """All commands under one name."""
    version = click.Option(
        ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=show_version, help="Versions."
    )
    return Commands(
        modules,
        said,
        params=[version],
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Check designs of dirty tracking: in which order, and by which mask, may dirty bits be cleared?",
    )


def run(command: click.Command, name: str) -> NoReturn:
    """Run a command and leave with its exit code; every error is one message on stderr, never a traceback."""
    with Terminable() as ended:
        code = exit_code_of(command, name)
    sys.exit(TERMINATED if ended.asked and code == INTERRUPTED else code)


def exit_code_of(command: click.Command, name: str) -> int:
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
        complain(wrong.shown())
        return wrong.exit_code
    except (KeyboardInterrupt, click.Abort):  # click makes the second of the first
        complain("interrupted before there was an answer")
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):  # click makes the second of the first; `decided` is for known verdicts
        drop_stdout()
        return UNREAD
    except Exception as bug:
        if isinstance(bug, ModuleNotFoundError) and (said := not_installed(bug)):
            complain(said)
            return SKIPPED
        if os.environ.get("CLEARORDER_DEBUG"):
            raise
        complain(f"internal error: {type(bug).__name__}: {bug}\n{REPORT} CLEARORDER_DEBUG=1 shows where it happened.")
        return INTERNAL
