"""Where a bit comes from: which move set it, and which bits it was copied from, along one run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from model.expr import PAGES, Expr, walk
from model.instance.instance import Move
from model.instance.trace import Trace
from model.verify.stake import Key, assigned, writes_page


@dataclass(frozen=True)
class Origin:
    """A bit of a field, the move that set it (0: it is set at the start), and the fields that it was copied from."""

    key: Key
    made: int
    sources: tuple[Key, ...] = ()


class Origins:
    """The origins of one page's bits after each move of a trace."""

    def __init__(self, trace: Trace, page: int) -> None:
        self.trace, self.instance, self.page, self.bit = trace, trace.instance, page, 1 << page

    def has(self, key: Key, at: int) -> bool:
        """The field holds the page after `at` moves."""
        return bool(self.trace.states[at][self.instance.position[key]] & self.bit)

    @cached_property
    def after(self) -> list[Mapping[Key, Origin]]:
        """After each move: the origin of every field that holds the page."""
        sets = [f.key for f in self.instance.fields if f.sort == PAGES]
        history: list[Mapping[Key, Origin]] = [{k: Origin(k, 0) for k in sets if self.has(k, 0)}]
        for at, move in enumerate(self.trace.moves, 1):
            known = dict(history[-1])
            for key in sets:
                value = assigned(self.instance, move, key)
                if value is None:
                    continue
                if not self.has(key, at):
                    known.pop(key, None)
                elif key not in known or not _looks_at(value, key):
                    known[key] = Origin(key, at, tuple(dict.fromkeys(self.support(value, at))))
            history.append(known)
        return history

    def support(self, value: Expr, at: int) -> Iterator[Key]:
        """The fields whose bit of the page made this one: what was copied, or what a parameter had to lie in."""
        move = self.trace.moves[at - 1]
        if value.sort != PAGES or not self._value(value, at):
            return
        if value.op == "field":
            yield value.args
        elif value.op == "param":
            yield from self._required(value.args[0], at)
        elif value.op in ("union", "meet"):
            for part in value.args:
                yield from self.support(part, at)
        elif value.op == "minus":
            yield from self.support(value.args[0], at)
        elif value.op == "choose":
            condition = self.instance.value(value.args[0], self.trace.states[at - 1], move.arguments)
            yield from self.support(value.args[1 if condition else 2], at)

    def chain(self, keys: Iterator[Key], at: int) -> list[Origin]:
        """What the bits of `keys` after `at` moves descend from, nearest first."""
        todo, found = [(key, at) for key in keys], list[Origin]()
        while todo:
            key, when = todo.pop(0)
            origin = self.after[when].get(key)
            if origin and origin not in found:
                found.append(origin)
                todo += [(source, origin.made - 1) for source in origin.sources]
        return found

    def is_report(self, origin: Origin) -> bool:
        """It was copied from a bit that a write had set, or that was set from the start."""
        before = self.after[origin.made - 1] if origin.made else {}
        made = [before[s].made for s in origin.sources if s in before]
        return any(m == 0 or writes_page(self.trace, m, self.page) for m in made)

    def masks(self, key: Key, at: int) -> Iterator[Expr]:
        """What move `at` took out of the field: the right sides of its differences that hold the page."""
        value = assigned(self.instance, self.trace.moves[at - 1], key)
        for part in walk(value) if value is not None else ():
            if part.op == "minus" and self._value(part.args[1], at):
                yield part.args[1]

    def _value(self, value: Expr, at: int) -> bool:
        move: Move = self.trace.moves[at - 1]
        return bool(self.instance.value(value, self.trace.states[at - 1], move.arguments) & self.bit)

    def _required(self, name: str, at: int) -> Iterator[Key]:
        """Guards of the form `name <= something` say what a parameter was chosen from."""
        for part in walk(*self.trace.moves[at - 1].ground.guards):
            if part.op == "subset" and part.args[0].op == "param" and part.args[0].args[0] == name:
                for leaf in walk(part.args[1]):
                    if leaf.op == "field" and leaf.sort == PAGES and self.has(leaf.args, at - 1):
                        yield leaf.args


def _looks_at(value: Expr, key: Key) -> bool:
    """`x := x | …` or `x := x - …`: a bit that was there before keeps its origin."""
    return any(e.op == "field" and e.args == key for e in walk(value))
