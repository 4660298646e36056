"""`--version`."""

from __future__ import annotations

import click


def version_line() -> str:
    """`clearorder 0.1.0 (z3 4.13.0, Python 3.11.7)`."""
    from importlib.metadata import PackageNotFoundError, version
    from platform import python_version

    from model import __version__

    try:
        z3 = version("z3-solver")
    except PackageNotFoundError:
        z3 = "not installed"
    return f"clearorder {__version__} (z3 {z3}, Python {python_version()})"


def show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """The callback of `--version`."""
    if value:
        click.echo(version_line())
        ctx.exit(0)
