"""Breadth-first search over packed words, a whole frontier at a time: the same search as `explicit`, fast."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np

from model.algebra import Table
from model.design import Invariant
from model.engines.kernel import Kernel, Test
from model.engines.limits import Limits, Progress
from model.engines.packing import Columns, Packing, Words
from model.engines.symmetry import Canonical, canonical, symmetry
from model.engines.visited import DIGIT, ROOT, Visited
from model.errors import UsageError
from model.instance import Instance, State
from model.verdict import Proved, Refuted, Undetermined, Verdict

CHUNK = 1 << 15  # states that are worked on at a time: their columns fit a cache
MOST = 10_000  # violating states that are named for each invariant


def search(
    instance: Instance,
    invariants: Sequence[Invariant],
    limits: Limits | None = None,
    *,
    table: Table | None = None,
    word_bits: int = 64,
    digits: tuple[int, int] = (ROOT, DIGIT),
    threads: int | None = None,
    reductions: Sequence[str] = (),
) -> Verdict:
    """Visit every reachable state, nearest first, a whole depth at a time.

    Args:
        instance: a program at given sizes; a state takes as many words of 64 bits as it needs.
        invariants: what must hold in every state; none asked is undetermined.
        limits: states and seconds after which to give up; looked at after every 32,768 states, so that a few more
            may have been added.
        table: NumPy source for each operator; default `model.algebra.words`.
        word_bits: bits of a word to use, at least as many as the widest field has.
        digits: bits of the digits by which the set of states finds a block (`model.engines.visited.Tree`).
        threads: default one for each processor, at most 4; the answer does not depend on it.
        reductions: "symmetry" keeps one state of those that differ in the order of what is alike only
            (`model.engines.symmetry`): states, transitions and `detail` are of orbits then, verdict and depth the same.

    Returns:
        Proved(states, depth); Refuted(states, depth, detail=[(state, invariant, number), ...]) where states counts
        the complete levels before the violating one, whose violating states are in `detail` (10,000 at most for each
        invariant and number); or Undetermined(reason) with what was covered. All count transitions.

    Raises:
        UsageError: a field is wider than a word, or there is no such reduction.
        CannotSay: the table has no row for an operator.
    """
    run = Search(Kernel(Packing(instance, word_bits), table), invariants, limits, digits, threads)
    if unknown := set(reductions) - {"symmetry"}:
        raise UsageError(f"there is no reduction '{min(unknown)}'; there is symmetry.")
    if "symmetry" in reductions and (found := symmetry(instance, invariants)):
        run.least = canonical(found, run.packing)
    return run.run()


def levels(instance: Instance, invariants: Sequence[Invariant] = (), limits: Limits | None = None) -> Levels:
    """The same search with all its levels kept, 8 bytes a state and word, so that traces can be found backwards."""
    run = Search(Kernel(Packing(instance)), invariants, limits)
    run.layers = []
    return Levels(run.run(), run.packing, run.layers)


class Stopped(Exception):
    """A limit was reached; the text says which."""


class Search:
    """One run: what was compiled, what was seen, and what was counted so far.

    Shapes: a frontier is a (words, n) uint64 array, one state a column, sorted.
    """

    def __init__(
        self,
        kernel: Kernel,
        invariants: Sequence[Invariant],
        limits: Limits | None = None,
        digits: tuple[int, int] = (ROOT, DIGIT),
        threads: int | None = None,
    ) -> None:
        self.begin, self.limits = monotonic(), limits or Limits()
        self.packing, self.expands = kernel.packing, kernel.expands()
        cases = [(i.name, number, case) for i in invariants for number, case in kernel.instance.cases(i)]
        self.checks: list[tuple[str, int | None, Test]] = [(n, k, kernel.test(case)) for n, k, case in cases]
        self.visited = Visited(self.packing.bits, *digits)
        self.threads = threads or min(4, os.cpu_count() or 1)
        self.states = self.transitions = self.depth = 0
        self.layers: list[Words] | None = None
        self.least: Canonical | None = None

    def run(self) -> Verdict:
        if not self.checks and self.layers is None:
            return self.answer(Undetermined, reason="no property was asked")
        try:
            return self.sweep()
        except Stopped as stop:
            return self.covered(reason=str(stop))
        except KeyboardInterrupt:
            return self.covered(reason="interrupted", interrupted=True)

    def sweep(self) -> Verdict:
        self.visited.add(tuple(self.packing.pack([self.packing.instance.initial])))
        frontier = self.turn()
        while frontier.shape[1]:
            if bad := self.violations(frontier):
                return self.answer(Refuted, states=self.states, depth=self.depth, detail=bad)
            self.states += frontier.shape[1]
            if stop := self.limits.depth_reached(self.depth):
                raise Stopped(stop)
            if self.limits.report:
                self.limits.report(Progress("lanes", self.states, self.depth, frontier.shape[1]))
            self.expand_all(frontier)
            frontier = self.turn()
            self.depth += 1
        return self.answer(Proved, states=self.states, depth=self.depth - 1)

    def turn(self) -> Words:
        """What was added since the last turn: the next frontier."""
        blocks = list(self.visited.turn())
        frontier = np.concatenate(blocks, axis=1) if blocks else np.zeros((self.packing.words, 0), dtype=np.uint64)
        if self.layers is not None and frontier.shape[1]:
            self.layers.append(frontier)
        return frontier

    def expand_all(self, frontier: Words) -> None:
        """Add the states one move from `frontier`, and look at the limits between its parts."""
        blocks = chunks(frontier)
        if self.threads == 1 or frontier.shape[1] <= CHUNK:
            self.count(map(self.expand, blocks))
            return
        with ThreadPoolExecutor(self.threads) as pool:
            try:
                self.count(pool.map(self.expand, blocks))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def count(self, parts: Iterable[int]) -> None:
        for transitions in parts:
            self.transitions += transitions
            self.stop_where_asked()

    def stop_where_asked(self) -> None:
        """Raise Stopped where a limit is reached; states are counted exactly only where that decides."""
        at_most = self.states + self.visited.most
        if self.limits.states is not None and at_most > self.limits.states:
            at_most = self.states + self.visited.fresh()
        if stop := self.limits.reached(at_most, self.begin):
            raise Stopped(stop)

    def expand(self, block: Words) -> int:
        """Add what one move from `block` leads to, and return how many moves there are."""
        found: list[Columns] = []

        def emit(after: Columns) -> None:
            if self.least is not None:
                after = self.least(after)
            new = self.visited.unseen(after)
            if new.size:
                found.append(tuple(a.take(new) for a in after))

        moves = sum(expand(block, emit) for expand in self.expands)
        if found:
            self.visited.add(tuple(np.concatenate(column) for column in zip(*found, strict=True)))
        return moves

    def violations(self, frontier: Words) -> list[tuple[State, str, int | None]]:
        """(state, invariant, number) for states that violate it: of each, the first MOST."""
        found = []
        for name, number, holds in self.checks:
            bad: list[State] = []
            for block in chunks(frontier):
                where = np.flatnonzero(~np.broadcast_to(holds(block), block.shape[1:]))
                bad += self.packing.unpack(block.take(where[: MOST - len(bad)], axis=1))
            found += [(state, name, number) for state in bad]
        return found

    def covered(self, **why: Any) -> Verdict:
        return self.answer(Undetermined, states=self.states + self.visited.fresh(), depth=self.depth, **why)

    def answer(self, kind: type[Verdict], **more: Any) -> Verdict:
        return kind(transitions=self.transitions, engine="lanes", seconds=monotonic() - self.begin, **more)


def chunks(frontier: Words) -> Iterator[Words]:
    """The frontier cut into blocks that fit a cache."""
    return (frontier[:, begin : begin + CHUNK] for begin in range(0, frontier.shape[1], CHUNK))


@dataclass(frozen=True)
class Levels:
    """Every state by its distance from the start.

    Attributes:
        verdict: what the search that found them answers.
        layers: for each depth the states as a (words, n) uint64 array; `packing` turns them into tuples and back.
    """

    verdict: Verdict
    packing: Packing
    layers: Sequence[Words]

    def states(self, depth: int) -> list[State]:
        return self.packing.unpack(self.layers[depth])

    def backward(self, targets: Iterable[State], depth: int | None = None) -> list[list[State]]:
        """For each depth, the states that lie on a shortest trace to one of the targets.

        Args:
            targets: states of one level.
            depth: that level; default the last.
        """
        wanted = self.packing.pack(targets)
        expands = Kernel(self.packing, carry=1).expands()
        path = [self.packing.unpack(wanted)]
        for layer in reversed(self.layers[: len(self.layers) - 1 if depth is None else depth]):
            wanted = layer.take(self._leading(layer, wanted, expands), axis=1)
            path.append(self.packing.unpack(wanted))
        return path[::-1]

    def _leading(self, layer: Words, wanted: Words, expands: Sequence[Callable[..., int]]) -> Any:
        """Positions in `layer` of the states from which one move leads to a wanted state."""
        targets = Visited(self.packing.bits)
        targets.add(tuple(wanted))
        leads = np.zeros(layer.shape[1], dtype=np.bool_)

        def emit(after: Columns) -> None:
            hit = np.ones(after[0].size, dtype=np.bool_)
            hit[targets.unseen(after[:-1])] = False
            leads[after[-1].view(np.int64)[hit]] = True

        numbered = np.vstack([layer, np.arange(layer.shape[1], dtype=np.uint64)])
        for block in chunks(numbered):
            for expand in expands:
                expand(block, emit)
        return np.flatnonzero(leads)

    def trace(self, target: State, depth: int | None = None) -> list[int]:
        """Numbers of the moves of a shortest trace: at each state the first move that stays on one."""
        path = self.backward([target], depth)
        state, numbers = path[0][0], []
        for following in map(set, path[1:]):
            number, state = next(m for m in self.packing.instance.successors(state) if m[1] in following)
            numbers.append(number)
        return numbers
