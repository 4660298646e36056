"""The command that asks a question of one size again, and how a command names a design."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from model.designs.catalogue import built_in_designs, gallery_designs
from model.expr import Client
from model.instance.sizes import ONE_OF_EACH
from model.program.program import Program


def command(program: Program, spec: str, property: str, pages: int, sizes: Mapping[str, int]) -> str:
    """`python -m model.check …` as a shell reads it, at `pages` pages and so many elements of each sort.

    Args:
        spec: where the design is found, `top-layer` or `my_design.py:Mine`.
    """
    words = ["python", "-m", "model.check", spec, "--property", property, "--pages", str(pages)]
    for sort, size in sizes.items():
        if sort == Client.name:
            words += ["--clients", str(size)]
        elif not _own(program, sort):
            words += ["--size", f"{sort}={size}"]
    words += ["--environment", program.environment] if program.environment else []
    return shlex.join(words)


def _own(program: Program, sort: str) -> bool:
    """The size is the sort's own: nobody chooses it."""
    known = program.sorts.get(sort)
    return known is not None and (known.size is not None or (sort, known.doc) in ONE_OF_EACH)


def spec_of(program: Program) -> str:
    """How a command names the design: built in, else its class in its file, else its name."""
    place = program.place
    if place is None or not place.file.endswith(".py"):
        return program.name
    ours = "designs" in Path(place.file).parts and program.name in (*built_in_designs(), *gallery_designs())
    return program.name if ours else f"{place.file}:{program.title}"
