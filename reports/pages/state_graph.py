"""The state graph of the smallest instance as an SVG picture: one row a depth, every node drawn with its strips."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape as escaped
from xml.sax.saxutils import quoteattr

from model.errors import UsageError
from model.expr import Client
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.instance.sizes import used_sorts
from model.instance.state import State
from model.program.program import Program
from model.verify.state_graph import as_text, state_graph
from reports.pages.render import asset
from reports.strips import hue

if TYPE_CHECKING:
    import networkx

MOST = 120  # states that a reader can still tell apart
FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
CELL, GAP, ROW, EDGE = 11, 44, 60, 34


@dataclass(frozen=True)
class Picture:
    """A drawn state graph.

    Attributes:
        svg: the picture for a page that has `page.css`.
        file: the same as a file that stands alone.
        dot: the graph for Graphviz, with every label written out.
        key: (hue, name) of the cells of a node, from left to right.
    """

    svg: str
    file: str
    dot: str
    states: int
    edges: int
    size: str
    key: tuple[tuple[str, str], ...]


def smallest(program: Program) -> Instance:
    """One page and as few elements of each sort as the design's constants allow.

    Raises:
        UsageError: the design needs more than three of a sort.
    """
    free = [s for s in sorted(used_sorts(program)) if program.sorts[s].size is None]
    for size in (1, 2):
        try:
            return _built(program, dict.fromkeys(free, size))
        except UsageError:
            continue
    return _built(program, dict.fromkeys(free, 3))


def _built(program: Program, sizes: Mapping[str, int]) -> Instance:
    instance = Instance(program, 1, sizes)
    _ = instance.fields
    return instance


def picture(program: Program, name: str) -> Picture | None:
    """The state graph of the smallest instance, or None where it has more states than can be told apart.

    Args:
        name: of an SVG marker, unique in the page: letters, digits and hyphens.
    """
    instance = smallest(program)
    try:
        graph = state_graph(Problem.on(instance), max_states=MOST)
    except UsageError:
        return None
    size = ", ".join(["1 page", *(f"{n} {s.lower()}{'s' * (n > 1)}" for s, n in instance.scope_sizes.items())])
    svg = _Drawing(instance, graph, name, f"state graph of {program.name}, {size}").svg()
    style = f"<style>{asset('colours.css')}{asset('graph.css')}</style>"
    file = svg.replace("<defs>", f"{style}<defs>", 1)
    key = tuple((hue(instance, name), shown) for name, shown, _ in _cells(instance))
    edges = sum(1 for a, b in set(graph.edges()) if a != b)
    return Picture(svg, file, as_text(graph, "dot"), graph.number_of_nodes(), edges, size, key)


def _cells(instance: Instance) -> list[tuple[str, str, int]]:
    """(variable, what to call it, position) of the bitmaps and flags that a node shows."""
    from model.verify.wording import change_name

    fields = [(f, i) for i, f in enumerate(instance.fields) if f.role == "part"]
    several = any(n > 1 for _, n in instance.free_sizes.items())
    return [(f.name, change_name(instance, f) if several else f.name, i) for f, i in fields]


def escape(text: str) -> str:
    """The text for XML, characters that it cannot hold replaced."""
    return escaped(FORBIDDEN.sub("\ufffd", text))


class _Drawing:
    """Places of nodes and the text of the picture; integers only, so that it is the same everywhere."""

    def __init__(self, instance: Instance, graph: networkx.MultiDiGraph[int], name: str, title: str) -> None:
        self.instance, self.graph, self.name, self.title = instance, graph, name, title
        self.cells = _cells(instance)
        self.wide = max(len(self.cells), 2) * CELL + 8
        self.depth = {n: int(d["depth"]) for n, d in graph.nodes(data=True)}
        self.rows = self._rows()
        self.width = max(len(row) for row in self.rows) * (self.wide + GAP) + 2 * EDGE
        self.height = len(self.rows) * ROW + 2 * GAP
        self.at = {n: place for y, row in enumerate(self.rows) for n, place in self._places(row, y)}

    def _rows(self) -> list[list[int]]:
        """Nodes by depth, each row ordered by the mean place of its neighbours above, three times over."""
        rows: list[list[int]] = [[] for _ in range(max(self.depth.values()) + 1)]
        for node in sorted(self.graph):
            rows[self.depth[node]].append(node)
        for _ in range(3):
            for above, row in pairwise(rows):
                place = {n: i * 1000 // max(len(above), 1) for i, n in enumerate(above)}
                row.sort(key=lambda n, place=place: (self._mean(n, place), n))  # type: ignore[misc]
        return rows

    def _mean(self, node: int, place: Mapping[int, int]) -> int:
        known = [place[a] for a in set(self.graph.predecessors(node)) if a in place]
        return sum(known) // len(known) if known else 0

    def _places(self, row: list[int], y: int) -> Iterator[tuple[int, tuple[int, int]]]:
        pitch = self.wide + GAP
        left = (self.width - len(row) * pitch + GAP) // 2 + (pitch // 4 if y % 2 else -pitch // 4)
        left = max(left, 4)
        for i, node in enumerate(row):
            yield node, (left + i * pitch, GAP + y * ROW)

    def svg(self) -> str:
        """The whole picture."""
        arrow = (
            f'<defs><marker id="arrow-{self.name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" '
            'markerHeight="6" orient="auto-start-reverse"><path class="g-head" d="M0 0L8 4L0 8z"/></marker></defs>'
        )
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="graph" role="img" viewBox="0 0 {self.width} {self.height}"'
            f' width="{self.width}" height="{self.height}" aria-label={quoteattr(FORBIDDEN.sub(" ", self.title))}>'
        )
        body = "\n".join([*self._edges(), *(self._node(n, d) for n, d in self.graph.nodes(data=True))])
        return f"{head}\n<title>{escape(self.title)}</title>\n{arrow}\n{body}\n</svg>\n"

    def _edges(self) -> Iterator[str]:
        moves: dict[tuple[int, int], list[Mapping[str, Any]]] = {}
        for a, b, data in self.graph.edges(data=True):
            if a != b:
                moves.setdefault((a, b), []).append(data)
        for (a, b), several in moves.items():
            guest = "" if all(data["by"] == Client.name for data in several) else " g-guest"
            names = "; ".join(str(data["move"]) for data in several)
            yield (
                f'<path class="g-edge{guest}" marker-end="url(#arrow-{self.name})" d="{self._path(a, b)}">'
                f"<title>{a} to {b}: {escape(names)}</title></path>"
            )

    def _path(self, a: int, b: int) -> str:
        (x, y), (u, v) = self.at[a], self.at[b]
        middle, high = self.wide // 2, 24
        if v > y:
            return f"M{x + middle} {y + high}C{x + middle} {y + high + 16} {u + middle} {v - 18} {u + middle} {v - 1}"
        side = self.wide if u >= x else 0
        out = 22 if side else -22
        start, end = (x + side, y + high // 2), (u + side, v + high // 2)
        return f"M{start[0]} {start[1]}C{start[0] + out} {start[1]} {end[0] + out} {end[1]} {end[0]} {end[1]}"

    def _node(self, node: int, data: Mapping[str, Any]) -> str:
        x, y = self.at[node]
        label = " | ".join(str(data["label"]).split("\n"))
        where = self._where(data["state"])
        cells = "".join(self._cell(i, data["state"]) for i in range(len(self.cells)))
        start, depth = " g-start" if node == 0 else "", data["depth"]
        return (
            f'<g class="g-node{start}" data-node="{node}" transform="translate({x} {y})">'
            f"<title>state {node}, depth {depth}: {escape(label)}</title>"
            f'<rect class="g-box" width="{self.wide}" height="24" rx="4"/>{cells}'
            f'<text x="4" y="21">{node}{escape(where)}</text></g>'
        )

    def _cell(self, i: int, state: State) -> str:
        name, _, position = self.cells[i]
        on = f" g-on hue-{hue(self.instance, name)}" if state[position] else ""
        return f'<rect class="g-cell{on}" x="{4 + i * CELL}" y="3" width="{CELL - 2}" height="7"/>'

    def _where(self, state: State) -> str:
        """Which threads are inside an operation, as the name of the step they are after."""
        inside = []
        for field, value in zip(self.instance.fields, state, strict=True):
            if field.role == "location" and value:
                sort = field.per or ""
                location = self.instance.program.threads[sort][self.instance.codes[sort][value][0]]
                inside.append(location.after or location.operation)
        return f" {', '.join(inside)}" if inside else ""


__all__ = ["Picture", "picture", "smallest"]
