"""The answer to the 2019 discussion: a page that needs nothing else, and the same for machines and for a mail."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from model.designs.catalogue import load
from model.instance.trace import Trace
from model.studies.cost import tally, with_totals
from model.studies.discussion_2019 import DESIGNS, OWN, SHARED, Answer, Careless, GetClears, Mask
from model.verify.wording import plural
from reports.formats.markdown import escaped
from reports.pages import claims, open_questions, settling
from reports.pages.costs import records, tables
from reports.pages.pareto import as_svg, picture
from reports.pages.render import page

TALLIED = ("writes", "copies", "redundant", "gets", "clears")
TALLY_HEADS = ("writes", "copies", "redundant", "GET", "CLEAR")
MASK_HEADS = ("mask", "over", "clients", "other source", "safe of all", "all ones")
CLASSES = {settling.HOLDS: "proved", settling.PARTLY: "undetermined", settling.FAILS: "refuted"}  # of `page.css`
SHOWN = 20  # rows of a table; the others are folded


@dataclass(frozen=True)
class Shown:
    """A trace as the page shows it: number, text and running counts of each move."""

    title: str
    lines: tuple[tuple[str, ...], ...]


def files(found: Answer, tool: Mapping[str, str]) -> dict[str, str]:
    """The page and what stands beside it, by name."""
    return {
        "discussion.html": _html(found, tool),
        "discussion.md": "\n".join(_markdown(found)) + "\n",
        "discussion.json": json.dumps(_record(found), indent=1) + "\n",
        "pareto.svg": as_svg(found.rows),
    }


def _html(found: Answer, tool: Mapping[str, str]) -> str:
    return page(
        "discussion.html",
        styles=("pareto.css",),
        tool=tool,
        lead=open_questions.lead(found),
        claims=claims.settled(found),
        answered=list(open_questions.answered(found)),
        most=SHOWN,
        rows=list(_rows()),
        classes=CLASSES,
        marks=claims.MARKS,
        tables=tables(found.rows),
        scope=_scope(found),
        picture=picture(found.rows),
        rate=f"{found.rows[0].expected[0].rate:g}",
        mask_heads=MASK_HEADS,
        masks=[_mask(m) for m in found.masks],
        careless=[_careless(c) for c in found.careless],
        traces=list(shown(found)),
        tally_heads=TALLY_HEADS,
    )


def _rows() -> Iterator[tuple[str, str]]:
    """What the names of the rows mean: the first paragraph of each design."""
    for name, design in (("get-clears", GetClears), *((name, load(name)) for name in DESIGNS)):
        yield name, " ".join((design.__doc__ or "").partition("\n\n")[0].split())
    for base, inputs in (OWN, SHARED):
        yield f"mask …, over {', '.join(inputs)}", f"{base} with that mask in its clear: one of the weakest safe ones."


def _scope(found: Answer) -> str:
    pages = max(r.pages for r in found.rows)
    return (
        f"Traces and “up to” verdicts: searched to the end with up to {plural(pages, 'page')} and the stated number of "
        "clients. “Any number”: proved for any number of pages and clients, with the device; without it the design has "
        "the same steps and fewer writers, so the proof holds there too. Worst cases and expected numbers: one page."
    )


def _mask(m: Mask) -> tuple[str, ...]:
    killed = "safe" if m.ones is None else f"killed in {plural(len(m.ones.trace), 'move')}"
    return m.text, ", ".join(m.inputs), str(m.clients), m.source, f"{m.safe} of {m.fillings}", killed


def _careless(c: Careless) -> str:
    broken = f"the promise is broken in {plural(len(c.broken), 'move')}" if c.broken else "no promise is broken"
    lost = f"and the write is lost in {len(c.loss)}" if c.loss else "and nothing is lost"
    return f"{c.design}: {broken}, {lost}."


def shown(found: Answer) -> Iterator[Shown]:
    """The redundant copies that settle the objection, and the one that top-layer makes too."""
    device, top = found.row("per-slot-cache", 1, "device"), found.row("top-layer", 1)
    two = found.row("per-slot-cache", 2)
    for title, trace in (
        ("per-slot cache, 1 client, with the device, one sync a round", device.in_rounds),
        ("top-layer, 1 client, no other source, any schedule", top.redundant),
        ("per-slot cache, 2 clients, no other source, one sync a round", two.in_rounds),
    ):
        if trace:
            yield Shown(f"{title}: {_total(trace)}", tuple(_lines(trace)))


def _total(trace: Trace) -> str:
    count = tally(trace)
    return f"{plural(len(trace), 'move')}, {count.copies} copies of {plural(count.writes, 'write')}"


def _lines(trace: Trace) -> Iterator[tuple[str, ...]]:
    for number, (text, count) in enumerate(with_totals(trace), 1):
        yield str(number), text, *(str(getattr(count, name)) for name in TALLIED)


# ---------------------------------------------------------------- for a mail, and for machines


def _markdown(found: Answer) -> Iterator[str]:
    yield from ("# The clear-ordering discussion of 2019, answered", "")
    yield from (escaped(" ".join(open_questions.lead(found))), "", "## What the claims come to", "")
    for each in claims.settled(found):
        c = each.claim
        yield from (f"### {escaped(c.who)}, {escaped(c.when)}: {escaped(each.judged)}", "", f"> {escaped(c.said)}", "")
        yield from (f"[{escaped(c.source)}]({c.address}) ({claims.MARKS[c.mark]}).", "", escaped(each.text), "")
    yield from ("## Questions of the mails that nobody answered", "")
    for asked in open_questions.answered(found):
        yield from (f"### {escaped(asked.question)}", "", f"> {escaped(asked.said)}", "", escaped(asked.answer), "")
    for table in tables(found.rows):
        yield from _table(table.title, table.heads, table.lines)
        yield from (escaped(table.note), "")
    yield from (escaped(_scope(found)), "")
    yield from _table("The weakest safe masks", MASK_HEADS, [_mask(m) for m in found.masks])
    yield from (
        "## A device that marks one client only",
        "",
        *(f"- {escaped(_careless(c))}" for c in found.careless),
        "",
    )
    for trace in shown(found):
        yield from _table(trace.title, ("move", "what happens", *TALLY_HEADS), trace.lines)


def _table(title: str, heads: Any, lines: Any) -> Iterator[str]:
    yield from (f"## {escaped(title)}", "", f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}")
    for line in lines:
        yield f"| {' | '.join(escaped(cell) for cell in line)} |"
    yield ""


def _record(found: Answer) -> dict[str, Any]:
    return {
        "version": 1,
        "rows": records(found.rows),
        "masks": [
            {"mask": m.text, "inputs": list(m.inputs), "clients": m.clients, "source": m.source, "safe": m.safe}
            | {"fillings": m.fillings, "all_ones_killed_in": m.ones and len(m.ones.trace)}
            for m in found.masks
        ],
        "careless": [
            {"design": c.design, "promise_broken": c.broken and len(c.broken), "loss": c.loss and len(c.loss)}
            for c in found.careless
        ],
        "claims": [
            {"who": s.claim.who, "when": s.claim.when, "source": s.claim.source, "address": s.claim.address}
            | {"mark": s.claim.mark, "said": s.claim.said, "verdict": s.word, "judged": s.judged, "because": s.text}
            for s in claims.settled(found)
        ],
        "questions": [asdict(each) for each in open_questions.answered(found)],
    }
