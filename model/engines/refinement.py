"""Is every behaviour that clients can see of one design possible in another? Decided on a finite instance.

What a client sees: which page the guest writes, and every change of the parts that are one a client in both designs
(`user`, `mine`, `unread`). The kernel's log, the cache, registers and locations are hidden, and steps that change
nothing visible are internal. The question is inclusion of visible traces, decided by following, along every run of the
concrete design, the set of states in which the abstract one can be after the same visible steps (a subset
construction; a simulation relation would be sufficient but not necessary).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from time import monotonic

from model.errors import UsageError
from model.expr import TRUE, Client, Expr, bare, node, register, rewrite
from model.instance.breadth_first import BreadthFirst
from model.instance.instance import Instance, Move
from model.instance.state import State
from model.limits import Limits, Progress
from model.program.program import Program
from model.program.step import Step
from model.verdict import Proved, Refuted, Undetermined, Verdict

Label = Hashable
Pair = tuple[State, frozenset[State]]  # of the concrete design; where the abstract one can be


@dataclass(frozen=True)
class Distinction:
    """A run of the concrete design whose visible steps the abstract one cannot take.

    Attributes:
        moves: of the concrete instance; the abstract one can follow all but the last.
        states: one more than moves.
    """

    moves: tuple[Move, ...]
    states: tuple[State, ...]


def search(concrete: Instance, abstract: Instance, limits: Limits | None = None) -> Verdict:
    """Whether every visible trace of `concrete` is one of `abstract`.

    Returns:
        Proved(states, depth) where it is, at this size; Refuted(detail=Distinction) with a shortest run that is not;
        Undetermined(reason) where a limit was reached.

    Raises:
        UsageError: the designs have no visible part in common, or differ in size.
    """
    limits, begin = limits or Limits(), monotonic()
    visible = visible_parts(concrete, abstract)
    lower, upper = _Follower(concrete, visible), _Follower(abstract, visible)

    def after(pair: Pair) -> Iterator[tuple[int, Pair]]:
        state, possible = pair
        for number, following in concrete.successors(state):
            label = lower.label(concrete.moves[number], state, following)
            matched = possible if label is None else upper.after(possible, label)
            if not matched:
                raise _Apart(pair, number, following)
            yield number, (following, matched)

    start = concrete.initial, upper.closed(frozenset({abstract.initial}))
    walk = BreadthFirst([start], after, lambda _: limits.reached(len(walk.came), begin))
    depth = 0

    def answer(kind: type[Verdict], **more: object) -> Verdict:
        return kind(states=len(walk.came), engine="refinement", seconds=monotonic() - begin, **more)  # type: ignore[arg-type]

    try:
        for depth, level in enumerate(walk.levels()):
            if depth and limits.report:
                limits.report(Progress("refinement", len(walk.came), depth - 1, len(level)))
    except _Apart as apart:
        return answer(Refuted, depth=depth + 1, detail=apart.run(concrete, walk))
    except KeyboardInterrupt:
        return answer(Undetermined, depth=depth, reason="interrupted", interrupted=True)
    if walk.stopped:
        return answer(Undetermined, depth=depth, reason=walk.stopped)
    return answer(Proved, depth=depth)


def visible_parts(concrete: Instance, abstract: Instance) -> tuple[str, ...]:
    """Names of the parts that are one a client in both.

    Raises:
        UsageError: there are none, or the instances differ in size.
    """
    if (concrete.pages, concrete.sizes) != (abstract.pages, abstract.sizes):
        raise UsageError("two designs are compared at the same number of pages and clients.")
    names = [{f.name for f in i.fields if f.per == Client.name and f.role == "part"} for i in (concrete, abstract)]
    shared = tuple(sorted(names[0] & names[1]))
    if not shared:
        raise UsageError(
            f"{concrete.program.name} and {abstract.program.name} have no part per client in common, so a client sees "
            f"nothing of either that could be compared."
        )
    return shared


class _Follower:
    """The visible side of one instance, with what was computed kept."""

    def __init__(self, instance: Instance, visible: tuple[str, ...]) -> None:
        self.instance = instance
        self.positions = [i for i, f in enumerate(instance.fields) if f.name in visible]
        self.keys = [instance.fields[i].key for i in self.positions]
        self.steps: dict[State, list[tuple[Label | None, State]]] = {}
        self.memo: dict[tuple[frozenset[State], Label], frozenset[State]] = {}

    def label(self, move: Move, before: State, after: State) -> Label | None:
        """What a client sees of a move, or None."""
        ground = move.ground
        if ground.sort != Client.name:
            return ground.step.label, tuple(sorted(move.arguments.items())), tuple(sorted(ground.indices.items()))
        changed = tuple(
            (key, after[i]) for key, i in zip(self.keys, self.positions, strict=True) if before[i] != after[i]
        )
        return changed or None

    def moves(self, state: State) -> list[tuple[Label | None, State]]:
        if state not in self.steps:
            moves = self.instance.moves
            self.steps[state] = [
                (self.label(moves[n], state, after), after) for n, after in self.instance.successors(state)
            ]
        return self.steps[state]

    def closed(self, states: frozenset[State]) -> frozenset[State]:
        """The states and whatever internal steps lead to from them."""
        return frozenset(BreadthFirst(states, lambda s: [m for m in self.moves(s) if m[0] is None]))

    def after(self, states: frozenset[State], label: Label) -> frozenset[State]:
        """Where the instance can be after one visible step from any of the states."""
        key = states, label
        if key not in self.memo:
            reached = frozenset(after for s in states for found, after in self.moves(s) if found == label)
            self.memo[key] = self.closed(reached)
        return self.memo[key]


class _Apart(Exception):
    """A visible step that the abstract design cannot take: from this pair, by this move, to this state."""

    def __init__(self, pair: Pair, number: int, after: State) -> None:
        super().__init__()
        self.pair, self.number, self.after = pair, number, after

    def run(self, instance: Instance, walk: BreadthFirst[Pair, int]) -> Distinction:
        numbers, pairs = walk.path(self.pair)
        moves = tuple(instance.moves[n] for n in (*numbers, self.number))
        return Distinction(moves, (*(state for state, _ in pairs), self.after))


# ---------------------------------------------------------------- for any number of pages and clients


def mapping(concrete: Program, abstract: Program) -> Mapping[str, str] | None:
    """How each parameter that only the abstract design has is to be chosen so that it does the same, step by step.

    With that choice every step of the concrete design is, letter by letter, an instance of the abstract step at the
    same place: same locks, same guards, same new values. Then every run of the one is a run of the other, whatever
    the sizes. This is a sufficient condition; None says only that no such choice of parameters was found.

    Returns:
        {"clear.span": "want"}: the abstract `clear` chooses `span` as the concrete one chooses `want`; or None.
    """
    if concrete.operations != abstract.operations or len(concrete.steps) != len(abstract.steps):
        return None
    parts = [
        frozenset((v.name, v.sort, v.per, v.initial) for v in p.variables if v.role == "part")
        for p in (concrete, abstract)  # sets: two expressions are never compared, for `==` makes a third
    ]
    if parts[0] != parts[1]:
        return None
    chosen: dict[str, str] = {}
    for operation in concrete.operations:
        lower, upper = ([s for s in p.steps if s.operation == operation] for p in (concrete, abstract))
        found = next((c for c in _choices(lower[0], upper[0]) if _same_operation(lower, upper, c)), None)
        if found is None:
            return None
        chosen |= {f"{operation}.{name}": value for name, value in found.items()}
    return chosen


def _choices(lower: Step, upper: Step) -> Iterator[dict[str, str]]:
    """Every way to choose the abstract step's extra parameters among the concrete one's of the same kind."""
    names = {p.name for p in lower.params}
    extra = [p for p in upper.params if p.name not in names]
    options = [[p.name for p in lower.params if (p.kind, p.sort) == (e.kind, e.sort)] for e in extra]
    for values in product(*options):
        yield {e.name: value for e, value in zip(extra, values, strict=True)}


def _same_operation(lower: Sequence[Step], upper: Sequence[Step], choice: Mapping[str, str]) -> bool:
    return len(lower) == len(upper) and all(
        _meaning(a, {}, choice) == _meaning(b, choice, choice) for a, b in zip(lower, upper, strict=True)
    )


def _meaning(step: Step, choice: Mapping[str, str], dropped: Mapping[str, str]) -> tuple[object, ...]:
    """What a step does, with parameters replaced as chosen and the registers of replaced ones left out."""

    def leaf(expr: Expr) -> Expr | None:
        if expr.op == "param" and expr.args[0] in choice:
            return node("param", (choice[expr.args[0]],), expr.sort)
        if expr.op == "var" and bare(expr.args[0]) in choice:
            return node("var", (register(choice[bare(expr.args[0])]), expr.args[1]), expr.sort)
        return None

    guards = {rewrite(g, leaf) for g in step.guards} - {TRUE}
    updates = {(u.variable, u.index, rewrite(u.value, leaf)) for u in step.updates if bare(u.variable) not in dropped}
    params = {(p.name, p.kind, p.sort) for p in step.params if p.name not in dropped}
    return step.name, step.by, step.takes, step.frees, frozenset(guards), frozenset(updates), frozenset(params)
