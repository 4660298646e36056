"""`clearorder record -o FILE -- PROGRAM …`: the dirty-log ioctls of a VMM, as a recording."""

from __future__ import annotations

from pathlib import Path

import click

from model.errors import UsageError
from model.monitor.recorder import record


@click.command(context_settings={"help_option_names": ["-h", "--help"], "allow_interspersed_args": False})
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- PROGRAM [ARGUMENT]...")
def command(output: Path, argv: tuple[str, ...]) -> int:
    """Run a VMM and record the ioctls by which it reads and clears KVM's dirty log.

    The recording is for clearorder monitor. KVM_RUN and all other system calls run at full speed.

    Exit code: that of PROGRAM (128 + n if signal n killed it); 2 it cannot be started, 4 ptrace cannot be used here.
    """
    try:
        with output.open("wb") as out:
            return record(argv, out)
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}.") from None
