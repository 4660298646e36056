"""One breadth-first walk: everything that can be reached, nearest first, and a shortest way to each of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Generic, TypeVar

Node = TypeVar("Node")
Edge = TypeVar("Edge")


def go_on(node: object) -> str:
    """Nothing ends the walk before its end."""
    return ""


class BreadthFirst(Generic[Node, Edge]):
    """A walk that goes on while somebody asks for the next level, or the next node.

    Args:
        starts: distinct nodes, the first level.
        successors: node -> (edge, next node) for every edge, the same whenever it is asked.
        visit: called with each node when its edges have been followed; a text that is not empty ends the walk.

    Attributes:
        came: every node reached so far, in the order in which that was, with the node that it was reached from.
        edges: edges that were followed.
        stopped: what `visit` ended the walk with, or an empty string.
    """

    def __init__(
        self,
        starts: Iterable[Node],
        successors: Callable[[Node], Iterable[tuple[Edge, Node]]],
        visit: Callable[[Node], str] = go_on,
    ) -> None:
        self.came: dict[Node, Node | None] = dict.fromkeys(starts)
        self.successors, self.visit = successors, visit
        self.edges, self.stopped = 0, ""

    def levels(self) -> Iterator[list[Node]]:
        """The nodes at distance 0, 1, 2, …; a level that was not finished is not among them."""
        level = list(self.came)
        while level and not self.stopped:
            yield level
            level = self._following(level)

    def __iter__(self) -> Iterator[Node]:
        """Every node, nearest first."""
        return (node for level in self.levels() for node in level)

    def finished(self) -> bool:
        """Go to the end; whether nothing ended the walk before."""
        for _ in self.levels():
            pass
        return not self.stopped

    def path(self, node: Node) -> tuple[list[Edge], list[Node]]:
        """A shortest way from a start: its edges, and its nodes, one more than edges."""
        nodes = [node]
        while (before := self.came[nodes[-1]]) is not None:
            nodes.append(before)
        nodes.reverse()
        return [self._edge(*pair) for pair in pairwise(nodes)], nodes

    def _following(self, level: list[Node]) -> list[Node]:
        came, found = self.came, []
        for node in level:
            edges = 0
            for _, after in self.successors(node):
                edges += 1
                if after not in came:
                    came[after] = node
                    found.append(after)
            self.edges += edges
            if stop := self.visit(node):
                self.stopped = stop
                break
        return found

    def _edge(self, before: Node, after: Node) -> Edge:
        """The first edge between the two, which is the one that was followed."""
        return next(edge for edge, node in self.successors(before) if node == after)
