"""A Mermaid sequence diagram: a participant a lane, an arrow to the first lane that a move may change.

GitHub and GitLab draw it in a fence of ```mermaid.

Source: mermaid.js.org/syntax/sequenceDiagram.html, "Entity codes to escape characters".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from model.verify.result import Result
from reports.formats import phrases as words
from reports.sequence import Row, diagram

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
    yield from (f"  participant t{i} as {escaped(title)}" for i, (_, title) in enumerate(drawn.titles))
    across = "t0" if len(drawn.titles) == 1 else f"t0,t{len(drawn.titles) - 1}"
    yield f"  Note over {across}: {escaped(result.story.title)}"
    for row in drawn.rows:
        yield from _row(row)
    for sentence in (words.aftermath(result.story), words.why(result.story)):
        if sentence:
            yield f"  Note over {across}: {escaped(sentence)}"


def _row(row: Row) -> Iterator[str]:
    actor, target = ends(row)
    marked = row.marker == "broken"
    if marked:
        yield "  rect rgba(220, 40, 40, 0.2)"
    yield f"  t{actor}->>t{target}: {escaped(f'{row.line.number}. {row.line.text}')}"
    said = "; ".join([*words.changes(row.line), *row.line.notes])
    if said:
        yield f"  Note right of t{actor}: {escaped(said)}"
    if marked:
        yield "  end"


def ends(row: Row) -> tuple[int, int]:
    """Which lane moves, and the first lane that it may change (itself where there is none)."""
    roles = [crossing.role for crossing, _ in row.cells]
    actor = roles.index("actor")
    return actor, roles.index("target") if "target" in roles else actor
