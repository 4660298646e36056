"""Word operations of an instance: every step as a generated function over columns of packed states.

A function looks at the guards as soon as what they mention is known and keeps the rows where they hold; only the rows
that are left are updated: changed fields are cleared with one mask and the new bits joined. Sets of pages are worked
on where they stand in the word, so that most of them are never shifted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from model.engines.store.packing import Columns, Packing, Words
from model.errors import CannotSay
from model.expr import PAGES, PLACE, TRUTH, Expr, children, operators, walk
from model.expr.algebra import Table, words
from model.expr.generated import function
from model.expr.names import word
from model.instance.ground_step import GroundStep

Emit = Callable[[Columns], None]
Expand = Callable[[Words, Emit], int]
Test = Callable[[Words], Any]
WORD = (1 << 64) - 1
NOTHING = ("0", "0ULL")


class Kernel:
    """What an instance's steps and conditions are on words.

    Args:
        packing: the layout of states.
        table: NumPy source for each operator; default `model.expr.algebra.words`.
        carry: columns behind the words of a state that every step hands on unchanged.
    """

    def __init__(self, packing: Packing, table: Table | None = None, carry: int = 0) -> None:
        self.packing, self.instance = packing, packing.instance
        self.table = table or words(packing.instance.pages)
        self.columns = range(packing.words + carry)

    def expands(self, steps: Sequence[GroundStep] | None = None) -> list[Expand]:
        """Functions that together make every move, or those of some steps only.

        Steps that begin where a thread is at one location share a function.

        Each takes a block and calls `emit` with the successors by one move after the other, as columns; it returns
        how many successors there are, those that change nothing included.
        """
        return [self._expand(here, group) for here, group in grouped(steps or self.instance.steps)]

    def expands_alone(self, alone: Sequence[Expr]) -> list[Expand]:
        """The same, but of a state where one of these locations is taken only the moves that begin at the first."""
        if not alone:
            return self.expands()
        groups = dict(grouped(self.instance.steps))
        first = [(self.test(here), self._expand(here, groups[here])) for here in alone]
        rest = self.expands()

        def expand(block: Words, emit: Emit) -> int:
            moves = 0
            for here, group in first:
                at = here(block)
                moves += group(block.take(np.flatnonzero(at), axis=1), emit)
                block = block.take(np.flatnonzero(~at), axis=1)
            return moves + sum(group(block, emit) for group in rest) if block.shape[1] else moves

        return [expand]

    def _expand(self, located: Expr | None, steps: Sequence[GroundStep]) -> Expand:
        here = None if located is None else self.test(located)
        functions = [self._step(step, step.guards[located is not None :]) for step in steps]

        def expand(block: Words, emit: Emit) -> int:
            if here is not None:
                block = block.take(np.flatnonzero(here(block)), axis=1)
            return sum(function(emit, *block) for function in functions) if block.shape[1] else 0

        return expand

    def _step(self, step: GroundStep, guards: Iterable[Expr]) -> Callable[..., int]:
        return StepWriter(self, step, guards).function()

    def test(self, condition: Expr) -> Test:
        """A function from a block to a column of bool (or one bool): where `condition` holds."""
        writer = Writer(self)
        writer.over("x", [condition])
        writer.line(f"return {writer.value(condition)}")
        function = writer.compiled(f"test({', '.join(f'x{i}' for i in self.columns)})")
        return lambda block: function(*block)


def grouped(steps: Sequence[GroundStep]) -> list[tuple[Expr | None, list[GroundStep]]]:
    """Steps that begin where a thread is at one location, with that guard; with None those that begin anywhere."""
    groups: dict[int, list[GroundStep]] = {}
    for step in steps:
        groups.setdefault(id(step.guards[0]) if _located(step) else 0, []).append(step)
    return [(group[0].guards[0] if key else None, group) for key, group in groups.items()]


def _located(step: GroundStep) -> bool:
    return bool(step.guards) and step.guards[0].op == "located"


class Writer:
    """Source text of expressions over rows; what is used twice over the same rows is written once."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel, self.packing = kernel, kernel.packing
        self.lines: list[str] = []
        self.indent, self.fresh = 1, 0

    def line(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    def over(self, rows: str, roots: Sequence[Expr]) -> None:
        """From here on, write `roots` over the rows of this name."""
        self.rows = rows
        self.uses = Counter(id(c) for e in walk(*roots) for c in children(e)) + Counter(id(r) for r in roots)
        self.texts: dict[tuple[int, int], str] = {}

    def value(self, expr: Expr, shift: int = 0) -> str:
        """The text of `expr`; a set of pages has its bits at `shift`."""
        key = id(expr), shift
        if key not in self.texts:
            text = LEAVES[expr.op](self, expr, shift) if expr.op in LEAVES else self.operator(expr, shift)
            if self.uses[id(expr)] > 1 and columns(expr) and expr.args and expr.op not in LEAVES:
                text = self.named(text)
            self.texts[key] = text
        return self.texts[key]

    def named(self, text: str) -> str:
        """The name of a value that is computed here, once."""
        self.fresh += 1
        self.line(f"t{self.fresh} = {text}")
        return f"t{self.fresh}"

    def number(self, value: int) -> str:
        return str(value)

    def truth(self, expr: Expr) -> str:
        """A truth value as a number that can be shifted."""
        text = self.value(expr)
        return f"asarray({text}, dtype=uint64)" if columns(expr) else f"int({text})"

    def operator(self, expr: Expr, shift: int) -> str:
        if expr.op not in self.kernel.table:
            raise CannotSay(f"the engine lanes has no exact meaning for '{expr.op}' ({expr!r})")
        row, full = self.kernel.table[expr.op], self.kernel.instance.full
        if all(isinstance(a, Expr) for a in expr.args):
            inside = self.alignment(expr) if expr.op in ("subset", "equal") else shift
            aligned: str = row(*(self.value(a, inside) for a in expr.args))
            return aligned.replace("FULL", self.number(full << inside))
        # relates different pages: from bit 0, where they are numbers
        text: str = row(*(self.value(a) if isinstance(a, Expr) else a for a in expr.args))
        text = text.replace("FULL", self.number(full))
        return f"({text} << {shift})" if shift else text

    def alignment(self, expr: Expr) -> int:
        """Where to compare two sets: where the first field among them stands."""
        fields = (e for e in walk(expr) if e.op == "field" and e.sort == PAGES)
        return next((self.packing.place(e.args).shift for e in fields), 0)

    def placed(self, expr: Expr, shift: int) -> str:
        """A set of pages with its bits at `shift`; what other values share is written where it always is."""
        shares = any(self.uses[id(e)] > 1 and e.op not in LEAVES for e in walk(expr))
        return f"({self.value(expr)} << {shift})" if shift and shares else self.value(expr, shift)

    def after(self, step: GroundStep, rows: str) -> list[str]:
        """The words of the next state: changed fields cleared with one mask, and the new bits joined."""
        clear = dict.fromkeys(self.kernel.columns, 0)
        bits: dict[int, list[str]] = {column: [] for column in self.kernel.columns}
        for position, value in step.updates:
            place = self.packing.places[position]
            clear[place.word] |= place.mask
            bits[place.word].append(self.stored(value, place.shift))
        words = []
        for column, mask in clear.items():
            old = f"({rows}{column} & {self.number(~mask & WORD)})" if mask else f"{rows}{column}"
            words.append(" | ".join([old, *(b for b in bits[column] if b not in NOTHING)]))
        return words

    def stored(self, value: Expr, shift: int) -> str:
        """What to join so that the cleared field becomes `value`."""
        if value.sort == TRUTH:
            return f"({self.truth(value)} << {shift})"
        if value.sort not in (PAGES, PLACE):
            raise CannotSay(f"the engine lanes cannot store a {value.sort}")
        return self.placed(value, shift)

    def compiled(self, head: str) -> Any:
        scope = {"pick": pick, "flatnonzero": np.flatnonzero, "asarray": np.asarray, "uint64": np.uint64}
        return function([f"def {head}:", *self.lines], head.partition("(")[0], scope)

    # -- leaves

    def field(self, expr: Expr, shift: int) -> str:
        place = self.packing.place(expr.args)
        word, by = f"{self.rows}{place.word}", place.shift - shift
        if expr.sort == TRUTH:
            return f"(({word} & {self.number(place.mask)}) != 0)"
        moved = f"({word} >> {by})" if by > 0 else f"({word} << {-by})" if by < 0 else word
        return f"({moved} & {self.number(((1 << place.width) - 1) << shift)})"

    def located(self, expr: Expr, shift: int) -> str:
        place = self.packing.place(expr.args[:2])
        here = f"({self.rows}{place.word} & {self.number(place.mask)})"
        codes = (self.number(code << place.shift) for code in sorted(expr.args[2]))
        return f"({' | '.join(f'({here} == {code})' for code in codes)})"

    def param(self, expr: Expr, shift: int) -> str:
        name = word("p", expr.args[0])
        return f"({name} << {shift})" if shift else name


LEAVES: dict[str, Callable[[Writer, Expr, int], str]] = {
    "field": Writer.field,
    "located": Writer.located,
    "param": Writer.param,
    "place": lambda writer, e, shift: writer.number(e.args[0] << shift),
    "these": lambda writer, e, shift: writer.number(e.args[0] << shift),
}


class StepWriter(Writer):
    """One step as a function `step(emit, *columns)`: guards, a loop for each parameter, then the update."""

    def __init__(self, kernel: Kernel, step: GroundStep, guards: Iterable[Expr]) -> None:
        super().__init__(kernel)
        self.step, self.guards = step, list(guards)

    def function(self) -> Callable[..., int]:
        self.line("count = 0")
        rows = self.keep("x", "y", set(), "return count")
        chosen: set[str] = set()
        for level, param in enumerate(self.step.params):
            self.line(f"for {word('p', param.name)} in {tuple(self.kernel.instance.choices(param))}:")
            self.indent += 1
            chosen.add(param.name)
            rows = self.keep(rows, f"z{level}_", chosen, "continue")
        self.update(rows)
        self.indent = 1
        self.line("return count")
        return self.compiled(f"step(emit, {', '.join(f'x{i}' for i in self.kernel.columns)})")  # type: ignore[no-any-return]

    def keep(self, rows: str, kept: str, chosen: set[str], otherwise: str) -> str:
        """Cut the rows to those where the guards hold whose parameters are chosen; where none is left, `otherwise`."""
        ready = [g for g in self.guards if parameters(g) <= chosen]
        self.guards = [g for g in self.guards if not parameters(g) <= chosen]
        self.over(rows, ready)
        for guard in ready:
            if not columns(guard):
                self.line(f"if not {self.value(guard)}: {otherwise}")
        tests = [self.value(g) for g in ready if columns(g)]
        if not tests:
            return rows
        self.line(f"k = flatnonzero({' & '.join(tests)})")
        self.line(f"if not k.size: {otherwise}")
        for column in self.kernel.columns:
            self.line(f"{kept}{column} = {rows}{column}.take(k)")
        return kept

    def update(self, rows: str) -> None:
        self.over(rows, [value for _, value in self.step.updates])
        after = self.after(self.step, rows)
        self.line(f"count += {rows}0.size")
        self.line(f"emit(({', '.join(after)},))")


def columns(expr: Expr) -> bool:
    """Whether the value depends on the state."""
    return not operators(expr).isdisjoint(("field", "located"))


def parameters(expr: Expr) -> set[str]:
    return {e.args[0] for e in walk(expr) if e.op == "param"}


def pick(condition: Any, then: Any, otherwise: Any) -> Any:
    """`choose` on columns: ints stay unsigned words."""
    return np.where(condition, _column(then), _column(otherwise))


def _column(value: Any) -> Any:
    return np.uint64(value) if type(value) is int else value
