"""`clearorder synthesize DESIGN`: what may stand in the hole of a design, and the trace that kills each more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from model.cli.help import verb
from model.cli.options import collected
from model.cli.progress import Working, working
from model.cli.terminal import columns, print_lines
from model.commands.judging import Judging, any_number, judged
from model.designs.environment import load_in
from model.program.holes import inputs_of, opened, table_of
from model.program.program import Program
from model.studies.reorder import Arranged, Arrangement, Arranging, arrange
from model.studies.synthesis import Synthesis, explained, parts, synthesise
from model.verdict import PROVED, REFUTED, Proved, Undetermined, Verdict
from model.verify.judge import Judge, Killing

if TYPE_CHECKING:
    from rich.text import Text

Lines = Iterator["Text"]


@dataclass(frozen=True)
class Options(Judging):
    """What was asked on the command line."""

    mask: str | None
    order: str | None
    locks: str | None


@verb("clearorder synthesize top-layer-and-cache --mask want,cache")
@click.argument("design", metavar="DESIGN")
@click.option("--mask", metavar="INPUT,…", help="Open a hole where clients clear: cache,want,span; mine; MIGRATION; …")
@click.option("--order", metavar="OPERATION", help="Permute the lines of an operation.")
@click.option("--locks", metavar="OPERATION", help="Move, split and leave out the lock of an operation.")
@judged
@collected(Options)
def command(design: str, options: Options) -> int:
    """Find everything that may stand in the hole of a DESIGN.

    A hole is written hole("mask", s.cache, s.mine[me], want) in the design, or opened with --mask, --order, --locks.
    Exit code 0 where some filling is safe, 1 where none is, 2 where there is no hole, 3 where there are too many
    fillings or an engine gave up.
    """
    with working(f"candidates of {design}") as line:
        safe, lines = _answered(design, options, line, columns(options.color))
    print_lines(lines, options.color)
    return PROVED if safe else REFUTED


def _answered(design: str, options: Options, line: Working, width: int) -> tuple[bool, list[Text]]:
    """Whether anything is safe, and what is said."""
    program, judge = options.judged(load_in(design, options.environment), line)
    if options.order or options.locks:
        arranged = _arranged(program, judge, options.order, options.locks)
        line.doing("proofs")
        return bool(arranged.safe), list(_arrangements(arranged, options.seconds, options.verbose, width))
    own: int | None = None
    if options.mask:
        program, original = opened(program, [w.strip() for w in options.mask.split(",")])
        own = table_of(original, inputs_of(program))
    found = synthesise(program, judge)
    line.doing("proofs")
    return bool(found.safe), list(_fillings(explained(found, options.seconds), own, options.verbose, width))


def _arranged(program: Program, judge: Judge, order: str | None, locks: str | None) -> Arranged:
    if order and locks and order != locks:
        raise click.UsageError("--order and --locks together take the same operation.")
    arranging = Arranging(program, order or locks or "")
    return arrange(arranging, judge, order=bool(order), locks=bool(locks))


# ---------------------------------------------------------------- what is printed


def _fillings(found: Synthesis, own: int | None, verbose: bool, width: int) -> Lines:
    from rich.text import Text

    hole, total = found.hole, 1 << found.hole.rows
    looks = f"{found.program.heading}: {hole.name}({', '.join(hole.inputs)}) in {', '.join(hole.places)}"
    yield Text(looks, "bold")
    yield Text(f"  {len(found.safe):,} of {total:,} fillings are safe{_asked(found.judge)}; {found.checks} searched")
    shown = _different(found)
    for table in shown:
        yield Text(f"  greatest: {hole.text(table, found.unseen[table])}", "bold green")
        below = set(parts(table)) <= found.safe
        proof = found.proofs[table]
        many = f"for {any_number(found.program)}: {proof.word}{_reason(proof)}"
        yield Text(f"      {many}{', with everything below it' if below and isinstance(proof, Proved) else ''}")
        for row in range(hole.rows):
            killing = found.killer(table | 1 << row) if not (table | found.unseen[table]) >> row & 1 else None
            if killing:
                yield Text(f"      also where {hole.row(row)}: {_refuted(killing)}")
        for row in range(hole.rows):
            seen = table & ~found.unseen[table]
            killing = found.killer(seen & ~(1 << row)) if seen >> row & 1 else None
            if killing:
                yield Text(f"      but not where {hole.row(row)}: {_refuted(killing)}")
    if own is not None:
        yield Text(f"  the design's own: {hole.text(own)}: {_standing(found, own, shown)}")
    if (everything := found.killer(total - 1)) is not None:
        yield Text(f"  all ones: {_refuted(everything)}")
        yield from _stories([everything, *found.killings] if verbose else [everything], width)
    elif not found.safe:
        yield from _stories(found.killings[:1], width)


def _reason(proof: Verdict) -> str:
    """Why a proof was not found."""
    return f" ({proof.reason})" if isinstance(proof, Undetermined) and proof.reason else ""


def _different(found: Synthesis) -> list[int]:
    """The greatest fillings, without those that do in every reachable state what a smaller part of another does."""
    seen = {t: t & ~found.unseen[t] for t in found.greatest}
    return [t for t in seen if not any(o != t and seen[t] | seen[o] == seen[o] and seen[t] != seen[o] for o in seen)]


def _standing(found: Synthesis, own: int, shown: Sequence[int]) -> str:
    if own not in found.safe:
        killing = found.killer(own)
        return _refuted(killing) if killing else "not safe"
    if any((own ^ t) & ~found.unseen[t] == 0 for t in shown):
        return "safe, and no greater one is"
    greater = next((t for t in shown if own & ~found.unseen[t] | t == t), None)
    return f"safe; {found.hole.text(greater, found.unseen[greater])} is greater" if greater is not None else "safe"


def _asked(judge: Judge) -> str:
    pages, clients = max(judge.scopes)
    names = " and ".join(p.name for p in judge.properties)
    return f" ({names}, up to {pages} page{'s' * (pages > 1)}, {clients} client{'s' * (clients > 1)})"


def _refuted(killing: Killing) -> str:
    return f"refuted, {len(killing.trace)} moves ({killing.property.name})"


def _stories(killings: Sequence[Killing], width: int) -> Lines:
    from model.verify.narration import narrated
    from model.verify.result_text import story

    for killing in killings:
        yield from story(narrated(killing.trace, killing.program.name), width=width)


def _arrangements(found: Arranged, seconds: float, verbose: bool, width: int) -> Lines:
    from rich.text import Text

    arranging = found.arranging
    total = len(found.safe) + len(found.killed) + len(found.senseless)
    yield Text(f"{arranging.program.heading}: lines of {arranging.operation}, {arranging.original}", "bold")
    yield Text(
        f"  {len(found.safe)} of {total} arrangements are safe{_asked(found.judge)}; {len(found.killed)} are refuted, "
        f"{len(found.senseless)} make no sense; {found.searched} searched"
    )
    for least in found.least:
        program = arranging.program_of(least)
        proof = found.judge.proof(program, seconds).word if program else ""
        yield Text(f"  needs no more of the lock than: {least}   for any number: {proof}", "bold green")
    for what, one in found.swaps():
        if _known(found, one):
            yield Text(f"  {what} swapped: {_verdict(found, one)}")
    for what, one in found.releases():
        if _known(found, one):
            yield Text(f"  {arranging.lock} not held {what}: {_verdict(found, one)}")
    told = list(found.killed.values())
    yield from _stories(told if verbose else told[:1], width)


def _known(found: Arranged, one: Arrangement) -> bool:
    return one in found.safe or one in found.killed or one in found.senseless


def _verdict(found: Arranged, one: Arrangement) -> str:
    if one in found.killed:
        return _refuted(found.killed[one])
    return "safe" if one in found.safe else "a line uses what is not set yet, or can never be taken"
