"""`clearorder evidence`: make `reports/evidence/` again, the pack of the main designs that is committed."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from model.cli.help import verb
from model.cli.progress import working
from model.errors import UsageError
from model.expr import Client

if TYPE_CHECKING:
    from model.studies.discussion_2019 import Answer
    from model.verify.result import Result
    from reports.pages.pack import Around

GALLERY = ("naive", "top-layer", "per-slot-cache", "top-layer-and-cache")
ROOT = Path(__file__).parents[2]
TITLE = "Clearing KVM's dirty log: which designs lose a guest's write"
ON_Z3 = ("bounded", "induction", "inductive")
ENGINES = ("auto", "explicit", "lanes", "inductive", "views")


@verb("clearorder evidence -o pack")
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="Default: reports/evidence.")
@click.option("--pages", type=click.IntRange(1), default=2, show_default=True, help="Pages of the finite instance.")
@click.option("--clients", type=click.IntRange(1), default=2, show_default=True, help="Clients of it.")
@click.option("--engine", type=click.Choice(ENGINES), default="auto", show_default=True, help="Who is asked.")
def command(output: Path | None, pages: int, clients: int, engine: str) -> int:
    """Write the evidence pack of the main designs and the answer to the discussion of 2019.

    Without options, exactly the one that is committed; the answer does not depend on the options.

    Exit codes: 0 written, 2 bad use.
    """
    from model.studies.discussion_2019 import answer
    from reports.pages.pack import write

    directory = (output or ROOT / "reports" / "evidence").resolve()
    with working("the main designs") as line:
        results = gallery(pages, clients, engine)
        tool = versions(results)
        line.doing("the discussion of 2019")
        answered = around(answer(), tool)
        line.doing("writing")
        files = write(results, directory, tool, answered)
    click.echo(f"{len(files)} files in {output or directory}")
    return 0


def versions(results: Sequence[Result]) -> dict[str, str]:
    """What the pack states of its making: z3's version only where an engine on z3 decided something."""
    from importlib.metadata import version

    from model import __version__

    asked = any(each.engine in ON_Z3 for result in results for each in result.evidence)
    return {"name": "clearorder", "version": __version__, "z3": version("z3-solver") if asked else "not asked"}


def around(found: Answer, tool: Mapping[str, str]) -> Around:
    """What the committed pack shows besides its results."""
    from model.studies.surroundings import surrounded
    from reports.pages.discussion import files as discussion
    from reports.pages.pack import Around
    from reports.pages.replays import recordings

    return Around(TITLE, discussion(found, tool), surrounded(), recordings(), certificates=False)


def gallery(pages: int = 2, clients: int = 2, engine: str = "auto") -> list[Result]:
    """The answers for the main designs, with places of the source as seen from the root of the checkout."""
    from model.designs.catalogue import DEFAULT_PROPERTIES, built_in_properties, load
    from model.verify.portfolio import answer
    from model.verify.question import Question

    rules = [built_in_properties()[name] for name in DEFAULT_PROPERTIES]
    if not (ROOT / "reports").is_dir():
        raise UsageError("the evidence is made in a checkout of the sources.")
    with contextlib.chdir(ROOT):
        return [
            answer(Question(load(name), rule, pages, {Client.name: clients}, engine, explained=True))
            for name in GALLERY
            for rule in rules
        ]
