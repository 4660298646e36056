"""What conformance says, as text and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from model import __version__
from model.conformance.answer import CONFORMS, DOES_NOT, UNKNOWN, Answer, At, Offence
from model.conformance.letters import Letter
from model.printing.records import json_document, named

if TYPE_CHECKING:
    from rich.text import Text

STYLE = {CONFORMS: "bold green", DOES_NOT: "bold red", UNKNOWN: "bold yellow"}
SAYS = {
    Letter.GET_0: "GET does not report it",
    Letter.GET_1: "GET reports it",
    Letter.TAKE_1: "GET reports it and takes its bit away",
    Letter.SOME_1: "GET reports it",
    Letter.CLEAR_0: "CLEAR of a range around it leaves it",
    Letter.CLEAR_1: "CLEAR takes it",
    Letter.READ: "a client reads it",
}
KINDS = {Letter.CLEAR_0: "clear", Letter.CLEAR_1: "clear", Letter.READ: "read"}
SHOWN_DOUBTS = 5


def headline(answer: Answer) -> str:
    """The verdict in a line."""
    counts = f"{answer.counts['get']:,} GETs, {answer.counts['clear']:,} CLEARs"
    who = f"{answer.file}: "
    if answer.offence:
        at = answer.offence.at
        return f"{who}does not conform to {answer.design}: line {at.line} is the first that no state explains"
    if answer.doubts:
        doubt = answer.doubts[0]
        where = f"line {doubt.line}: " if doubt.line else ""
        return f"{who}undetermined ({answer.design}): {where}{doubt.reason}"
    slots = f"{answer.slots:,} log{'s' * (answer.slots != 1)}"
    return f"{who}conforms to {answer.design}, page by page: {counts} in {slots}"


def text(answers: Sequence[Answer], *, width: int, verbose: bool = False) -> Iterator[Text]:
    """A verdict for each, and why."""
    from model.printing.lines import wrapped

    for answer in answers:
        yield from wrapped(headline(answer), width, 4, STYLE[answer.verdict])
        for line in _body(answer, verbose):
            yield from wrapped(line, width, len(line) - len(line.lstrip()) + 2)


def _body(answer: Answer, verbose: bool) -> Iterator[str]:
    if answer.offence:
        yield from _offence(answer, answer.offence, verbose)
    elif answer.doubts:
        yield f"  up to there, {answer.counts['get']:,} GETs and {answer.counts['clear']:,} CLEARs conform"
        yield from (f"  line {d.line}: {d.reason}" for d in answer.doubts[1:SHOWN_DOUBTS])
    if verbose or answer.verdict == CONFORMS:
        yield f"  {moves(answer)}"
    yield from (f"  {note}" for note in answer.notes)


def moves(answer: Answer) -> str:
    """Which step of the design each ioctl was taken for, and what was chosen."""
    shown = [(kind, answer.moves[kind]) for kind in ("get", "clear", "read") if kind in answer.moves]
    shown = [(kind, steps) for kind, steps in shown if kind != "read" or answer.counts["read"]]
    named = [f"{kind.upper()} is {' or '.join(steps)}" for kind, steps in shown]
    sizes = ", ".join(f"{n} {sort.lower()}{'s' * (n != 1)}" for sort, n in answer.sizes.items())
    return f"{', '.join(named)}; writes, every other step and which client it is are chosen ({sizes})."


def _offence(answer: Answer, found: Offence, verbose: bool) -> Iterator[str]:
    page = f"page {found.page} of slot {found.slot}"
    yield f"  {page}, VM {found.vm}, as the recording shows it:"
    for at in found.history:
        yield f"    {_at(answer, at)}"
    yield f"    {_at(answer, found.at)}  <- not a move of {answer.design} here"
    if found.overlaps:
        yield f"    it overlaps {found.overlaps} of these; no order of them helps"
    possible = found.possible
    settled = (
        f", {possible.settled:,} of them with no operation under way; in those" if possible.settled else "; in them"
    )
    yield f"  until then {possible.count:,} states of the design explained it{settled}"
    for said, parts in (("have it", possible.always), ("lack it", possible.never), ("may have it", possible.either)):
        if parts:
            yield f"    {', '.join(parts)}: {said}"
    if verbose:
        yield from (f"    state: {', '.join(state) or 'nothing has it'}" for state in possible.states)
    yield f"  nearest that is allowed: {'; or '.join(found.nearest) or 'nothing like it'}"


def _at(answer: Answer, at: At) -> str:
    time = "" if at.time is None or answer.start is None else f"  {(at.time - answer.start) / 1e9:.6f} s"
    kind = KINDS.get(at.letter, "get")
    step = " or ".join(answer.moves.get(kind, ["-"]))
    return f"line {at.line:<7}{time}  thread {at.thread}  {SAYS[at.letter]}  ({step})"


def inferred(answers: Sequence[Answer], weakest: Sequence[str], strongest: Sequence[str]) -> Iterator[str]:
    """A line for each design, and which of those that explain the recording is weakest and strongest."""
    widest = max(len(a.design) for a in answers)
    for answer in answers:
        why = ""
        if answer.offence:
            at = answer.offence.at
            why = f"line {at.line}, page {answer.offence.page} of slot {answer.offence.slot}: {SAYS[at.letter]}"
        elif answer.doubts:
            why = answer.doubts[0].reason
        yield f"  {answer.design:<{widest}}  {answer.verdict:<16}  {why}".rstrip()
    if weakest:
        yield f"weakest that explains it: {', '.join(weakest)}"
        yield f"strongest that explains it: {', '.join(strongest)}"


def as_json(answers: Sequence[Answer], more: Mapping[str, Any] | None = None) -> str:
    """One document; `verdict` of a recording is conforms, does not conform or undetermined."""
    return json_document(
        tool={"name": "clearorder", "version": __version__},
        question="Is what each page shows in the recording what a page can show in a run of the design?",
        results=[_as_object(a) for a in answers],
        **(more or {}),
    )


def _as_object(answer: Answer) -> dict[str, Any]:
    return {
        **named(answer, "file design verdict"),
        "scope": {"pages": "each by itself", **{f"{s.lower()}s": n for s, n in answer.sizes.items()}},
        "gets": answer.counts["get"],
        "clears": answer.counts["clear"],
        "reads": answer.counts["read"],
        "failed": answer.counts["failed"],
        "logs": answer.slots,
        "moves": dict(answer.moves),
        "offence": answer.offence and _offence_object(answer.offence),
        "undetermined": [asdict(d) for d in answer.doubts],
        "notes": answer.notes,
    }


def _offence_object(found: Offence) -> dict[str, Any]:
    return {
        **_moment(found.at),
        **named(found, "vm slot page"),
        "history": [_moment(at) for at in found.history],
        "possible": asdict(found.possible),
        "nearest": list(found.nearest),
        "overlaps": found.overlaps,
    }


def _moment(at: At) -> dict[str, Any]:
    return {**named(at, "line thread time"), "says": SAYS[at.letter]}
