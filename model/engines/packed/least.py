"""The least state of an orbit: text that sorts pages and exchanges elements of packed states, and its function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from model.engines.packed.symmetry import Exchange, Symmetry
from model.engines.store.packing import Columns, Packing
from model.expr import PAGES

Canonical = Callable[[Columns], Columns]


def canonical(found: Symmetry, packing: Packing) -> Canonical:
    """A function from columns of packed states to the least state of each one's orbit.

    The least over all orders of the elements of what sorting the pages gives: exact, one representative an orbit.
    """
    writer = Orders(found, packing)
    best = [f"m{w}" for w in writer.words]
    writer.sorted_pages()
    writer.line(f"{', '.join(best)}, = {', '.join(writer.words)},")
    for _ in writer.exchanges():
        writer.least(best, writer.words)
    function: Callable[..., Columns] = writer.compiled(f"({', '.join(best)},)")
    return lambda columns: function(*columns)


class Orders:
    """Source text that puts the columns `w0`, `w1`, … of packed states into another order."""

    def __init__(self, found: Symmetry, packing: Packing) -> None:
        self.found, self.packing, self.instance = found, packing, packing.instance
        self.words = [f"w{i}" for i in range(packing.words)]
        self.lines: list[str] = []
        self.masks: dict[int, int] = {}  # of each word the first page's bits
        for field, place in ((f, packing.place(f.key)) for f in self.instance.fields):
            if field.sort == PAGES and found.pages:
                self.masks[place.word] = self.masks.get(place.word, 0) | 1 << place.shift

    def line(self, text: str) -> None:
        self.lines.append(f"    {text}")

    def sorted_pages(self) -> None:
        """Sort the pages by their bits in all sets."""
        pages = range(self.instance.pages)
        for word, mask in self.masks.items():
            for p in pages:
                self.line(f"c{word}_{p} = {f'(w{word} >> {p})' if p else f'w{word}'} & {mask}")
            self.line(f"w{word} = w{word} & {((1 << 64) - 1) & ~(mask * self.instance.full)}")
        if self.masks:
            for p, q in network(self.instance.pages):
                self._in_order([f"c{w}_{p}" for w in self.masks], [f"c{w}_{q}" for w in self.masks])
        for word in self.masks:
            for p in pages:
                self.line(f"w{word} |= {f'c{word}_{p} << {p}' if p else f'c{word}_{p}'}")

    def _in_order(self, low: Sequence[str], high: Sequence[str]) -> None:
        one = "{a}, {b} = minimum({a}, {b}), maximum({a}, {b})"
        self._compared(low, high, one, "{a}, {b} = where(k, {b}, {a}), where(k, {a}, {b})")

    def _compared(self, left: Sequence[str], right: Sequence[str], one: str, several: str) -> None:
        """Lines for two values of one column, or for each column of two values, where `k` says which are greater."""
        if len(left) == 1:
            self.line(one.format(a=left[0], b=right[0]))
            return
        self.line(f"k = {_greater(left, right)}")
        for a, b in zip(left, right, strict=True):
            self.line(several.format(a=a, b=b))

    def exchanged(self, exchange: Exchange) -> None:
        """Exchange all fields of two elements of a sort."""
        sort, one, other = exchange
        moves: dict[tuple[int, int, int], int] = {}  # (word, word, distance): bits in the first
        for field in self.instance.fields:
            if field.per == sort and field.number == one:
                here, there = self.packing.place(field.key), self.packing.place((field.name, other))
                if (there.word, there.shift) < (here.word, here.shift):
                    here, there = there, here
                key = here.word, there.word, there.shift - here.shift
                moves[key] = moves.get(key, 0) | here.mask
        for (a, b, by), mask in moves.items():
            forth, back = ((">>", "<<") if by >= 0 else ("<<", ">>")) if by else ("", "")
            far = f"(w{b} {forth} {abs(by)})" if by else f"w{b}"
            self.line(f"x = ({far} ^ w{a}) & {mask}")
            self.line(f"w{a} = w{a} ^ x")
            self.line(f"w{b} = w{b} ^ {f'(x {back} {abs(by)})' if by else 'x'}")

    def exchanges(self) -> Iterator[None]:
        """Every other order of the elements, one exchange after another; the pages are sorted in each."""
        for exchange in self.found.exchanges():
            self.exchanged(exchange)
            self.sorted_pages()
            yield

    def compiled(self, result: str) -> Callable[..., Any]:
        """A function of the words of a state, columns of them, which does what the lines say and returns `result`."""
        text = "\n".join([f"def written({', '.join(self.words)}):", *self.lines, f"    return {result}"])
        scope: dict[str, Any] = {"minimum": np.minimum, "maximum": np.maximum, "where": np.where, "uint64": np.uint64}
        exec(text, scope)  # noqa: S102 - our own text
        return scope["written"]  # type: ignore[no-any-return]

    def least(self, best: Sequence[str], now: Sequence[str]) -> None:
        self._compared(best, now, "{a} = minimum({a}, {b})", "{a} = where(k, {b}, {a})")


def _greater(left: Sequence[str], right: Sequence[str]) -> str:
    """Which states of `left` come after those of `right`, the last word first."""
    text = f"({left[0]} > {right[0]})"
    for a, b in zip(left[1:], right[1:], strict=True):
        text = f"(({a} > {b}) | (({a} == {b}) & {text}))"
    return text


def network(count: int) -> list[tuple[int, int]]:
    """Comparisons that sort `count` things: the least network up to 4, else every pair of neighbours often enough."""
    few = {2: [(0, 1)], 3: [(0, 1), (1, 2), (0, 1)], 4: [(0, 1), (2, 3), (0, 2), (1, 3), (1, 2)]}
    if count in few:
        return few[count]
    return [(i, i + 1) for rounds in range(count) for i in range(rounds % 2, count - 1, 2)]
