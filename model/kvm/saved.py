"""Saved counterexamples: from the JSON of `python -m model.check --format json` back to moves of an instance."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.design import Program, observed, record
from model.designs.catalogue import find_property, load
from model.errors import ModelError, UsageError
from model.instance import Instance, Move
from model.story import members, thread_name


class OtherDesign(ModelError):
    """A trace was saved for another definition of the design than the one that is here now."""


@dataclass(frozen=True)
class Saved:
    """A counterexample that was read back: replayed on the instance, ready for the kernel."""

    design: str
    instance: Instance
    moves: tuple[Move, ...]
    texts: tuple[str, ...]
    client: int


def counterexamples(path: Path) -> Iterator[Saved]:
    """Every counterexample of a saved result document.

    Raises:
        UsageError: the file cannot be read, is not such a document, or a move of it is not possible.
        OtherDesign: the design's digest is not the one that was saved.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        results = document["results"]
        found = [r for r in results if r["trace"]]
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(f"{path} is not what `python -m model.check --format json` writes.") from None
    if not found:
        raise UsageError(f"{path} has no counterexample; every result in it is proved or undetermined.")
    for result in found:
        try:
            yield _read(path, result)
        except (KeyError, TypeError, AttributeError, ValueError) as wrong:
            raise UsageError(f"{path}: a trace in it is not well formed ({type(wrong).__name__}: {wrong}).") from None


def _read(path: Path, result: Mapping[str, Any]) -> Saved:
    design = load(result["design"])
    program, trace = record(design), result["trace"]
    if result["digest"] != program.digest:
        raise OtherDesign(
            f"{path}: this trace was saved for another definition of {result['design']} "
            f"(digest {str(result['digest'])[:12]}…, now {program.digest[:12]}…); run python -m model.check again."
        )
    watched = observed(program, find_property(result["property"], design))
    lines = [*trace["moves"]]
    instance = _instance(watched, trace)
    moves = tuple(_moves(path, instance, lines))
    return Saved(result["design"], instance, moves, tuple(line["text"] for line in lines), _client(instance, moves))


def _instance(program: Program, trace: Mapping[str, Any]) -> Instance:
    from model.instance import used_sorts

    sizes = {s: trace[f"{s.lower()}s"] for s in used_sorts(program) if f"{s.lower()}s" in trace}
    return Instance(program, trace["pages"], sizes)


def _moves(path: Path, instance: Instance, lines: Sequence[Mapping[str, Any]]) -> Iterator[Move]:
    """The move of each saved line, by step, thread and arguments; each must be possible in its turn."""
    state = instance.initial
    for line in lines:
        wanted = line["operation"], line["step"], line["thread"], line["arguments"]
        enabled = [instance.moves[n] for n, _ in instance.successors(state)]
        found = [m for m in enabled if spelled(instance, m) == wanted]
        if not found:
            raise UsageError(f"{path}: move {line['number']}, {line['text']}, is not possible there.")
        yield found[0]
        state = instance.apply(found[0], state)


def spelled(instance: Instance, move: Move) -> tuple[str, str, str, dict[str, Any]]:
    """Operation, step, thread and arguments as the JSON has them."""
    step, ground = move.ground.step, move.ground
    small = {
        p.name: instance.program.sorts[p.sort].call(ground.indices[p.name])
        if p.kind == "index"
        else bool(ground.indices[p.name])
        for p in step.params
        if p.name in ground.indices
    }
    thread = thread_name(instance, ground.sort, ground.thread).removeprefix("the ")
    chosen = {name: members(pages) for name, pages in move.arguments.items()}
    return step.operation, step.name or step.operation, thread, small | chosen


def _client(instance: Instance, moves: Sequence[Move]) -> int:
    """Whom the last state shows to have lost a page: the first client that misses one."""
    state = instance.initial
    for move in moves:
        state = instance.apply(move, state)
    watched = [c for c in range(instance.sizes["Client"]) if _holds(instance, state, "watched", c)]
    missing = [c for c in range(instance.sizes["Client"]) if _holds(instance, state, "unread", c)]
    return (watched or missing or [0])[0]


def _holds(instance: Instance, state: tuple[int, ...], name: str, client: int) -> bool:
    at = instance.position.get((name, client))
    return at is not None and bool(state[at])
