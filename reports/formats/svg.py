"""A counterexample as a standalone SVG: one lane per thread, arrows to what changes, page strips after each move."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from model.verify.claims import NoteKind
from model.verify.result import Result
from reports.formats import phrases as words
from reports.formats.phrases import escaped
from reports.hues import DARK, LIGHT, properties
from reports.sequence import Crossing, Diagram, Row, diagram
from reports.strips import Lane, Strip

COLUMNS, LINE, STRIP, PAD, MARGIN = 26, 15, 14, 10, 44  # characters of a lane's text; heights and widths in pixels
STYLE = (
    f"""
.clearorder {{ font: 12px sans-serif; --ink: #1b1f24; --paper: #fff; --faint: #9aa4af; --bad: #a40e26; --wash: #ffebe9;
  {properties(LIGHT)} }}
@media (prefers-color-scheme: dark) {{ .clearorder {{
  --ink: #e6edf3; --paper: #0d1117; --faint: #6e7681; --bad: #ff938a; --wash: #341418;
  {properties(DARK)} }} }}
.clearorder text {{ fill: var(--ink); }}
.clearorder .head, .clearorder .changed {{ font-weight: bold; }}
.clearorder .note {{ font-style: italic; }}
.clearorder .label {{ font-size: 10px; }}
.clearorder .bad {{ fill: var(--bad); }}
.clearorder .paper {{ fill: var(--paper); }}
.clearorder .wash {{ fill: var(--wash); }}
.clearorder .life {{ stroke: var(--faint); }}
.clearorder .arrow {{ stroke: var(--ink); fill: none; }}
.clearorder .look {{ stroke-dasharray: 3 3; }}
.clearorder .cell {{ stroke: var(--faint); fill: none; }}
""".strip()
    + "".join(f"\n.clearorder .{hue} {{ fill: var(--{hue}); }}" for hue in LIGHT)
)


def document(results: Sequence[Result]) -> str:
    """The picture of one result as a file.

    Raises:
        UsageError: there is more than one result: a file holds one picture.
    """
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + picture(words.single(results, "svg")) + "\n"


def picture(result: Result) -> str:
    """The counterexample, or the verdict in words where there is none, as an `svg` element."""
    trace = result.whole or result.trace
    if trace is None or result.story is None:
        return _framed(result, 640, 80, [*_paragraph(words.headline(result), 40, 90)])
    return _Picture(result, diagram(trace, result.story)).svg()


def _framed(result: Result, width: int, height: int, body: Sequence[str]) -> str:
    about = escaped(words.title(result))
    told = "; ".join(words.one_line(line.text) for line in words.lines(result))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="clearorder" role="img" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}">',
            f"<title>{about}</title>",
            f"<desc>{escaped(told or words.headline(result))}</desc>",
            f"<style>{STYLE}</style>",
            f'<rect class="paper" width="{width}" height="{height}"/>',
            *body,
            "</svg>",
        ]
    )


def _paragraph(said: str, top: float, columns: int) -> Iterator[str]:
    for i, piece in enumerate(words.folded(words.one_line(said), columns)):
        yield _text(PAD, top + i * LINE, piece)


def _text(x: float, y: float, said: str, kind: str = "") -> str:
    mark = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{mark}>{escaped(said)}</text>'


@dataclass(frozen=True)
class _Cell:
    """What stands in one lane of one row: the move's text where the lane's thread moves, then its strips."""

    texts: tuple[tuple[str, str], ...]
    lane: Lane

    @property
    def height(self) -> int:
        return len(self.texts) * LINE + len(self.lane.strips) * STRIP


class _Picture:
    def __init__(self, result: Result, drawn: Diagram) -> None:
        self.result, self.drawn = result, drawn
        self.pages = max((len(s.cells) for lane in drawn.start for s in lane.strips), default=1)
        self.square = max(2, min(10, 120 // self.pages))

    def svg(self) -> str:
        body, y = [*self._heads()], 3 * LINE + PAD
        height = max((_Cell((), lane).height for lane in self.drawn.start), default=0)
        body += self._lanes([_Cell((), lane) for lane in self.drawn.start], y)
        y += height + 2 * PAD
        for row in self.drawn.rows:
            cells = [_Cell(_texts(row, crossing), lane) for crossing, lane in row.cells]
            height = max(cell.height for cell in cells) + 2 * PAD
            body += self._row(row, cells, y, height)
            y += height
        life = [self._life(i, y) for i in range(len(self.lefts))]
        after = [*self._after(y + PAD)]
        return _framed(self.result, self.width, y + 2 * PAD + len(after) * LINE, [*life, *body, *after])

    # -- where things are

    @cached_property
    def lefts(self) -> list[int]:
        """The left edge of every lane."""
        found, x = [], MARGIN
        for i in range(len(self.drawn.titles)):
            found.append(x)
            x += self._width(i)
        return found

    def _width(self, lane: int) -> int:
        states = [self.drawn.start[lane], *(row.cells[lane][1] for row in self.drawn.rows)]
        labels = [len(_label(s)) * 6 + len(s.cells) * (self.square + 1) for state in states for s in state.strips]
        texts = [len(t) * 7 for row in self.drawn.rows for t, _ in _texts(row, row.cells[lane][0])]
        return max([90, len(self.drawn.titles[lane][1]) * 8, *labels, *texts]) + 3 * PAD

    @cached_property
    def width(self) -> int:
        return max(self.lefts[-1] + self._width(len(self.lefts) - 1), len(words.title(self.result)) * 7 + 2 * PAD, 480)

    # -- what is drawn

    def _heads(self) -> Iterator[str]:
        yield _text(PAD, LINE, words.title(self.result), "head")
        for left, (_, title) in zip(self.lefts, self.drawn.titles, strict=True):
            yield _text(left, 2.5 * LINE, words.one_line(title), "head")

    def _life(self, lane: int, bottom: int) -> str:
        x = self.lefts[lane] - 6
        return f'<line class="life" x1="{x}" y1="{2 * LINE}" x2="{x}" y2="{bottom}"/>'

    def _row(self, row: Row, cells: Sequence[_Cell], y: int, height: int) -> Iterator[str]:
        bad = row.marker == "broken"
        if bad:
            yield f'<rect class="wash" x="0" y="{y}" width="{self.width}" height="{height}"/>'
        yield _text(PAD, y + LINE, str(row.line.number), "bad head" if bad else "")
        yield from self._arrows(row, y)
        yield from self._lanes(cells, y)

    def _lanes(self, cells: Sequence[_Cell], y: int) -> Iterator[str]:
        for left, cell in zip(self.lefts, cells, strict=True):
            for i, (said, kind) in enumerate(cell.texts):
                yield _text(left, y + (i + 1) * LINE + 2, said, kind)
            top = y + len(cell.texts) * LINE + PAD
            for i, strip in enumerate(cell.lane.strips):
                yield from self._strip(strip, left, top + i * STRIP)

    def _strip(self, strip: Strip, x: int, y: int) -> Iterator[str]:
        mark = "label changed" if strip.changed else "label"
        yield f"<g><title>{escaped(words.one_line(strip.text))}</title>"
        for i, full in enumerate(strip.cells):
            kind = f"cell {strip.hue}" if full else "cell"
            side = f'width="{self.square}" height="{STRIP - 4}"'
            yield f'<rect class="{kind}" x="{x + i * (self.square + 1)}" y="{y}" {side}/>'
        mark += " bad" if strip.lost else ""
        yield _text(x + len(strip.cells) * (self.square + 1) + 4, y + 9, words.one_line(_label(strip)), mark) + "</g>"

    def _arrows(self, row: Row, y: int) -> Iterator[str]:
        actor = next(i for i, (c, _) in enumerate(row.cells) if c.role == "actor")
        for i, (crossing, _) in enumerate(row.cells):
            if crossing.role in ("target", "source"):
                x1, x2 = self.lefts[actor] - 6, self.lefts[i] - 6
                tip = 5 if x2 < x1 else -5
                kind = "arrow look" if crossing.role == "source" else "arrow"
                head = f" M {x2 + tip} {y - 3} L {x2} {y} L {x2 + tip} {y + 3}" if crossing.role == "target" else ""
                yield f'<path class="{kind}" d="M {x1} {y} L {x2} {y}{head}"/>'

    def _after(self, y: int) -> Iterator[str]:
        story = self.result.story
        assert story is not None
        said = " ".join(filter(None, (words.aftermath(story), f"Why: {words.why(story)}" if story.because else "")))
        yield from _paragraph(said, y, max(60, (self.width - 2 * PAD) // 7))


def _label(strip: Strip) -> str:
    """`unread`, or `unread: lost` where nothing can bring its pages any more."""
    return f"{strip.label}: {strip.lost}" if strip.lost else strip.label


def _texts(row: Row, crossing: Crossing) -> tuple[tuple[str, str], ...]:
    """(text, class) of the lines that a lane shows above its strips."""
    if crossing.role != "actor":
        return ()
    bad = row.marker == "broken"
    moves = [(piece, "head") for piece in words.folded(words.verb(row.line), COLUMNS)]
    notes = [
        (piece, "note bad" if bad and note.kind is NoteKind.BROKEN else "note")
        for note in row.line.notes
        for piece in words.folded(words.one_line(note), COLUMNS)
    ]
    return (*moves, *notes)
