"""`clearorder replay DESIGN`: the counterexample on /dev/kvm, move by move; of a safe design, random walks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from model.cli.files import write_lines, write_out
from model.cli.options import Sizes, by_property, collected, coloured, sized, written
from model.expr import Client
from model.verdict import PROVED, REFUTED, UNDETERMINED, Refuted

if TYPE_CHECKING:
    from rich.text import Text

    from model.instance.trace import Trace
    from model.kvm.replay import Outcome

MOST_STATES = 300_000


@dataclass(frozen=True)
class Options(Sizes):
    """What was asked on the command line."""

    names: tuple[str, ...]
    walks: int
    seed: int
    stride: int
    form: str
    output: Path | None
    color: str


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("designs", nargs=-1, required=True, metavar="DESIGN|TRACE.json...")
@sized(most=8)
@by_property("names", "What is lost; may be repeated. Default: what `check` asks first.")
@click.option("--walks", type=click.IntRange(1), default=200, show_default=True, help="Random walks of a safe design.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random walks.")
@click.option(
    "--stride", type=click.IntRange(1, 4096), default=64, show_default=True, help="How far apart the pages lie."
)
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@written
@coloured
@collected(Options)
def command(designs: tuple[str, ...], options: Options) -> int:
    """Perform a counterexample on the real kernel and compare its dirty log with the model's after every move.

    DESIGN is a name or a file as for `check`, and its shortest counterexample is performed; TRACE.json is what
    `python -m model.check --format json` wrote. Of a design without one, random walks are performed instead.

    Exit codes: 0 nothing was lost, 1 the kernel lost a write as the model says, 2 bad use, 3 the kernel and the model
    disagree, or the kernel refused something, 4 /dev/kvm cannot be used.
    """
    from model.errors import MissingTool
    from model.kvm.driver import missing

    if reason := missing():
        raise MissingTool(reason)
    reports = [report for spec in designs for report in _replays(spec, options)]
    if options.form == "json":
        told = {"version": 1, "replays": [r["json"] for r in reports]}
        write_out(json.dumps(told, indent=1) + "\n", options.output)
    else:
        write_lines((line for r in reports for line in r["text"]), options.output, options.color)
    codes = {r["code"] for r in reports}
    return UNDETERMINED if UNDETERMINED in codes else REFUTED if REFUTED in codes else PROVED


def _replays(spec: str, options: Options) -> Iterator[dict[str, Any]]:
    from model.kvm.replay import replay

    found = _loaded(spec) if spec.endswith(".json") else _searched(spec, options)
    if found is None:
        yield _walked(spec, options)
    for each in found or ():
        outcome = replay(each.trace.instance, each.trace.moves, each.trace.number or 0, options.stride)
        yield {"text": list(_text(each, outcome)), "json": _json(each, outcome), "code": outcome.exit_code}


@dataclass(frozen=True)
class _Run:
    """A counterexample to perform: what its design is called, and what its moves are called."""

    design: str
    trace: Trace

    @property
    def texts(self) -> list[str]:
        from model.verify.narration import narrated

        return [line.text for line in narrated(self.trace, self.design).lines]


def _loaded(path: str) -> list[_Run]:
    """The counterexamples of a saved file, JSON or ITF, each run again on the model first."""
    from model.verify.trace_file import load_traces
    from model.verify.trace_file import replay as run_again

    return [_Run(saved.design, run_again(saved)) for saved in load_traces(Path(path))]


def _searched(spec: str, options: Options) -> list[_Run] | None:
    """A shortest counterexample for each question; None if a search of a small instance finds none."""
    from model.designs.catalogue import load
    from model.limits import Limits
    from model.verify.defaults import asked_of
    from model.verify.portfolio import answer
    from model.verify.question import Question, sized_program

    design = load(spec)
    program, sizes = sized_program(design, options.clients, dict(options.extra))
    asked = asked_of(design, options.names)
    found = []
    for property in asked if options.names else asked[:1]:  # by default the loss, not the form that speaks of states
        question = Question(design, property, options.pages, sizes, "lanes", Limits(MOST_STATES), name=program.name)
        result = answer(question)
        if isinstance(result.verdict, Refuted) and result.trace:
            found.append(_Run(program.name, result.trace))
    return found or None


def _walked(spec: str, options: Options) -> dict[str, Any]:
    """Of a design that the search found no loss in: its deepest runs at one page, and random walks."""
    from model.designs.catalogue import find_property, load
    from model.errors import UsageError
    from model.instance.instance import Instance
    from model.kvm.replay import bench, deepest, rehearse, walks
    from model.program.observers import observed
    from model.verify.question import sized_program
    from model.verify.vacuity import applies_to

    recorded, sizes = sized_program(load(spec), options.clients, dict(options.extra))
    if reason := applies_to(recorded, find_property("no_lost_write")):
        raise UsageError(f"no counterexample was found to perform, and random walks ask no_lost_write. {reason}")
    name, program = recorded.name, observed(recorded, find_property("no_lost_write"))
    small = Instance(program, 1, sizes)
    runs = deepest(small)
    with bench(small, options.stride) as on:
        trouble = next(filter(None, (rehearse(on, run) for run in runs)), "")
    found = walks(Instance(program, options.pages, sizes), options.walks, seed=options.seed)
    trouble = trouble or found.disagreement
    facts = {"design": name, "deepest_runs": len(runs), "depth": max(map(len, runs)), "disagreement": trouble or None}
    facts |= {k: getattr(found, k) for k in ("walks", "moves", "ioctls", "finished", "lost")}
    code = UNDETERMINED if trouble else REFUTED if found.lost else PROVED
    return {"text": list(_walks_text(facts, code)), "json": facts, "code": code}


def _walks_text(facts: dict[str, Any], code: int) -> Iterator[Text]:
    from rich.text import Text

    yield Text("{design} on this kernel: no counterexample was found to perform".format(**facts), "bold")
    yield Text("  {deepest_runs} deepest runs of 1 page, {depth} moves each".format(**facts))
    walked = "  {walks:,} random walks, {moves:,} moves, {ioctls:,} ioctls and writes: "
    yield Text((walked + "{finished:,} migrations finished, {lost:,} lost a write").format(**facts))
    if facts["disagreement"]:
        yield Text("model and kernel disagree " + facts["disagreement"], "bold yellow")
    words = "lost" if facts["lost"] else "nothing lost"
    yield Text(f"model: no loss found; this kernel: {words}", "bold red" if code else "bold green")


# ---------------------------------------------------------------- what is written


def _text(run: _Run, outcome: Outcome) -> Iterator[Text]:
    from rich.text import Text

    from model.verify.wording import page_set, plural, thread_name

    instance, texts = run.trace.instance, run.texts
    count = f"{plural(len(run.trace.moves), 'move')}, {plural(instance.pages, 'page')}"
    yield Text(f"{run.design} on this kernel: {count}", "bold")
    wide = max(map(len, texts), default=0)
    done = max((len(", ".join(p.ioctls)) for p in outcome.performed), default=0)
    for step in outcome.performed:
        same = "= model" if step.kernel == step.model else f"but the model has {page_set(step.model)}"
        ioctls = ", ".join(step.ioctls)
        yield Text(f"{step.number:3} {texts[step.number - 1]:{wide}}  {ioctls:{done}}  {page_set(step.kernel)} {same}")
    who = "destination" if outcome.client == 0 else f"{thread_name(instance, Client.name, outcome.client)}'s copy"
    for page, version in enumerate(outcome.source):
        copy = outcome.copy[page]
        yield Text(f"    page {page}: source P{version}, {who} {'nothing' if copy is None else f'P{copy}'}")
    if outcome.disagreement:
        yield Text(f"model and kernel disagree {outcome.disagreement}", "bold yellow")
    words = ["lost" if lost else "not lost" for lost in (outcome.model_lost, outcome.kernel_lost)]
    yield Text(f"model: {words[0]}; this kernel: {words[1]}", "bold red" if outcome.kernel_lost else "bold green")


def _json(run: _Run, outcome: Outcome) -> dict[str, Any]:
    from model.kvm.replay import members

    return {
        "design": run.design,
        "pages": run.trace.instance.pages,
        "client": outcome.client,
        "moves": [
            {
                "number": p.number,
                "text": text,
                "kvm": list(p.ioctls),
                "model": members(p.model),
                "kernel": members(p.kernel),
            }
            for p, text in zip(outcome.performed, run.texts, strict=False)
        ],
        "source": list(outcome.source),
        "copy": list(outcome.copy),
        "model_lost": members(outcome.model_lost),
        "kernel_lost": members(outcome.kernel_lost),
        "disagreement": outcome.disagreement or None,
    }
