"""`--watch`: check again whenever a file of a design is saved, until Ctrl-C."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from model.errors import UsageError
from model.verdict import INTERRUPTED

OFTEN = 0.3  # seconds between two looks at the files


def watch(designs: Sequence[str], words: Sequence[str]) -> int:
    """Run the same command without --watch now and after each save, each time in a process of its own.

    A process of its own, because Python keeps what a design imports.

    Raises:
        UsageError: no file of a design is named.
    """
    files = [Path(spec.partition(":")[0]) for spec in designs if spec.partition(":")[0].endswith(".py")]
    if not files:
        raise UsageError("--watch checks again when a file is saved: name a design's file, such as my_design.py.")
    command = [sys.executable, "-m", "model.check", *(w for w in words if w != "--watch")]
    try:
        while True:
            seen = saved(files)
            subprocess.run(command, check=False)
            click.echo(f"watching {', '.join(map(str, files))}; Ctrl-C ends it.", err=True)
            while saved(files) == seen:
                time.sleep(OFTEN)
    except KeyboardInterrupt:
        return INTERRUPTED


def saved(files: Sequence[Path]) -> Mapping[Path, int]:
    """When each file was saved; an editor may take it away for a moment."""
    return {file: file.stat().st_mtime_ns if file.exists() else 0 for file in files}
