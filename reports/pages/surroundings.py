"""Designs in their environments as a table: a row a design, a column an environment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from model.studies.surroundings import Surrounded


class Cell(NamedTuple):
    """What a design comes to in one environment: the verdict on lost writes, and a sentence."""

    word: str
    text: str


def table(found: Sequence[Surrounded]) -> tuple[tuple[str, ...], dict[str, list[Cell]]]:
    """The environments, and each design's cells in their order."""
    names = tuple(dict.fromkeys(each.environment for each in found))
    designs = dict.fromkeys(each.design for each in found)
    return names, {design: list(_cells(found, design)) for design in designs}


def _cells(found: Sequence[Surrounded], design: str) -> Iterator[Cell]:
    for each in found:
        if each.design == design:
            yield Cell("refuted" if each.loss else "proved", said(each))


def said(each: Surrounded) -> str:
    """`loses a write in 16 moves, a promise in 12`, or which of the two is proved."""
    if each.loss:
        return f"loses a write in {each.loss} moves, breaks a promise in {each.broken}"
    if each.broken:
        return f"MIGRATION loses nothing; a promise to the display breaks in {each.broken} moves"
    return "proved, no write is lost and no promise broken"
