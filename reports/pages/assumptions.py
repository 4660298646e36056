"""What a verdict rests on: what is one step, and what a design leaves out, said for each design by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from model.expr.declarations import Queue
from model.program.program import Program

ATOMIC = (
    "Each named step of a design happens at once. Between any two steps, every other thread may take any number of "
    "its own. The steps of each design are listed with everything they read and change.",
    "Taking a lock happens together with the step after it, freeing it together with the step before it. Neither can "
    "hide an interleaving: a taken lock moves right past the steps of other threads, a freed one moves left.",
    "The guest's write and the kernel's note of it are one step, a page at a time; all vCPUs together are one thread, "
    "unless a design declares more of them.",
    "KVM_GET_DIRTY_LOG and KVM_CLEAR_DIRTY_LOG are one step each for the whole slot or range, and so is copying one "
    "bitmap into another, unless a design names their parts.",
)
CONTENT = "what is in a page: it was written or it was not, nothing smaller is told apart"
PROGRESS = "time and progress: this is about what must never happen, not about how soon or whether something does"


def _speaks(*words: str) -> Callable[[Program], bool]:
    """Whether a part of the design, by its name or what it stands for, is about one of these."""

    def speaks(program: Program) -> bool:
        said = " ".join(f"{name} {part.doc}".lower() for name, part in program.parts.items())
        return any(word in said for word in words)

    return speaks


def _has_queue(program: Program) -> bool:
    return any(isinstance(part, Queue) for part in program.parts.values())


@dataclass(frozen=True)
class LeftOut:
    """Something that a design leaves out unless `has` says otherwise; `word` is how a docstring speaks of it."""

    text: str
    word: str
    has: Callable[[Program], bool]


LEFT_OUT = (
    LeftOut(
        "the order of memory accesses: every thread sees every step at once and in one order",
        "order of memory",
        lambda p: p.buffer > 0,
    ),
    LeftOut(
        "stale TLB entries, and pages that are writable without a mark",
        "write-protection",
        _speaks("tlb", "armed", "writable"),
    ),
    LeftOut("slots that come, go or move", "slots that come", _speaks("slot exists", "removed", "deleted", "plugged")),
    LeftOut("rings and buffers that hold marks back", "dirty ring", _has_queue),
)


def left_out(program: Program) -> list[str]:
    """What this design does not model: what its docstring says, and what it has no part for."""
    own = _paragraph(program, "Not modelled: ").rstrip(".")
    items = [item for item in re.split(r";\s+", own) if item]
    others = [each.text for each in LEFT_OUT if each.word not in own and not each.has(program)]
    return [*items, *others, CONTENT, PROGRESS]


def source_of(program: Program) -> str:
    """The lines of the docstring that name where the design was taken from."""
    return _paragraph(program, "Source: ")


def story_of(program: Program) -> Iterator[str]:
    """The paragraphs of the docstring that tell what the design does."""
    for each in _paragraphs(program):
        if not each.startswith(("Source:", "Not modelled:")):
            yield each


def _paragraph(program: Program, head: str) -> str:
    return next((each.removeprefix(head) for each in _paragraphs(program) if each.startswith(head)), "")


def _paragraphs(program: Program) -> list[str]:
    return [" ".join(each.split()) for each in re.split(r"\n\s*\n", program.doc) if each.strip()]
