"""Starts a command, also where what it needs is not installed: then it says so. Imports nothing but Python itself."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from model.cli.requirements import not_installed
from model.verdict import INTERRUPTED, SKIPPED


def start(name: str, modules: str | Mapping[str, str], said: Mapping[str, str] | None = None) -> None:
    """Run the `command` of a module, or of one of several by its name, and leave with its exit code.

    Args:
        name: what the user typed, for `--help` and messages.
        modules: a module that has a Click command called `command`, or such modules by command.
        said: what `--help` says of each of several.
    """
    try:
        from model.cli.app import group, load, run

        command = load(modules) if isinstance(modules, str) else group(modules, said or {})
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except ModuleNotFoundError as missing:
        if not (missed := not_installed(missing)):
            raise
        sys.stderr.write(f"error: {missed}\n")
        sys.exit(SKIPPED)
    run(command, name)
