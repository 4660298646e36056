"""A Mermaid sequence diagram: a participant a thread, and one for the kernel and whatever else is shared.

GitHub and GitLab draw it in a fence of ```mermaid.

Source: mermaid.js.org/syntax/sequenceDiagram.html, "Entity codes to escape characters".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from model.verify.result import Result
from reports.formats import phrases as words
from reports.sequence import Row, diagram
from reports.strips import SHARED, Lane

LITERAL = re.compile(r"[^\w .,'()\-/]", re.ASCII)  # what is written by its number, letters of any script left alone


def document(results: Sequence[Result]) -> str:
    """The counterexample as a diagram; what has none is a note with the verdict.

    Raises:
        UsageError: there is more than one result.
    """
    return "\n".join(["sequenceDiagram", *_lines(words.single(results, "mermaid"))]) + "\n"


def escaped(said: str) -> str:
    """`said` on one line; signs that the diagram's grammar could read are written as entity codes."""
    coded = LITERAL.sub(lambda m: m[0] if m[0].isalnum() else f"#{ord(m[0])};", words.one_line(said))
    return re.sub(r"\b(e)(nd)\b", r"#101;\2", coded, flags=re.IGNORECASE)


def _lines(result: Result) -> Iterator[str]:
    trace = result.whole or result.trace
    if trace is None or result.story is None:
        yield "  participant t0 as clearorder"
        yield f"  Note over t0: {escaped(words.headline(result))}"
        return
    drawn = diagram(trace, result.story)
    titles = [_kernel(drawn.start[i]) or title for i, (_, title) in enumerate(drawn.titles)]
    yield from (f"  participant t{i} as {escaped(title)}" for i, title in enumerate(titles))
    across = "t0" if len(titles) == 1 else f"t0,t{len(titles) - 1}"
    yield f"  Note over {across}: {escaped(result.story.title)}"
    for row in drawn.rows:
        yield from _row(row)
    for sentence in (words.aftermath(result.story), words.why(result.story)):
        if sentence:
            yield f"  Note over {across}: {escaped(sentence)}"


def _kernel(lane: Lane) -> str:
    """What the lane of shared parts is called: by the parts themselves, `kernel, cache`."""
    return ", ".join(strip.label for strip in lane.strips if not strip.ghost) if lane.key == SHARED else ""


def _row(row: Row) -> Iterator[str]:
    marked = row.marker == "broken"
    if marked:
        yield "  rect rgba(220, 40, 40, 0.2)"
    first, *others = arrows(row)
    yield f"  {first}: {escaped(f'{row.line.number}. {row.line.text}')}"
    yield from (f"  {arrow}: {row.line.number}." for arrow in others)
    said = "; ".join([*words.changes(row.line), *row.line.notes])
    if said:
        yield f"  Note right of t{_roles(row).index('actor')}: {escaped(said)}"
    if marked:
        yield "  end"


def arrows(row: Row) -> list[str]:
    """From the thread that moves to each lane that it may change; broken, to it from each that it only reads.

    Where it touches no other lane, an arrow to itself.
    """
    roles = _roles(row)
    actor = roles.index("actor")
    read = [f"t{i}-->>t{actor}" for i, role in enumerate(roles) if role == "source"]
    changed = [f"t{actor}->>t{i}" for i, role in enumerate(roles) if role == "target"]
    return read + changed or [f"t{actor}->>t{actor}"]


def _roles(row: Row) -> list[str]:
    return [crossing.role for crossing, _ in row.cells]
