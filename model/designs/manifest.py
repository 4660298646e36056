"""The recorded verdicts of the built-in designs: `manifest.toml`, which the tests run again."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Row:
    """One recorded verdict.

    Attributes:
        states: distinct states; of a refuted run those of the complete levels before the violating one.
        depth: the greatest depth, or the moves of a shortest counterexample.
    """

    design: str
    property: str
    pages: int
    clients: int
    verdict: str
    depth: int
    states: int


@cache
def rows() -> tuple[Row, ...]:
    """Every recorded verdict."""
    return tuple(
        Row(name, property, *size, verdict, depth, states)
        for name, entry in _document().items()
        for property, runs in entry["verdicts"].items()
        for *size, verdict, depth, states in runs
    )


@cache
def _document() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("manifest.toml").read_text())


def recorded(design: str, property: str, scope: Mapping[str, int | str]) -> str | None:
    """The recorded verdict at that size, or what follows from the recorded ones; None where nothing does.

    A run of a smaller instance is a run of every larger one, so a refutation holds for all larger sizes; a design
    that is recorded as proved for any size is proved at every size.
    """
    known = [r for r in rows() if (r.design, r.property) == (design, property)]
    pages, clients = scope.get("pages", 0), scope.get("clients", 1)
    if pages == "any" or clients == "any":
        return str(_document().get(design, {}).get("any", {}).get(property)) if known else None
    exact = [r.verdict for r in known if (r.pages, r.clients) == (pages, clients)]
    if exact:
        return exact[0]
    below = [r for r in known if r.pages <= int(pages) and r.clients <= int(clients)]
    if any(r.verdict == "refuted" for r in below):
        return "refuted"
    always = _document().get(design, {}).get("any", {}).get(property)
    return str(always) if always else None
