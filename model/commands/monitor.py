"""`clearorder monitor FILE…`: did a VMM clear dirty bits that nobody had been told of?"""

from __future__ import annotations

from pathlib import Path

import click

from model.cli.files import write_lines, write_out
from model.cli.help import verb
from model.cli.options import coloured, written
from model.cli.terminal import columns, decided


@verb("clearorder monitor qemu.jsonl.gz -v")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--format", "form", type=click.Choice(("text", "json", "sarif", "junit")), default="text", show_default=True
)
@written
@click.option("-v", "--verbose", is_flag=True, help="List every finding.")
@coloured
def command(files: tuple[str, ...], form: str, output: Path | None, verbose: bool, color: str) -> int:
    """Check recordings of a VMM's dirty-log ioctls for blind CLEARs, and for other rules that ioctls show.

    A CLEAR is blind where it takes away a bit that no GET reported since that bit was last cleared. FILE is a
    recording as `clearorder record -o FILE -- qemu-system-x86_64 …` makes it, plain or gzipped; `-` is stdin.
    The text of ftrace, of trace-cmd report or of QEMU's -trace is read too, as far as it shows anything.

    Exit codes: 0 no rule is broken, 1 one certainly is, 2 bad use or not a recording, 3 undetermined: a CLEAR may be
    blind (overlapping ioctls can have run in either order), or the recording does not show it: nothing to judge, no
    trailer, a missing or damaged line, dirty rings.
    """
    from model.monitor import findings, formats
    from model.monitor.judgement import exit_code
    from model.monitor.watch import check_all

    found = list(check_all(files))
    code = exit_code(found)
    with decided(code):
        if form != "text":
            write_out(formats.FORMATS[form](found), output)
        else:
            width = columns("never" if output else color)
            write_lines(findings.text(found, width=width, verbose=verbose), output, color)
    return code
