"""Rules as Python functions on tuples of ints, compiled once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from model.expr import PAGES, TRUE, TRUTH, Expr, walk
from model.expr.algebra import fold, python_source
from model.expr.generated import expression, function
from model.parametric.views.protocol import Protocol
from model.parametric.views.rule import Key, Rule

Values = tuple[int, ...]
READ = re.compile(r"\b(?:S|R\d)\[\d+\]|\bp_\w+")


@dataclass(frozen=True)
class Compiled:
    """A rule that runs.

    Attributes:
        moves: moves(shared, locals of the roles) -> (shared', locals', what is heard, sets of pages) each.
        may: may(locals of the roles): those of its guards that speak of nothing else hold.
        hear: open sort -> function (local of a bystander, what is heard) -> its local after, None where it
            stands in the way; no function where nothing is heard.
        heard: names this rule's way to be heard, so that rules with the same one are told apart by nothing.
    """

    rule: Rule
    moves: Callable[[Values, tuple[Values, ...]], Iterator[tuple[Values, tuple[Values, ...], Values, Values]]]
    may: Callable[[tuple[Values, ...]], bool]
    hear: Mapping[str, Callable[[Values, Values], Values | None]] = field(default_factory=dict)
    heard: tuple[str, ...] = ()


class Writer:
    """Text over `S`, the shared part, `R0`, `R1` …, those who take part, and `O`, a bystander."""

    def __init__(self, protocol: Protocol, rule: Rule) -> None:
        self.rule, self.layout, self.pages, cast = rule, protocol.layout, protocol.pages, protocol.cast
        self.where: dict[Key, str] = {f.key: f"S[{i}]" for i, f in enumerate(self.layout.shared)}
        for sort in cast.sorts:
            for i, f in enumerate(self.layout.local[sort]):
                self.where[f.name, cast.other(sort)] = f"O[{i}]"
        for number, sort, who in roles(protocol, rule):
            for i, f in enumerate(self.layout.local[sort]):
                self.where[f.name, who] = f"R{number}[{i}]"

    def text(self, expr: Expr) -> str:
        """The value as an int."""
        text = str(fold(expr, python_source(self.pages), self._leaf))
        return f"int({text})" if expr.sort == TRUTH and not READ.fullmatch(text) else text

    def _leaf(self, e: Expr) -> str | None:
        if e.op == "field":
            return self.where[e.args]
        if e.op == "located":
            place, codes = self.where[e.args[:2]], sorted(e.args[2])
            return f"({place} == {codes[0]})" if len(codes) == 1 else f"({place} in {tuple(codes)})"
        if e.op == "place":
            return str(e.args[0])
        return f"p_{e.args[0]}" if e.op == "param" else None

    def after(self, who: str, sort: str | None, number: int | None) -> str:
        """The tuple of someone after the rule; `who` itself where nothing changes."""
        fields = self.layout.shared if sort is None else self.layout.local[sort]
        keys = [f.key if sort is None else (f.name, number) for f in fields]
        if not any(k in self.rule.updates for k in keys):
            return who
        values = [
            self.text(self.rule.updates[k]) if k in self.rule.updates else f"{who}[{i}]" for i, k in enumerate(keys)
        ]
        return f"({', '.join(values)},)"


def roles(protocol: Protocol, rule: Rule) -> list[tuple[int, str, int]]:
    """(place in the roles, sort, element number) of each that takes part."""
    return [(i, s, protocol.cast.role(s, rule.roles[:i].count(s))) for i, s in enumerate(rule.roles)]


def compiled(protocol: Protocol, rule: Rule) -> Compiled:
    """The rule as functions."""
    writer = Writer(protocol, rule)
    others = {s: writer.after("O", s, protocol.cast.other(s)) for s in protocol.cast.sorts}
    asked = {s: writer.text(e) for s, e in rule.others.items() if e is not TRUE}
    hearing = {s: f"{text} if {asked[s]} else None" if s in asked else text for s, text in others.items()}
    hearing = {s: text for s, text in hearing.items() if text != "O"}
    read = sorted({m[0] for text in hearing.values() for m in READ.finditer(text)})
    unpacked = [f"    {' '.join(f'R{i},' for i in range(len(rule.roles)))} = R"] if rule.roles else []
    early = [writer.text(g) for g in rule.guards if not _chosen(g)]
    if rule.source is not None:
        early.insert(0, f"({writer.where[rule.source[0]]} == {rule.source[1]})")
    own = [text for text in early if not any(m[0].startswith("S") for m in READ.finditer(text))]
    may = ["def may(R):", *unpacked, f"    return bool({' and '.join(own) or 'True'})"]
    moves, indent = ["def moves(S, R):", *unpacked], "    "
    moves += [f"{indent}if not {text}: return" for text in early]
    for name, choices in zip(rule.pages, rule.choices, strict=True):
        moves.append(f"{indent}for p_{name} in {choices}:")
        indent += "    "
    late = [writer.text(g) for g in rule.guards if _chosen(g)]
    moves.append(f"{indent}if {' and '.join(late) or 'True'}:")
    shared = writer.after("S", None, None)
    moved = _tuple(writer.after(f"R{i}", s, who) for i, s, who in roles(protocol, rule))
    moves.append(f"{indent}    yield {shared}, {moved}, {_tuple(read)}, {_tuple(f'p_{p}' for p in rule.pages)}")
    known = {r: f"K[{i}]" for i, r in enumerate(read)}
    texts = {s: f"lambda O, K: {READ.sub(lambda m: known[m[0]], text)}" for s, text in hearing.items()}
    hear = {s: expression(text) for s, text in texts.items()}
    heard = tuple(f"{s}: {t}" for s, t in texts.items())
    return Compiled(rule, function(moves, "moves"), function(may, "may"), hear, heard)


def _chosen(expr: Expr) -> bool:
    return any(e.op == "param" and e.sort == PAGES for e in walk(expr))


def _tuple(items: Any) -> str:
    return f"({' '.join(f'{i},' for i in items)})"
