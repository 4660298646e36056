"""`clearorder record -o FILE -- PROGRAM …`: the dirty-log ioctls of a VMM, as a recording."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import click

from model.cli.help import verb
from model.errors import UsageError
from model.monitor.recorder import attach, record


@verb("clearorder record -o qemu.jsonl.gz -- qemu-system-x86_64 -m 256", allow_interspersed_args=False)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write there.",
)
@click.option(
    "-p", "--pid", type=click.IntRange(1), metavar="PID", help="A VMM that runs already; ^C leaves it running."
)
@click.argument("argv", nargs=-1, type=click.UNPROCESSED, metavar="-- PROGRAM [ARGUMENT]...")
def command(output: Path, pid: int | None, argv: tuple[str, ...]) -> int:
    """Run a VMM, or come to a running one, and record the ioctls by which it reads and clears KVM's dirty log.

    The recording is for clearorder monitor; FILE.gz is compressed. KVM_RUN and all other system calls run at full
    speed. The VMM outlives the recorder: killed in the middle, it leaves a recording without a trailer, which the
    monitor calls undetermined, and a VM that goes on.

    Exit code: that of PROGRAM (128 + n if signal n killed it), with -p 0; 2 it cannot be started or attached to, 4
    ptrace cannot be used here.
    """
    if bool(argv) == (pid is not None):
        raise UsageError("record wants either -p PID or -- PROGRAM [ARGUMENT]...: one of the two, not both.")
    try:
        with written(output) as out:
            if pid is None:
                code, unseen = record(argv, out)
            else:
                detached, unseen = attach(pid, out, lambda: say(f"recording process {pid}; ^C leaves it running"))
                code = 0
                say(f"process {pid} {'goes on' if detached else 'has ended'}; recorded in {output}")
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}.") from None
    for program in unseen:
        say(f"not recorded: {program}")
    return code


def say(text: str) -> None:
    """A line on stderr: stdout is the VMM's."""
    click.echo(text, err=True)


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """The file to write to, compressed by its name."""
    with path.open("wb") as file:
        if path.suffix == ".gz":
            with gzip.open(file, "wb", compresslevel=3) as out:
                yield cast(BinaryIO, out)
        else:
            yield file
