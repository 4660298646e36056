"""`python -m model.replay DESIGN`: the counterexample on /dev/kvm, move by move; of a safe design, random walks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from model.cli import print_lines, run, write_out
from model.verdict import PROVED, REFUTED, UNDETERMINED, Refuted

if TYPE_CHECKING:
    from rich.text import Text

    from model.kvm.replay import Outcome, Walks
    from model.kvm.saved import Saved

MOST_STATES = 300_000


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("designs", nargs=-1, required=True, metavar="DESIGN|TRACE.json...")
@click.option("--pages", type=click.IntRange(1, 8), default=2, show_default=True, help="Pages of the search.")
@click.option("--clients", type=click.IntRange(1), default=2, show_default=True, help="Clients of the search.")
@click.option("--walks", type=click.IntRange(1), default=200, show_default=True, help="Random walks of a safe design.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random walks.")
@click.option(
    "--stride", type=click.IntRange(1, 4096), default=64, show_default=True, help="How far apart the pages lie."
)
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write there.")
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True)
def command(designs: tuple[str, ...], form: str, output: Path | None, color: str, **options: Any) -> int:
    """Perform a counterexample on the real kernel and compare its dirty log with the model's after every move.

    DESIGN is a name or a file as for model.check, and its shortest end-to-end loss is performed; TRACE.json is what
    `python -m model.check --format json` wrote. Of a design without a loss, random walks are performed instead.

    Exit codes: 0 nothing was lost, 1 the kernel lost a write as the model says, 2 bad use, 3 the kernel and the model
    disagree, or the kernel refused something, 4 /dev/kvm cannot be used.
    """
    from model.errors import MissingTool
    from model.kvm.driver import missing

    if reason := missing():
        raise MissingTool(reason)
    reports = [report for spec in designs for report in _replays(spec, options)]
    if form == "json":
        write_out(json.dumps({"version": 1, "replays": [r["json"] for r in reports]}, indent=1) + "\n", output)
    elif output:
        write_out("".join(f"{line.plain}\n" for r in reports for line in r["text"]), output)
    else:
        print_lines((line for r in reports for line in r["text"]), color)
    codes = {r["code"] for r in reports}
    return UNDETERMINED if UNDETERMINED in codes else REFUTED if REFUTED in codes else PROVED


def _replays(spec: str, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    from model.kvm.replay import replay
    from model.kvm.saved import counterexamples

    if spec.endswith(".json"):
        found: Sequence[Saved] = list(counterexamples(Path(spec)))
    else:
        found = list(_searched(spec, options))
        if not found:
            yield _walked(spec, options)
    for saved in found:
        outcome = replay(saved.instance, saved.moves, saved.client, options["stride"])
        yield {"text": list(_text(saved, outcome)), "json": _json(saved, outcome), "code": outcome.exit_code}


def _searched(spec: str, options: dict[str, Any]) -> Iterator[Saved]:
    """The shortest end-to-end loss of a design, if a search of a small instance finds one."""
    from model.design import record
    from model.designs.catalogue import find_property, load
    from model.engines.limits import Limits
    from model.kvm.saved import Saved
    from model.run import Question, answer, sizes_for

    design = load(spec)
    no_lost_write = find_property("no_lost_write")
    program = record(design)
    sizes = sizes_for(program, {"Client": options["clients"]})
    limits = Limits(MOST_STATES)
    result = answer(Question(design, no_lost_write, options["pages"], sizes, "lanes", limits, name=program.name))
    if isinstance(result.verdict, Refuted) and result.trace and result.story:
        texts = tuple(line.text for line in result.story.lines)
        yield Saved(program.name, result.trace.instance, result.trace.moves, texts, result.trace.number or 0)


def _walked(spec: str, options: dict[str, Any]) -> dict[str, Any]:
    """Random walks of a design that the search found no loss in."""
    from rich.text import Text

    from model.design import observed, record
    from model.designs.catalogue import find_property, load
    from model.instance import Instance
    from model.kvm.replay import walks
    from model.run import sizes_for

    program = observed(record(load(spec)), find_property("no_lost_write"))
    instance = Instance(program, options["pages"], sizes_for(program, {"Client": options["clients"]}))
    found = walks(instance, options["walks"], seed=options["seed"])
    code = UNDETERMINED if found.disagreement else REFUTED if found.lost else PROVED
    name = record(load(spec)).name
    line = (
        f"{name} on this kernel: {found.walks:,} random walks, {found.moves:,} moves, {found.ioctls:,} ioctls and "
        f"writes: {found.finished:,} migrations finished, {found.lost:,} lost a write"
    )
    lines = [Text(line, "bold red" if code else "bold green")]
    lines += [Text(f"  model and kernel disagree: {found.disagreement}", "bold yellow")] if found.disagreement else []
    return {"text": lines, "json": _walks_json(name, found), "code": code}


def _walks_json(name: str, found: Walks) -> dict[str, Any]:
    counts = {k: getattr(found, k) for k in ("walks", "moves", "ioctls", "finished", "lost")}
    return {"design": name, **counts, "disagreement": found.disagreement or None}


# ---------------------------------------------------------------- what is written


def _text(saved: Saved, outcome: Outcome) -> Iterator[Text]:
    from rich.text import Text

    from model.story import page_set, plural, thread_name

    count = f"{plural(len(saved.moves), 'move')}, {plural(saved.instance.pages, 'page')}"
    yield Text(f"{saved.design} on this kernel: {count}", "bold")
    texts = [*saved.texts, *[""] * len(saved.moves)]
    wide = max(map(len, saved.texts), default=0)
    done = max((len(", ".join(p.ioctls)) for p in outcome.performed), default=0)
    for step in outcome.performed:
        same = "= model" if step.kernel == step.model else f"but the model has {page_set(step.model)}"
        ioctls = ", ".join(step.ioctls)
        yield Text(f"{step.number:3} {texts[step.number - 1]:{wide}}  {ioctls:{done}}  {page_set(step.kernel)} {same}")
    who = "destination" if outcome.client == 0 else f"{thread_name(saved.instance, 'Client', outcome.client)}'s copy"
    for page, version in enumerate(outcome.source):
        copy = outcome.copy[page]
        yield Text(f"    page {page}: source P{version}, {who} {'nothing' if copy is None else f'P{copy}'}")
    if outcome.disagreement:
        yield Text(f"model and kernel disagree {outcome.disagreement}", "bold yellow")
    words = ["lost" if lost else "not lost" for lost in (outcome.model_lost, outcome.kernel_lost)]
    yield Text(f"model: {words[0]}; this kernel: {words[1]}", "bold red" if outcome.kernel_lost else "bold green")


def _json(saved: Saved, outcome: Outcome) -> dict[str, Any]:
    from model.kvm.replay import members

    return {
        "design": saved.design,
        "pages": saved.instance.pages,
        "client": outcome.client,
        "moves": [
            {
                "number": p.number,
                "text": text,
                "kvm": list(p.ioctls),
                "model": members(p.model),
                "kernel": members(p.kernel),
            }
            for p, text in zip(outcome.performed, saved.texts, strict=False)
        ],
        "source": list(outcome.source),
        "copy": list(outcome.copy),
        "model_lost": members(outcome.model_lost),
        "kernel_lost": members(outcome.kernel_lost),
        "disagreement": outcome.disagreement or None,
    }


if __name__ == "__main__":
    run(command, "python -m model.replay")
