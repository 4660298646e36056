"""A program at given sizes: its fields, its moves, and what each move does to a state.

Here every index is a number: a step of the program is one step per thread and index parameter (`ground_step`), without
quantifiers and without terms such as `me` (`grounding`), so that each finite reading is a fold with one table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import product
from math import prod
from typing import Any

from model.errors import TooWide, UsageError
from model.expr import (
    FALSE,
    NONE,
    PAGES,
    PLACE,
    TRUE,
    TRUTH,
    Expr,
    Index,
    indices,
    node,
    operators,
    rewrite,
    show,
    walk,
)
from model.expr.algebra import fold, integers
from model.instance.codegen import Successors, compiled, predicate
from model.instance.ground_expr import Env, grounded, these
from model.instance.ground_step import GroundStep, ground_steps
from model.instance.locations import Places, at
from model.instance.sizes import check_constants, fixed_sizes, scope_sizes, sizes_of
from model.instance.state import Field, Position, State
from model.program.program import Invariant, Program
from model.program.step import Param
from model.program.store_buffer import SIZE


@dataclass(frozen=True)
class Move:
    """A ground step with its sets of pages chosen: what a trace is made of."""

    number: int
    ground: GroundStep
    arguments: Mapping[str, int]

    @property
    def key(self) -> tuple[object, ...]:
        """The step, the thread and what was chosen: the same on another instance of the design, whatever its number."""
        ground = self.ground
        chosen = (tuple(sorted(d.items())) for d in (ground.indices, self.arguments))
        return (ground.step.label, ground.sort, ground.thread, *chosen)


WIDEST = 20  # pages up to which all sets of pages are gone through


class Instance:
    """`program` with so many pages and so many elements of each index sort.

    Args:
        pages: pages in the slot, at least 1.
        sizes: elements of each index sort that the program uses, such as {"Client": 2}; others get their default
            (the sort's own size, else 2).

        open_holes: a hole is let be; otherwise a program that has one is refused, as it is not one design but many.

    Raises:
        UsageError: a size is below 1, or of a sort that the program does not use, or the program has a hole.
    """

    def __init__(
        self, program: Program, pages: int, sizes: Mapping[str, int] | None = None, *, open_holes: bool = False
    ) -> None:
        self.program, self.pages = program, pages
        if pages < 1:
            raise UsageError(f"an instance has at least 1 page, not {pages}.")
        self.sizes = sizes_of(program, sizes or {})
        if not open_holes:
            self._refuse_holes()
        self.full = (1 << pages) - 1
        self.places = Places(program, self.sizes)

    @property
    def free_sizes(self) -> dict[str, int]:
        """The sizes that can be chosen, by sort: those of sorts that have no size of their own."""
        return {s: n for s, n in self.sizes.items() if self.program.sorts[s].size is None}

    @property
    def scope_sizes(self) -> dict[str, int]:
        """The sizes that a scope names, by sort: what can be chosen, and what is fixed but might have been another."""
        return scope_sizes(self.program, self.sizes)

    @property
    def fixed_sizes(self) -> dict[str, int]:
        """Those of them that belong to the design, whatever is asked."""
        return fixed_sizes(self.program, self.sizes)

    def _refuse_holes(self) -> None:
        for step in self.program.steps:
            for each in walk(*step.guards, *(u.value for u in step.updates)):
                if each.op == "hole":
                    raise UsageError(
                        f"{self.program.name} has a hole, {show(each)} in {step.label}, so it is not one design but "
                        f"many; `clearorder synthesize` finds what may stand there."
                    )

    @property
    def buffer_size(self) -> dict[str, int]:
        """{"Buffer": 2}, or nothing where no thread has a store buffer."""
        return {SIZE: self.program.buffer} if self.program.buffer else {}

    # -- the layout of a state

    @property
    def codes(self) -> Mapping[str, list[tuple[int, tuple[int, ...]]]]:
        """For each sort of thread: what its location field can hold, as (location, carried index parameters)."""
        return self.places.codes

    def held(self, sort: str, k: int, code: int) -> frozenset[tuple[str, int | None]]:
        """The locks that thread `k` of `sort` holds where its location has this code, by name and number."""
        return self.places.held(sort, k, code)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Shared parts first, then those per element, then registers, ghosts and locations."""
        found: list[Field] = []
        for variable in sorted(self.program.variables, key=lambda v: (v.role == "ghost", v.per is not None)):
            width = self.pages if variable.sort == PAGES else 1
            numbers = [None] if variable.per is None else list(range(self.sizes[variable.per.name]))
            for number in numbers:
                env = {Index("each", variable.per.name): number} if variable.per and number is not None else {}
                value = int(fold(self.ground(variable.initial, env), integers(self.pages), _no_leaf))
                per = variable.per.name if variable.per else None
                found.append(Field(variable.name, number, variable.sort, width, value, per, variable.role))
        for sort, codes in self.codes.items():
            if len(codes) > 1:
                width = (len(codes) - 1).bit_length()
                found += [Field(at(sort), k, PLACE, width, 0, sort, "location") for k in range(self.sizes.get(sort, 1))]
        return tuple(found)

    @cached_property
    def position(self) -> Position:
        """Where a field stands in a state."""
        return {f.key: i for i, f in enumerate(self.fields)}

    @property
    def initial(self) -> State:
        return tuple(f.initial for f in self.fields)

    @property
    def width(self) -> int:
        """Bits of one state."""
        return sum(f.width for f in self.fields)

    # -- grounding

    def ground(self, expr: Expr, env: Env) -> Expr:
        """`expr` with every index a number, quantifiers written out, and leaves `field`, `located` and `param`."""
        plain = grounded(expr, env, self.places, self.pages)
        if "stuck" not in operators(plain):
            return plain
        return rewrite(plain, lambda e: self.stuck if e.op == "stuck" else None)

    @cached_property
    def stuck(self) -> Expr:
        """Some thread is inside an operation, and no move is possible that does not begin a write."""
        writing, busy, possible = self.program.writing, FALSE, FALSE
        for sort, k in sorted(self.places.told_apart):
            busy = busy | ~node("located", (sort, k, frozenset({0})), TRUTH)
        for ground in self.steps:
            if not (ground.step.first and ground.step.operation in writing):
                possible = possible | self.enabled_somehow(ground)
        return busy & ~possible

    def enabled_somehow(self, ground: GroundStep) -> Expr:
        """The step can be taken with some choice of its sets of pages, as a ground truth value."""
        found = FALSE
        for values in product(*(self.choices(p) for p in ground.params)):
            chosen = {p.name: these(v) if v else NONE for p, v in zip(ground.params, values, strict=True)}
            leaf = partial(_argument, chosen)
            each = TRUE
            for guard in ground.guards:
                each = each & rewrite(guard, leaf)
            found = found | each
        return found

    @cached_property
    def steps(self) -> tuple[GroundStep, ...]:
        """Every step of every thread, in the order of the program."""
        return tuple(ground_steps(self.places, self.pages, self.position))

    def cases(self, invariant: Invariant) -> list[tuple[int | None, Expr]]:
        """The invariant for each element that it speaks of: (number, ground truth value).

        Raises:
            UsageError: it names an element that the instance does not have.
        """
        check_constants(invariant.name, indices(invariant.holds), self.sizes)
        if invariant.each is None:
            return [(None, self.ground(invariant.holds, {}))]
        size = self.sizes.get(invariant.each.sort, 0)
        return [(k, self.ground(invariant.holds, {invariant.each: k})) for k in range(size)]

    # -- moves

    def choices(self, param: Param) -> list[int]:
        """The sets of pages that a parameter can be, smallest number first.

        Raises:
            TooWide: there are more than anyone goes through.
        """
        if param.kind == "page":
            return [1 << i for i in range(self.pages)]
        if self.pages > WIDEST:
            raise TooWide(
                f"{self.program.name} at {self.pages} pages: `{param.name}` can be chosen in 2^{self.pages} ways, and "
                f"an engine that visits states tries one. Ask for fewer pages; `--engine inductive` is for any number."
            )
        return list(range(0 if param.kind == "any" else 1, self.full + 1))

    @cached_property
    def most_moves(self) -> int:
        """How many moves there are in all; no state has more."""
        return sum(prod(self.pages if p.kind == "page" else self.full + 1 for p in s.params) for s in self.steps)

    @cached_property
    def moves(self) -> tuple[Move, ...]:
        """Every move, in the fixed order of the program: steps, threads, parameters."""
        found: list[Move] = []
        for ground in self.steps:
            for values in product(*(self.choices(p) for p in ground.params)):
                names = [p.name for p in ground.params]
                found.append(Move(len(found), ground, dict(zip(names, values, strict=True))))
        return tuple(found)

    def value(self, expr: Expr, state: State, arguments: Mapping[str, int] | None = None) -> Any:
        """A ground expression in a state: the plain-integer interpreter that judges every trace."""

        def leaf(e: Expr) -> Any:
            if e.op == "field":
                value = state[self.position[e.args]]
                return bool(value) if e.sort == TRUTH else value
            if e.op == "located":
                return state[self.position[e.args[:2]]] in e.args[2]
            if e.op == "place":
                return e.args[0]
            return (arguments or {}).get(e.args[0]) if e.op == "param" else None

        return fold(expr, integers(self.pages), leaf)

    def enabled(self, move: Move, state: State) -> bool:
        return all(self.value(g, state, move.arguments) for g in move.ground.guards)

    def apply(self, move: Move, state: State) -> State:
        """The state after an enabled move."""
        after = list(state)
        for position, value in move.ground.updates:
            after[position] = int(self.value(value, state, move.arguments))
        return tuple(after)

    @cached_property
    def successors(self) -> Successors:
        """state -> (number of the move, next state) for every enabled move, compiled from the same steps."""
        return compiled(self.steps, self.choices, self.pages, self.position)

    def predicate(self, expr: Expr) -> Callable[[State], bool]:
        """A ground truth value as a function of a state, compiled."""
        return predicate(expr, self.pages, self.position)


def _argument(chosen: Mapping[str, Expr], expr: Expr) -> Expr | None:
    return chosen.get(expr.args[0]) if expr.op == "param" else None


def _no_leaf(expr: Expr) -> Any:
    raise UsageError(f"an initial value is a constant, not {show(expr)}.")
