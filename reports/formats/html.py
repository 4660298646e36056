"""A small page that stands alone: the verdicts, and each counterexample as moves and as a picture. No script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from model.verify.narration import Line
from model.verify.result import Result
from model.verify.result_text import code_of
from reports.formats import phrases as words
from reports.formats.phrases import escaped
from reports.formats.svg import picture

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 sans-serif; }
body { max-width: 72rem; margin: 1rem auto; padding: 0 1rem; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top; }
.wide { overflow-x: auto; }
.refuted, .broken { color: #c62828; }
.proved { color: #2e7d32; }
.undetermined { color: #8a6d00; }
.tail { font-style: italic; }
code { display: block; font-size: .8rem; opacity: .8; }
@media (prefers-color-scheme: dark) {
  .refuted, .broken { color: #ff7b72; }
  .proved { color: #7ee787; }
  .undetermined { color: #e3b341; }
}
""".strip()
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def document(results: Sequence[Result]) -> str:
    """Every result on one page."""
    return "\n".join(_lines(results)) + "\n"


def _lines(results: Sequence[Result]) -> Iterator[str]:
    yield "<!DOCTYPE html>"
    yield '<html lang="en"><head><meta charset="utf-8"/>'
    yield f'<meta http-equiv="Content-Security-Policy" content="{escaped(POLICY)}"/>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
    yield f"<title>clearorder: {escaped(', '.join(dict.fromkeys(words.one_line(r.design) for r in results)))}</title>"
    yield f"<style>{STYLE}</style></head><body><main>"
    yield "<h1>Verdicts</h1>"
    yield from verdict_table(results)
    for result in results:
        yield from section(result)
    tool = words.tool()
    yield f"<p>{escaped(tool['name'])} {escaped(tool['version'])}</p></main></body></html>"


def verdict_table(results: Sequence[Result]) -> Iterator[str]:
    """One row per result: design, property, verdict, scope."""
    yield '<div class="wide"><table><thead><tr>'
    yield "".join(f'<th scope="col">{head}</th>' for head in ("Design", "Property", "Verdict", "Scope"))
    yield "</tr></thead><tbody>"
    for result in results:
        word = result.verdict.word
        names = f"<td>{escaped(result.design)}</td><td>{escaped(result.property)}</td>"
        yield f'<tr>{names}<td><b class="{word}">{word}</b></td><td>{escaped(result.claim())}</td></tr>'
    yield "</tbody></table></div>"


def section(result: Result, *, heading: str = "h2") -> Iterator[str]:
    """What the verdict rests on, and the counterexample as a table of moves and as a picture."""
    yield f"<{heading}>{escaped(words.title(result))}</{heading}>"
    for said in words.basis(result):
        yield f"<p>{escaped(said)}</p>"
    story = result.story
    if story is None:
        return
    yield f"<p>{escaped(story.size)}</p>"
    yield '<div class="wide"><table><thead><tr>'
    yield "".join(f'<th scope="col">{head}</th>' for head in ("", "Move", "Changes", "Notes"))
    yield "</tr></thead><tbody>"
    yield from (_move(line, "") for line in story.lines)
    yield from (_move(line, "tail") for line in story.tail)
    yield "</tbody></table></div>"
    for said in (words.aftermath(story), f"Why: {words.why(story)}" if story.because else ""):
        if said:
            yield f"<p>{escaped(said)}</p>"
    yield f'<div class="wide">{picture(result)}</div>'


def _move(line: Line, kind: str) -> str:
    mark = "broken" if words.is_broken(line) else kind
    cells = [str(line.number), line.text, "; ".join(words.changes(line)), "; ".join(line.notes)]
    shown = [escaped(words.one_line(cell)) for cell in cells]
    shown[1] += "".join(f"<code>{escaped(said)}</code>" for said in code_of(line))
    row = "".join(f"<td>{cell}</td>" for cell in shown)
    return f'<tr class="{mark}">{row}</tr>' if mark else f"<tr>{row}</tr>"
