"""Types, completions and declarations of the options that commands share; options as a frozen dataclass."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import click

from model.errors import UsageError

Options = TypeVar("Options")
Given = TypeVar("Given")
Decorator = Callable[[Callable[..., int]], Callable[..., int]]
Complete = Callable[[click.Context, click.Parameter, str], list[str]]
COLOR = ("auto", "always", "never")


def collected(kind: type[Options]) -> Callable[[Callable[[Given, Options], int]], Callable[..., int]]:
    """Hand a command its argument, which is the first, and all its options as one value of the dataclass `kind`."""

    def wrap(function: Callable[[Given, Options], int]) -> Callable[..., int]:
        @functools.wraps(function)
        def command(**given: Any) -> int:
            name = function.__code__.co_varnames[0]
            return function(given.pop(name), kind(**given))

        return command

    return wrap


@dataclass(frozen=True)
class Sizes:
    """What `sized` asks for: of how many of each, and in which surroundings, a design is an instance.

    Attributes:
        extra: (sort, elements) of each `--size`.
        environment: a name of `model.designs.environment.ENVIRONMENTS`, which is not checked yet.
    """

    pages: int
    clients: int
    extra: tuple[tuple[str, int], ...]
    environment: str = field(default="none", kw_only=True)


def sized(pages: int = 2, clients: int | None = 2, *, most: int | None = None, help: str = "") -> Decorator:
    """`--pages` (`most` at most), `--clients` and `--size SORT=N` of a finite instance, with these defaults, and where
    the design stands: `--environment NAME`.

    Args:
        clients: None where the default depends on the design; `help` then says how.
    """
    said = {name: f"{name.capitalize()} of the finite instance." for name in ("pages", "clients")}
    defaults = {"clients": clients, "pages": pages}

    def wrap(function: Callable[..., int]) -> Callable[..., int]:
        function = elements(surrounded(function))
        for name, default in defaults.items():
            kind = click.IntRange(1, most if name == "pages" else None)
            shown = default is not None
            text = said[name] if shown else help
            function = click.option(f"--{name}", type=kind, default=default, show_default=shown, help=text)(function)
        return function

    return wrap


def elements(function: Callable[..., int]) -> Callable[..., int]:
    """`--size SORT=N`, also of the store buffers: `--size Buffer=N`."""
    return click.option(
        "--size",
        "extra",
        multiple=True,
        type=SortSize(),
        metavar="SORT=N",
        help="Elements of an index sort of the design's own; Buffer=N: entries of each store buffer.",
    )(function)


def bounded(function: Callable[..., int]) -> Callable[..., int]:
    """`--max-states` and `--timeout`."""
    function = click.option(
        "--timeout",
        type=Finite(0, min_open=True),
        metavar="SECONDS",
        help="Give up on a property after that time; for `auto`, all that it asks.",
    )(function)
    return click.option(
        "--max-states", type=click.IntRange(1), metavar="N", help="Give up after so many states: undetermined."
    )(function)


def written(function: Callable[..., int]) -> Callable[..., int]:
    """`-o FILE`."""
    kind = click.Path(dir_okay=False, path_type=Path)
    return click.option("-o", "--output", type=kind, metavar="FILE", help="Write there.")(function)


def folder(*names: str, help: str, required: bool = False) -> Decorator:
    """An option that takes a directory to write to."""
    kind = click.Path(file_okay=False, path_type=Path)
    return click.option(*names, type=kind, required=required, metavar="DIR", help=help)


def by_property(name: str, help: str, complete: Complete | None = None) -> Decorator:
    """`--property NAME`, which may be repeated."""
    return click.option("--property", name, multiple=True, metavar="NAME", shell_complete=complete, help=help)


def surrounded(function: Callable[..., int]) -> Callable[..., int]:
    """`--environment NAME`."""
    return click.option(
        "--environment",
        default="none",
        show_default=True,
        metavar="NAME",
        shell_complete=complete_environments,
        help="What surrounds the design: none, or qemu: the big lock, and displays that sync before they collect.",
    )(function)


def coloured(function: Callable[..., int]) -> Callable[..., int]:
    """`--color`."""
    return click.option("--color", type=click.Choice(COLOR), default="auto", show_default=True)(function)


def complete_designs(ctx: click.Context, param: click.Parameter, word: str) -> list[str]:
    """Built-in designs and Python files here that begin with `word`."""
    from model.designs.catalogue import built_in_designs

    files = [str(p) for p in Path().glob("*.py")]
    return [name for name in [*built_in_designs(), *files] if name.startswith(word)]


def complete_properties(ctx: click.Context, param: click.Parameter, word: str) -> list[str]:
    """`all` and built-in properties that begin with `word`."""
    from model.designs.catalogue import built_in_properties

    return [name for name in ["all", *built_in_properties()] if name.startswith(word)]


def complete_environments(ctx: click.Context, param: click.Parameter, word: str) -> list[str]:
    """Environments that begin with `word`."""
    from model.designs.environment import ENVIRONMENTS

    return [name for name in ENVIRONMENTS if name.startswith(word)]


class Finite(click.FloatRange):
    """A number in a range; `nan` and `inf` are in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if not isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
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


class SortSize(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """`Slot=2`: a sort and how many elements it has."""

    name = "sort and size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        name, _, number = str(value).partition("=")
        if not number.isdecimal() or int(number) < 1:
            raise UsageError(f"--size {value}: write the sort and a number from 1, such as --size Slot=2.")
        return name, int(number)
