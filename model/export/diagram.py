"""Truth values of several yes-or-no questions as decision diagrams, and as a few conjunctions of literals.

Source: Bryant: "Graph-Based Algorithms for Boolean Function Manipulation", 1986; Minato: "Fast Generation of Prime-
Irredundant Covers from Binary Decision Diagrams", 1993.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field

Node = int  # 0 is false, 1 is true
Cube = Mapping[Hashable, bool]  # question -> answer
FALSE, TRUE = 0, 1


@dataclass
class Diagrams:
    """Diagrams over the same questions, in the order in which they were first asked; equal ones are one node."""

    asked: dict[Hashable, int] = field(default_factory=dict)
    nodes: list[tuple[int, Node, Node]] = field(default_factory=lambda: [(-1, 0, 0), (-1, 1, 1)])
    _numbers: dict[tuple[int, Node, Node], Node] = field(default_factory=dict)
    _chosen: dict[tuple[Node, Node, Node], Node] = field(default_factory=dict)

    def question(self, name: Hashable) -> Node:
        """Whether the answer to it is yes."""
        return self._node(self.asked.setdefault(name, len(self.asked)), FALSE, TRUE)

    def _node(self, question: int, no: Node, yes: Node) -> Node:
        if no == yes:
            return no
        key = question, no, yes
        if key not in self._numbers:
            self._numbers[key] = len(self.nodes)
            self.nodes.append(key)
        return self._numbers[key]

    def _first(self, *given: Node) -> int:
        """The earliest question that any of them depends on."""
        return min(self.nodes[n][0] for n in given if n > TRUE)

    def _where(self, n: Node, question: int, yes: bool) -> Node:
        own, *follow = self.nodes[n]
        return follow[yes] if own == question else n

    def choose(self, condition: Node, yes: Node, no: Node) -> Node:
        if condition <= TRUE or yes == no:
            return yes if condition else no
        key = condition, yes, no
        if key not in self._chosen:
            first = self._first(*key)
            sides = (self.choose(*(self._where(n, first, side) for n in key)) for side in (False, True))
            self._chosen[key] = self._node(first, *sides)
        return self._chosen[key]

    def negate(self, a: Node) -> Node:
        return self.choose(a, FALSE, TRUE)

    def both(self, a: Node, b: Node) -> Node:
        return self.choose(a, b, FALSE)

    def either(self, a: Node, b: Node) -> Node:
        return self.choose(a, TRUE, b)

    def minus(self, a: Node, b: Node) -> Node:
        return self.choose(b, FALSE, a)

    @property
    def table(self) -> Mapping[str, Callable[..., Node]]:
        """What the operators of an expression over one page come to (`model.expr.algebra.fold`)."""
        return {
            **{"none": lambda: FALSE, "all": lambda: TRUE, "false": lambda: FALSE, "true": lambda: TRUE},
            **{"union": self.either, "meet": self.both, "minus": self.minus, "negate": self.negate},
            **{"either": self.either, "both": self.both, "choose": self.choose},
            "subset": lambda a, b: self.choose(a, b, TRUE),
            "equal": lambda a, b: self.choose(a, b, self.negate(b)),
        }

    def cubes(self, a: Node) -> list[Cube]:
        """Conjunctions, none of them superfluous, one of which holds exactly where `a` does."""
        names = list(self.asked)
        return [{names[q]: yes for q, yes in cube.items()} for cube in self._cover(a, a)[0]]

    def _cover(self, least: Node, most: Node) -> tuple[list[dict[int, bool]], Node]:
        """Conjunctions, one of which holds wherever `least` does and none but where `most` does, and what they are."""
        if least == FALSE:
            return [], FALSE
        if most == TRUE:
            return [{}], TRUE
        first = self._first(least, most)
        low = [self._where(n, first, False) for n in (least, most)]
        high = [self._where(n, first, True) for n in (least, most)]
        no, is_no = self._cover(self.minus(low[0], high[1]), low[1])
        yes, is_yes = self._cover(self.minus(high[0], low[1]), high[1])
        left = self.either(self.minus(low[0], is_no), self.minus(high[0], is_yes))
        any_, is_any = self._cover(left, self.both(low[1], high[1]))
        cubes = [{first: False} | c for c in no] + [{first: True} | c for c in yes] + any_
        return cubes, self._node(first, self.either(is_no, is_any), self.either(is_yes, is_any))
