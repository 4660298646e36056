"""Types and completions of the options that commands share."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Any

import click


def complete_designs(ctx: click.Context, param: click.Parameter, word: str) -> list[str]:
    """Built-in designs and Python files here that begin with `word`."""
    from model.designs.catalogue import built_in_designs

    files = [str(p) for p in Path().glob("*.py")]
    return [name for name in [*built_in_designs(), *files] if name.startswith(word)]


def complete_properties(ctx: click.Context, param: click.Parameter, word: str) -> list[str]:
    """`all` and built-in properties that begin with `word`."""
    from model.designs.catalogue import built_in_properties

    return [name for name in ["all", *built_in_properties()] if name.startswith(word)]


class Finite(click.FloatRange):
    """A number in a range; `nan` and `inf` are in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if not isfinite(number):
            self.fail(f"{value} is no number that can be reached.", param, ctx)
        return number


class Size(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """Bytes, written 512M or 4G."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        number, unit = str(value)[:-1], {"K": 10, "M": 20, "G": 30}.get(str(value)[-1:].upper())
        if unit is None or not number.isdigit():
            self.fail(f"write a number and K, M or G, such as 512M, not {value!r}.", param, ctx)
        return int(number) << unit
