"""A program at given sizes: its fields, its moves, and what each move does to a state.

Here every index is a number: `ground` turns a step of the program into one step per thread and index parameter,
without quantifiers and without terms such as `me`, so that each finite reading is a fold with one table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

from model.algebra import fold, integers, python_source
from model.errors import UsageError
from model.expr import (
    ALL,
    FALSE,
    NONE,
    PAGES,
    PLACE,
    TRUE,
    TRUTH,
    Expr,
    Index,
    indices,
    lift,
    make,
    node,
    rewrite,
    show,
    walk,
)
from model.program import Invariant, Program
from model.step import Held, Param, Step

QUANTIFIERS = {  # what joins the cases, and what there is without any
    ("for_all", PAGES): ("meet", ALL),
    ("for_all", TRUTH): ("both", TRUE),
    ("exists", PAGES): ("union", NONE),
    ("exists", TRUTH): ("either", FALSE),
}

State = tuple[int, ...]
Env = Mapping[Index, int]


@dataclass(frozen=True)
class Field:
    """One field of a state: a bitmap of `pages` bits, a truth value, or the location of a thread.

    Attributes:
        number: the element that it belongs to, or None where it is shared.
        width: bits that it takes.
        initial: its value before the first move, or the sort-wide default.
    """

    name: str
    number: int | None
    sort: str
    width: int
    initial: int
    per: str | None
    role: str

    @property
    def key(self) -> tuple[str, int | None]:
        return self.name, self.number


@dataclass(frozen=True)
class GroundStep:
    """A step of one thread, with every index a number.

    Attributes:
        params: the sets of pages that are still to be chosen.
        guards: all of them must hold; they include the thread's location and the locks.
        updates: (position of the field, new value over the state before the step).
        indices: the index and truth parameters that were chosen, by name.
    """

    step: Step
    sort: str
    thread: int
    params: tuple[Param, ...]
    guards: tuple[Expr, ...]
    updates: tuple[tuple[int, Expr], ...]
    indices: Mapping[str, int]


@dataclass(frozen=True)
class Move:
    """A ground step with its sets of pages chosen: what a trace is made of."""

    number: int
    ground: GroundStep
    arguments: Mapping[str, int]


class Instance:
    """`program` with so many pages and so many elements of each index sort.

    Args:
        pages: pages in the slot, at least 1.
        sizes: elements of each index sort that the program uses, such as {"Client": 2}; others get their default
            (the sort's own size, else 2).

    Raises:
        UsageError: a size is missing, below 1, or of a sort that the program does not use.
    """

    def __init__(self, program: Program, pages: int, sizes: Mapping[str, int] | None = None) -> None:
        self.program, self.pages = program, pages
        if pages < 1:
            raise UsageError(f"an instance has at least 1 page, not {pages}.")
        used = used_sorts(program)
        given = dict(sizes or {})
        for sort, size in given.items():
            if sort not in used:
                raise UsageError(f"{program.name} has no {sort}; it has {', '.join(sorted(used)) or 'none'}.")
            if size < 1:
                raise UsageError(f"an instance has at least 1 {sort.lower()}, not {size}.")
        self.sizes = {s: program.sorts[s].size or given.get(s, 2) for s in sorted(used)}
        self._check_constants(program.name, _every_index(program))
        self.refuse_holes()
        self.full = (1 << pages) - 1

    def refuse_holes(self) -> None:
        """Only the synthesiser looks at a program that has a hole, and it does not search it.

        Raises:
            UsageError: the program has a hole.
        """
        for step in self.program.steps:
            for each in walk(*step.guards, *(u.value for u in step.updates)):
                if each.op == "hole":
                    raise UsageError(
                        f"{self.program.name} has a hole, {show(each)} in {step.label}, so it is not one design but "
                        f"many; `python -m model.synthesize` finds what may stand there."
                    )

    def _check_constants(self, name: str, named: Iterable[Index]) -> None:
        for index in named:
            if index.kind == "const" and index.number >= self.sizes.get(index.sort, 1):
                sort = index.sort.lower()
                raise UsageError(
                    f"{name} names {index}, {sort} number {index.number}, and needs at least "
                    f"{index.number + 1} of them: --{sort}s {index.number + 1}."
                )

    # -- the layout of a state

    @cached_property
    def codes(self) -> Mapping[str, list[tuple[int, tuple[int, ...]]]]:
        """For each sort of thread: what its location field can hold, as (location, carried index parameters)."""
        found: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
        for sort, locations in self.program.threads.items():
            found[sort] = []
            for number, location in enumerate(locations):
                ranges = [range(self.sizes[self._carried_sort(location.operation, n)]) for n in location.carried]
                found[sort] += [(number, values) for values in product(*ranges)]
        return found

    def _carried_sort(self, operation: str, name: str) -> str:
        first = next(s for s in self.program.steps if s.operation == operation and s.first)
        return next(p.sort for p in first.params if p.name == name)

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
    def position(self) -> Mapping[tuple[str, int | None], int]:
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

        def number(index: Index | None) -> int | None:
            if index is None:
                return None
            return index.number if index.kind == "const" else env[index]

        def leaf(e: Expr) -> Expr | None:
            match e.op:
                case "var":
                    return node("field", (e.args[0], number(e.args[1])), e.sort)
                case "is":
                    return TRUE if number(e.args[0]) == number(e.args[1]) else FALSE
                case "at":
                    return self.located(e.args[0].sort, number(e.args[0]) or 0, e.args[1])
                case "free":
                    return self.free(Held(e.args[0], e.args[1]), number(e.args[1]))
                case "param" if Index("param", "", e.args[0]) in env:
                    return lift(bool(env[Index("param", "", e.args[0])]))
            return None

        return self._spelled(rewrite(self._unquantified(expr, env), leaf))

    def _spelled(self, expr: Expr) -> Expr:
        """`whole` and `shifted` written out page by page, so that no reader needs to know them."""
        if not any(e.op in ("spread", "shift") for e in walk(expr)):
            return expr
        memo: dict[int, Expr] = {}
        for each in walk(expr):
            args: list[Any] = [memo[id(a)] if isinstance(a, Expr) else a for a in each.args]
            if each.op in ("spread", "shift"):
                memo[id(each)] = self._page_by_page(each.op, *args)
            else:
                leaf = not any(isinstance(a, Expr) for a in each.args)
                memo[id(each)] = each if leaf else make(each.op, *args)
        return memo[id(expr)]

    def _page_by_page(self, op: str, pages: Expr, number: int) -> Expr:
        """The union of what each group, or each page, of `pages` contributes."""
        size = number if op == "spread" else 1
        result: Expr = NONE
        for first in range(0, self.pages, size):
            group = ((1 << size) - 1) << first & self.full
            gives = group if op == "spread" else (group << number if number >= 0 else group >> -number) & self.full
            if gives:
                meets = make("negate", make("subset", make("meet", pages, these(group)), NONE))
                result = make("union", result, make("choose", meets, these(gives), NONE))
        return result

    def _unquantified(self, expr: Expr, env: Env) -> Expr:
        """Write out `for_all` and `exists`, outermost first."""
        if not any(e.op in ("for_all", "exists") for e in walk(expr)):
            return expr

        def spell(e: Expr) -> Expr:
            if e.op not in ("for_all", "exists"):
                args = tuple(spell(a) if isinstance(a, Expr) else a for a in e.args)
                return make(e.op, *args) if e.args and e.op not in ("var", "param", "at", "is", "free") else e
            bound, inside = e.args
            operator, joined = QUANTIFIERS[e.op, e.sort]
            for k in range(self.sizes.get(bound.sort, 0)):
                joined = make(operator, joined, self.ground(inside, {**env, bound: k}))
            return joined

        return spell(expr)

    def located(self, sort: str, number: int, locations: frozenset[int]) -> Expr:
        """Thread `number` of `sort` is at one of these locations of the program."""
        codes = frozenset(i for i, (location, _) in enumerate(self.codes.get(sort, [(0, ())])) if location in locations)
        if (at(sort), number) not in self.position_of_locations:
            return TRUE if 0 in locations else FALSE
        return node("located", (at(sort), number, codes), TRUTH)

    @cached_property
    def position_of_locations(self) -> frozenset[tuple[str, int]]:
        return frozenset(
            (at(sort), k)
            for sort, codes in self.codes.items()
            if len(codes) > 1
            for k in range(self.sizes.get(sort, 1))
        )

    def free(self, held: Held, number: int | None, but: tuple[str, int] | None = None) -> Expr:
        """No thread (other than `but`) is where it holds that lock."""
        result: Expr = TRUE
        for sort, codes in self.codes.items():
            for k in range(self.sizes.get(sort, 1)):
                if (sort, k) == but:
                    continue
                holding = frozenset(
                    code
                    for code, (location, carried) in enumerate(codes)
                    for other in self.program.threads[sort][location].held
                    if other.lock == held.lock and self._number_at(other.index, sort, location, k, carried) == number
                )
                if holding:
                    result = make("both", result, make("negate", node("located", (at(sort), k, holding), TRUTH)))
        return result

    def held(self, sort: str, k: int, code: int) -> frozenset[tuple[str, int | None]]:
        """The locks that thread `k` of `sort` holds where its location has this code, by name and number."""
        location, carried = self.codes[sort][code]
        found = self.program.threads[sort][location].held
        return frozenset((h.lock, self._number_at(h.index, sort, location, k, carried)) for h in found)

    def _number_at(self, index: Index | None, sort: str, location: int, k: int, carried: tuple[int, ...]) -> int | None:
        if index is None:
            return None
        if index.kind == "me":
            return k
        if index.kind == "const":
            return index.number
        return carried[self.program.threads[sort][location].carried.index(index.name)]

    @cached_property
    def steps(self) -> tuple[GroundStep, ...]:
        """Every step of every thread, in the order of the program."""
        return tuple(
            self._ground_step(step, k, dict(zip([p.name for p in free], values, strict=True)))
            for step in self.program.steps
            for k in range(self.sizes.get(step.by, 1))
            for free in [self._small_params(step)]
            for values in product(*(range(2 if p.kind == "truth" else self.sizes[p.sort]) for p in free))
        )

    def _small_params(self, step: Step) -> list[Param]:
        """Parameters that are written out: index and truth parameters, chosen now or carried from before."""
        first = next(s for s in self.program.steps if s.operation == step.operation and s.first)
        small = [p for p in first.params if p.kind in ("index", "truth")]
        if step.first:
            return small
        return [p for p in small if p.name in self.program.threads[step.by][step.source].carried]

    def _ground_step(self, step: Step, k: int, chosen: Mapping[str, int]) -> GroundStep:
        env: dict[Index, int] = {Index("me", step.by): k}
        for name, value in chosen.items():
            kind = next(
                p for s in self.program.steps if s.operation == step.operation for p in s.params if p.name == name
            )
            env[Index("param", kind.sort, name)] = value
        guards = []
        has_location = (at(step.by), k) in self.position_of_locations
        if has_location:
            guards.append(node("located", (at(step.by), k, frozenset({self._code(step, step.source, chosen)})), TRUTH))
        for held in step.takes:
            index = held.index
            number = None if index is None else index.number if index.kind == "const" else env[index]
            guards.append(self.free(held, number, but=(step.by, k)))
        guards += [self.ground(g, env) for g in step.guards]
        updates = self._ground_updates(step, env)
        if has_location and step.source != step.target:
            target = node("place", (self._code(step, step.target, chosen),), PLACE)
            updates[self.position[at(step.by), k]] = target
        params = tuple(p for p in step.params if p.kind in ("page", "some", "any"))
        kept = tuple(g for g in guards if g is not TRUE)
        return GroundStep(
            step, step.by, k, params, kept, tuple(sorted(updates.items(), key=lambda u: u[0])), dict(chosen)
        )

    def _code(self, step: Step, location: int, chosen: Mapping[str, int]) -> int:
        carried = self.program.threads[step.by][location].carried
        return self.codes[step.by].index((location, tuple(chosen[n] for n in carried)))

    def _ground_updates(self, step: Step, env: Mapping[Index, int]) -> dict[int, Expr]:
        updates: dict[int, Expr] = {}
        for update in step.updates:
            index = update.index
            if index is None:
                targets: list[tuple[int | None, Env]] = [(None, env)]
            elif index.kind == "each":
                targets = [(j, {**env, index: j}) for j in range(self.sizes[index.sort])]
            else:
                targets = [(index.number if index.kind == "const" else env[index], env)]
            for number, inside in targets:
                updates[self.position[update.variable, number]] = self.ground(update.value, inside)
        own = {i: node("field", self.fields[i].key, self.fields[i].sort) for i in updates}
        return {i: value for i, value in updates.items() if value is not own[i]}

    def cases(self, invariant: Invariant) -> list[tuple[int | None, Expr]]:
        """The invariant for each element that it speaks of: (number, ground truth value).

        Raises:
            UsageError: it names an element that the instance does not have.
        """
        self._check_constants(invariant.name, indices(invariant.holds))
        if invariant.each is None:
            return [(None, self.ground(invariant.holds, {}))]
        size = self.sizes.get(invariant.each.sort, 0)
        return [(k, self.ground(invariant.holds, {invariant.each: k})) for k in range(size)]

    # -- moves

    def choices(self, param: Param) -> list[int]:
        """The sets of pages that a parameter can be, smallest number first."""
        if param.kind == "page":
            return [1 << i for i in range(self.pages)]
        return list(range(0 if param.kind == "any" else 1, self.full + 1))

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
    def successors(self) -> Callable[[State], Iterator[tuple[int, State]]]:
        """state -> (number of the move, next state) for every enabled move, compiled from the same steps."""
        return _compiled(self)

    def predicate(self, expr: Expr) -> Callable[[State], bool]:
        """A ground truth value as a function of a state, compiled."""
        text = fold(expr, python_source(self.pages), self._source_leaf)
        return eval(f"lambda s: {text}", {})  # noqa: S307 - our own text, made from the recorded tree

    def _source_leaf(self, e: Expr) -> str | None:
        if e.op == "field":
            return f"s[{self.position[e.args]}]"
        if e.op == "located":
            codes, place = sorted(e.args[2]), f"s[{self.position[e.args[:2]]}]"
            return f"({place} == {codes[0]})" if len(codes) == 1 else f"({place} in {tuple(codes)})"
        if e.op == "place":
            return str(e.args[0])
        return f"p_{e.args[0]}" if e.op == "param" else None


def at(sort: str) -> str:
    """The name of the location field of a kind of thread."""
    return "at" if sort == "Client" else f"at.{sort.lower()}"


def these(bits: int) -> Expr:
    """The set of exactly these pages."""
    return node("these", (bits,), PAGES)


def used_sorts(program: Program) -> set[str]:
    """Index sorts that a part, a thread, a parameter or a quantifier of the program ranges over."""
    used = {v.per.name for v in program.variables if v.per} | set(program.threads)
    used |= {p.sort for s in program.steps for p in s.params if p.kind == "index"}
    used |= {index.sort for index in _every_index(program) if index.kind == "bound"}
    return used | {lock.per.name for lock in program.locks if lock.per}


def _every_index(program: Program) -> Iterator[Index]:
    for variable in program.variables:
        yield from indices(variable.initial)
    for step in program.steps:
        for guard in step.guards:
            yield from indices(guard)
        for update in step.updates:
            yield from indices(update.value)
            if update.index is not None:
                yield update.index
        yield from (held.index for held in step.takes if held.index is not None)


def _no_leaf(expr: Expr) -> Any:
    raise UsageError(f"an initial value is a constant, not {show(expr)}.")


def _compiled(instance: Instance) -> Callable[[State], Iterator[tuple[int, State]]]:
    """One generator function with a branch a ground step; parameters are loops."""
    table, lines, number = python_source(instance.pages), ["def successors(s):"], 0
    for ground in instance.steps:
        here = [g for g in ground.guards if not _mentions_param(g)]
        rest = [g for g in ground.guards if _mentions_param(g)]

        def text(expr: Expr) -> str:
            return str(fold(expr, table, instance._source_leaf))

        lines.append(f"    if {' and '.join(text(g) for g in here) or 'True'}:")
        indent, count = "        ", 1
        lines.append(f"{indent}n = {number}")
        for param in ground.params:
            choices = instance.choices(param)
            count *= len(choices)
            lines.append(f"{indent}for p_{param.name} in {tuple(choices)}:")
            indent += "    "
        new = dict(ground.updates)
        values = [
            f"int({text(new[i])})" if i in new and new[i].sort == TRUTH else text(new[i]) if i in new else f"s[{i}]"
            for i in range(len(instance.fields))
        ]
        if rest:
            lines.append(f"{indent}if {' and '.join(text(g) for g in rest)}:")
            lines.append(f"{indent}    yield n, ({', '.join(values)},)")
        else:
            lines.append(f"{indent}yield n, ({', '.join(values)},)")
        lines.append(f"{indent}n += 1")
        number += count
    lines.append("    return\n    yield")
    scope: dict[str, Any] = {}
    exec("\n".join(lines), scope)  # noqa: S102 - our own text, made from the recorded tree
    return scope["successors"]  # type: ignore[no-any-return]


def _mentions_param(expr: Expr) -> bool:
    return any(e.op == "param" for e in walk(expr))
