"""Breadth-first search over packed words, a whole frontier at a time: the same search as `explicit`, fast."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from model.engines.packed.kernel import Kernel, Test
from model.engines.packed.native import Gears, Native, NativeTable, gears, physical_memory
from model.engines.packed.partial_order import ample
from model.engines.packed.symmetry import Canonical, canonical, symmetry
from model.engines.store.bitset import DIGIT, LANES, ROOT, Full, Visited, unfolded
from model.engines.store.checkpoint import Checkpoint, Counts
from model.engines.store.hash_table import Hashed, far_apart
from model.engines.store.packing import Columns, Packing, Words
from model.engines.store.spill import LEAST, MEGABYTE, NoRoom, Spilling, Stored, resident, room_within
from model.errors import UsageError
from model.expr import Expr, show
from model.expr.algebra import Table
from model.instance.problem import Problem
from model.instance.state import State
from model.limits import Limits, Progress, left
from model.program.program import Invariant
from model.verdict import Proved, Refuted, Undetermined, Verdict

REDUCTIONS = ("symmetry", "order")
CHUNK = 1 << 15  # states that are worked on at a time: their columns fit a cache
LEAST_CHUNK, MOVES = 1 << 10, 64  # where a state has more moves than these, less at a time
BATCH = 32  # parts of a level that compiled code works on before the limits are looked at
FOUND = 32  # moves whose new states wait to be added together
TELL = 2.0  # seconds after which a level that is not finished is reported again
MOST = 10_000  # violating states that are named for each invariant


def search(
    asked: Problem,
    limits: Limits | None = None,
    *,
    table: Table | None = None,
    word_bits: int = 64,
    digits: tuple[int, int] | None = None,
    threads: int | None = None,
    reductions: Sequence[str] = (),
    checkpoint: Path | None = None,
    kernel: str = "auto",
) -> Verdict:
    """Visit every reachable state, nearest first, a whole depth at a time.

    Args:
        asked: a program, what must hold of it, and its sizes; nothing asked is undetermined. A state
            takes as many words of 64 bits as it needs.
        limits: states and seconds after which to give up; looked at between parts of a level, so that a few
            more may have been added.
        table: NumPy source for each operator; default `model.expr.algebra.words`.
        word_bits: bits of a word to use, at least as many as the widest field has.
        digits: bits of the digits by which the set of states finds a block (`model.engines.store.bitset.Tree`); default
            small ones for states of more than 60 bits, which lie far apart.
        threads: default one for each processor, at most 4; the answer does not depend on it.
        reductions: of REDUCTIONS; verdict and depth are the same with them. "symmetry" keeps one state of those that
            differ in the order of what is alike only (`packed.symmetry`): states, transitions and `detail` are
            of orbits then. "order" is partial order (`packed.partial_order`): what it finds violated is searched again
            without it, so that `depth` is the least. With a limit of depth there is no "order".
        checkpoint: a file in which the search is saved between levels now and then and when it is stopped, and from
            which it goes on; it is removed when there is a verdict.
        kernel: "numpy"; "c", the same steps compiled (`packed.native`); or "auto", which is C from the moment
            that there is enough to do, where there is a C compiler and no symmetry.

    Returns:
        Proved(states, depth); Refuted(states, depth, detail=[(state, invariant, number), ...]) where states counts
        the complete levels before the violating one, whose violating states are in `detail` (10,000 at most for each
        invariant and number); or Undetermined(reason) with what was covered. All count transitions.

    Raises:
        UsageError: a field is wider than a word, there is no such reduction or kernel, the memory is too little to
            start, or the checkpoint is of another search.
        CannotSay: the table has no row for an operator.
        NoCompiler: kernel "c", and there is no C compiler.
    """
    if unknown := set(reductions) - set(REDUCTIONS):
        raise UsageError(f"there is no reduction '{min(unknown)}'; there are {', '.join(REDUCTIONS)}.")
    begin = monotonic()
    how: dict[str, Any] = {"table": table, "word_bits": word_bits, "digits": digits, "threads": threads}
    run = Search(asked, limits, **how)
    if "symmetry" in reductions and (alike := symmetry(asked)):
        run.least = canonical(alike, run.packing)
    if "order" in reductions and run.limits.depth is None:
        run.go_alone(ample(asked))
    run.gears = gears(kernel, able=table is None and run.least is None)
    if checkpoint is not None:
        in_force = [r for r in reductions if r == "symmetry" or (r == "order" and run.alone)]
        run.checkpoint = Checkpoint(checkpoint, described(run.packing, asked.invariants, in_force))
    found, limits, again = run.run(), run.limits, bool(run.alone)
    if isinstance(found, Refuted) and again:
        del run  # what it has seen takes memory
        how |= {"reductions": [r for r in reductions if r == "symmetry"], "kernel": kernel}
        found = _nearest(asked, limits.after(begin), found.depth, how)
    return replace(found, seconds=monotonic() - begin)


def _nearest(asked: Problem, limits: Limits, depth: int, how: Mapping[str, Any]) -> Verdict:
    """The refutation of least depth, where one is known to be within so many moves; a limit of states has been kept."""
    found = search(asked, replace(limits, depth=depth, states=None, cancelled=None), **how)
    if not isinstance(found, Undetermined):
        return found
    return replace(found, reason=f"violated within {depth} moves, and the shortest trace was not found: {found.reason}")


Part = tuple[int, int]  # of a level: from, to


class Stopped(Exception):
    """A limit was reached; the text says which."""


DENSE, SPARSE_DIGIT = 60, 8  # bits of a state up to which blocks lie close together; a digit where they do not


class Search:
    """One run: what was compiled, what was seen, and what was counted so far.

    Shapes: a frontier is a (words, n) uint64 array, one state a column; sorted, but for one that a table led to.
    """

    def __init__(
        self,
        asked: Problem,
        limits: Limits | None = None,
        *,
        table: Table | None = None,
        word_bits: int = 64,
        digits: tuple[int, int] | None = None,
        threads: int | None = None,
    ) -> None:
        self.begin, self.limits = monotonic(), limits or Limits()
        self.packing = Packing(asked.instance, word_bits)
        self.kernel = kernel = Kernel(self.packing, table)
        self.expands = kernel.expands()
        self.alone: Sequence[Expr] = ()  # locations at which only the moves that begin there are taken
        self.checks: list[tuple[str, int | None, Test]] = [
            (c.name, c.number, kernel.test(c.holds)) for c in asked.checks
        ]
        self.conditions = [c.holds for c in asked.checks]
        self.threads = threads or min(4, os.cpu_count() or 1)
        self.chunk = min(CHUNK, max(LEAST_CHUNK, CHUNK * MOVES // max(1, kernel.instance.most_moves)))
        digits = digits or (ROOT, DIGIT if sum(self.packing.bits) <= DENSE else SPARSE_DIGIT)
        self.visited: Visited | Spilling | Hashed = Visited(self.packing.bits, *digits)
        if self.limits.memory is not None:
            room = room_within(self.limits.memory, self.threads)
            if room < LEAST:
                least = -(-(self.limits.memory - room + LEAST) // MEGABYTE)
                raise UsageError(f"a limit of memory is at least {least} MB here, of which the states get little.")
            self.visited = Spilling(self.packing.bits, *digits, room=room)
            self.chunk = max(LEAST_CHUNK, self.chunk // 8)
        self.states = self.transitions = self.depth = 0
        self.sizes: list[int] = []  # of the levels that this run has seen
        self.expanded, self.told = 0, self.begin  # states of this level; when a report was made
        self.layers: list[Words] | None = None
        self.least: Canonical | None = None
        self.checkpoint: Checkpoint | None = None
        self.gears: Gears | None = None
        self.native: Native | NativeTable | None = None  # from the moment that compiled code does the work
        self.entered: tuple[Counts, Words | Stored] | None = None  # the present level as it began

    def go_alone(self, locations: Sequence[Expr]) -> None:
        """Where a thread is at one of these, take its moves only."""
        self.alone, self.expands = locations, self.kernel.expands_alone(locations)

    def run(self) -> Verdict:
        if not self.checks and self.layers is None:
            return self.answer(Undetermined, reason="no property was asked")
        try:
            verdict = self.sweep()
            if self.checkpoint:
                self.checkpoint.done()
            return verdict
        except Stopped as stop:
            return self.covered(reason=f"{stop}{self.kept()}")
        except Full:
            return self.covered(
                reason=f"the states take more memory than there is; --memory writes them out{self.kept()}"
            )
        except NoRoom as stop:
            return self.answer(Undetermined, states=self.states, depth=self.depth, reason=f"{stop}{self.kept()}")
        except KeyboardInterrupt:
            return self.covered(reason=f"interrupted{self.kept()}", interrupted=True)
        finally:
            if isinstance(self.visited, Spilling):
                self.visited.close()
            if self.gears:
                self.gears.close()

    def sweep(self) -> Verdict:
        frontier = self.first()
        while frontier.shape[1]:
            self.enter(frontier)
            if bad := self.violations(frontier):
                return self.answer(Refuted, states=self.states, depth=self.depth, detail=bad)
            self.states += frontier.shape[1]
            if stop := self.limits.depth_reached(self.depth):
                raise Stopped(stop)
            self.sizes.append(frontier.shape[1])
            self.expanded = 0
            self.report()
            self.shift(frontier.shape[1])
            self.spread()
            self.expand_all(frontier)
            self.entered = None
            del frontier  # before the next one takes its place
            frontier = self.turn()
            self.depth += 1
        return self.answer(Proved, states=self.states, depth=self.depth - 1)

    def shift(self, size: int) -> None:
        """Go on with compiled code if it is there, and start to make it where so many states are worth it."""
        if self.gears and self.native is None and not isinstance(self.visited, Hashed):
            made_of = self.packing, self.conditions, self.alone
            self.native = self.gears.native(made_of, self.visited, self.states, size)

    @property
    def blocks(self) -> Visited | Spilling:
        """The set, where it is not a table."""
        assert not isinstance(self.visited, Hashed)
        return self.visited

    def spread(self) -> None:
        """Go on with a table where states lie far apart; a checkpoint holds blocks, and kept levels have an order."""
        if not isinstance(self.native, Native) or not isinstance(self.visited, Visited):
            return
        if self.checkpoint or self.layers is not None:
            return
        if far_apart(self.visited, self.states, self.packing.bits):
            states = np.concatenate(
                [unfolded(r[:, -LANES:], r[:, :-LANES].T) for r in self.visited.rows(old=True)], axis=1
            )
            self.visited = Hashed(self.native.library, states, physical_memory())
            self.native = NativeTable(self.native.library, self.visited)

    def first(self) -> Words | Stored:
        """The frontier to begin with: the initial state, or what a checkpoint says."""
        if self.checkpoint and (saved := self.checkpoint.load(self.blocks)):
            counts, frontier = saved
            self.states, self.transitions, self.depth = counts.states, counts.transitions, counts.depth
            if isinstance(self.visited, Spilling):
                self.visited.hold(frontier)
            return frontier
        self.blocks.add(tuple(self.packing.pack([self.packing.instance.initial])))
        return self.turn()

    def enter(self, frontier: Words | Stored) -> None:
        """A level begins: save it if that is due."""
        if self.checkpoint:
            counts = Counts(self.states, self.transitions, self.depth, frontier.shape[1])
            self.entered = counts, frontier
            try:
                self.checkpoint.save_if_due(*self.entered, self.blocks)
            except OSError as wrong:
                self.entered = None
                raise Stopped(f"the checkpoint {self.checkpoint.path} cannot be written: {wrong.strerror}") from None

    def kept(self) -> str:
        """Save the level that was begun last, and say so."""
        if not self.checkpoint or not self.entered:
            return ""
        try:
            self.checkpoint.save(*self.entered, self.blocks)
        except OSError as wrong:
            return f"; the checkpoint {self.checkpoint.path} cannot be written: {wrong.strerror}"
        return f"; {self.checkpoint.path} goes on from depth {self.entered[0].depth}"

    def turn(self) -> Words | Stored:
        """What was added since the last turn: the next frontier."""
        if isinstance(self.visited, Spilling):
            spilled = self.visited.turn()
            self.visited.hold(spilled)
            self.follow()
            return spilled
        if self.native:
            frontier = self.native.turn()
        else:
            assert isinstance(self.visited, Visited)
            blocks = list(self.visited.turn())
            frontier = np.concatenate(blocks, axis=1) if blocks else np.zeros((self.packing.words, 0), dtype=np.uint64)
        if self.layers is not None and frontier.shape[1]:
            self.layers.append(frontier)
        return frontier

    def expand_all(self, frontier: Words | Stored) -> None:
        """Add the states one move from `frontier`, and look at the limits between its parts."""
        size = frontier.shape[1]
        parts = [(begin, min(begin + self.chunk, size)) for begin in range(0, size, self.chunk)]
        with ThreadPoolExecutor(self.threads) as pool:
            each = map if self.threads == 1 or len(parts) == 1 else pool.map
            try:
                if self.native:
                    self.natively(frontier, parts, each)
                else:
                    self.count(each(lambda part: self.expand(frontier[:, slice(*part)]), parts))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                if self.native:
                    self.native.told()
                raise

    def natively(self, frontier: Words | Stored, parts: list[Part], each: Any) -> None:
        """The same by compiled code; where there is no room for what it finds, room is made and it goes on."""
        alone = False  # whether there is nothing else in memory
        while parts:
            native, batch, parts = self.native, parts[:BATCH], parts[BATCH:]
            assert native is not None
            found = list(each(lambda part, native=native: native.expand(frontier[:, slice(*part)]), batch))
            native.told()
            self.transitions += sum(moves for _, moves in found)
            self.expanded += sum(done for done, _ in found)
            left = [(b + done, e) for (b, e), (done, _) in zip(batch, found, strict=True) if b + done < e]
            if left:
                self.make_room(nothing_done=alone and left == batch)
            alone, parts = bool(left), left + parts
            self.look_up()

    def make_room(self, nothing_done: bool) -> None:
        if isinstance(self.visited, Hashed):
            if self.visited.kept >= self.visited.limit:
                self.visited.make_room()
            self.follow()
            return
        if not isinstance(self.visited, Spilling):
            raise Full
        if nothing_done:
            raise NoRoom("the limit of memory is too low for a single state")
        self.visited.make_room()
        self.follow()

    def follow(self) -> None:
        """Let compiled code work on what is the set in memory now."""
        if isinstance(self.native, NativeTable):
            self.native.follow()
        elif self.native and isinstance(self.visited, Spilling):
            self.native = Native(self.native.library, self.visited.recent)

    def report(self) -> None:
        """Tell whoever asked how far the search has come."""
        if self.limits.report:
            self.told, size = monotonic(), self.sizes[-1]
            part = min(1.0, self.expanded / size)
            seconds = self.told - self.begin
            ahead = left(self.sizes)
            self.limits.report(Progress("lanes", self.states, self.depth, size, part, seconds, resident(), ahead))

    def count(self, parts: Iterable[int]) -> None:
        for transitions in parts:
            self.transitions += transitions
            self.expanded += self.chunk
            self.look_up()

    def look_up(self) -> None:
        """Between two parts of a level: say how far it has come, and stop where that is asked."""
        if monotonic() - self.told > TELL:
            self.report()
        self.stop_where_asked()

    def stop_where_asked(self) -> None:
        """Raise Stopped where a limit is reached; states are counted exactly only where that decides."""
        at_most = self.states + self.visited.most
        if self.limits.states is not None and at_most > self.limits.states:
            at_most = self.states + self.visited.fresh()
            self.follow()
        if stop := self.limits.reached(at_most, self.begin):
            raise Stopped(stop)

    def expand(self, block: Words) -> int:
        """Add what one move from `block` leads to, and return how many moves there are."""
        found: list[Columns] = []

        def emit(after: Columns) -> None:
            if self.least is not None:
                after = self.least(after)
            new = self.blocks.unseen(after)
            if new.size:
                found.append(tuple(a.take(new) for a in after))
            if len(found) >= FOUND:
                self.add(found)

        moves = sum(expand(block, emit) for expand in self.expands)
        self.add(found)
        return moves

    def add(self, found: list[Columns]) -> None:
        """Add what was found, and leave nothing in the list."""
        if found:
            self.blocks.add(tuple(np.concatenate(column) for column in zip(*found, strict=True)))
            found.clear()

    def violations(self, frontier: Words | Stored) -> list[tuple[State, str, int | None]]:
        """(state, invariant, number) for states that violate it: of each, the first MOST."""
        if self.native and not any(map(self.native.broken, chunks(frontier))):
            return []
        if isinstance(self.native, NativeTable) and isinstance(frontier, np.ndarray):
            frontier = frontier.take(np.lexsort(frontier), axis=1)  # threads found it in no order
        found = []
        for name, number, holds in self.checks:
            bad: list[State] = []
            for block in chunks(frontier):
                where = np.flatnonzero(~np.broadcast_to(holds(block), block.shape[1:]))
                bad += self.packing.unpack(block.take(where[: MOST - len(bad)], axis=1))
            found += [(state, name, number) for state in bad]
        return found

    def covered(self, **why: Any) -> Verdict:
        return self.answer(Undetermined, states=self.states + self.visited.counted(), depth=self.depth, **why)

    def answer(self, kind: type[Verdict], **more: Any) -> Verdict:
        return kind(transitions=self.transitions, engine="lanes", seconds=monotonic() - self.begin, **more)


def described(packing: Packing, invariants: Sequence[Invariant], reductions: Sequence[str]) -> str:
    """What a search is of, as text: equal where one may go on with what another has found."""
    instance, places = packing.instance, sorted(packing.places.items())
    asked = [f"{i.name} {i.each}: {show(i.holds)}" for i in invariants]
    return f"{instance.program.digest} {instance.pages} {instance.sizes} {asked} {sorted(reductions)} {places}"


def chunks(frontier: Words | Stored) -> Iterator[Words]:
    """The frontier cut into blocks that fit a cache."""
    return (frontier[:, begin : begin + CHUNK] for begin in range(0, frontier.shape[1], CHUNK))
