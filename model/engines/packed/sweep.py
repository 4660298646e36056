"""One run of the packed search: level after level, with whichever mover adds the states that follow."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np

from model.engines.packed.kernel import Kernel
from model.engines.packed.least import Canonical, canonical
from model.engines.packed.mover import Mover, NumpyMover
from model.engines.packed.native import Compilation, NativeTable, physical_memory
from model.engines.packed.orbits import Orbits
from model.engines.packed.symmetry import Symmetry
from model.engines.packed.tally import Tally
from model.engines.store.bitset import DIGIT, LANES, ROOT, Full, Visited, unfolded
from model.engines.store.checkpoint import Checkpoint, Saver, Stopped
from model.engines.store.hash_table import Hashed, far_apart
from model.engines.store.packing import Packing, Words
from model.engines.store.spill import LEAST, MEGABYTE, NoRoom, Spilling, room_within
from model.engines.store.states import Blocks, Frontier
from model.errors import UsageError
from model.expr import Expr
from model.expr.algebra import Table
from model.instance.problem import Problem
from model.instance.state import State
from model.limits import Limits
from model.verdict import Proved, Refuted, Undetermined, Verdict

CHUNK = 1 << 15  # states that are worked on at a time: their columns fit a cache
LEAST_CHUNK, MOVES = 1 << 10, 64  # where a state has more moves than these, less at a time
BATCH = 32  # parts of a level that compiled code works on before the limits are looked at
MOST = 10_000  # violating states that are named for each invariant
DENSE, SPARSE_DIGIT = 60, 8  # bits of a state up to which blocks lie close together; a digit where they do not

Part = tuple[int, int]  # of a level: from, to


class How(TypedDict, total=False):
    """How states are kept and worked on; the answer depends on none of it.

    Attributes:
        table: NumPy source for each operator; default `model.expr.algebra.words`.
        word_bits: bits of a word to use, at least as many as the widest field has; default 64.
        digits: bits of the digits by which the set of states finds a block (`model.engines.store.bitset.Tree`); default
            small ones for states of more than 60 bits, which lie far apart.
        threads: default one for each processor, at most 4.
    """

    table: Table | None
    word_bits: int
    digits: tuple[int, int] | None
    threads: int | None


class Search:
    """One run: what is asked, what was counted, and the mover that adds states to the set of those that were seen.

    Shapes: a frontier is a (words, n) uint64 array, one state a column; sorted, but for one that a table led to.

    Attributes:
        alone: locations at which only the moves that begin there are taken.
        least: takes states to one state of each orbit, or None.
        orbits: counts what the kept states stand for, or None.
        layers: the frontiers, where they are to be kept.
        compiling: when compiled code takes over, or None.
        save_in: the file of the checkpoint, and what the search is of.
    """

    def __init__(self, asked: Problem, limits: Limits | None = None, **how: Unpack[How]) -> None:
        self.limits = limits or Limits()
        self.tally = Tally(self.limits)
        self.packing = Packing(asked.instance, how.get("word_bits", 64))
        self.kernel = Kernel(self.packing, how.get("table"))
        self.checks = [(c, self.kernel.test(c.holds)) for c in asked.checks]
        self.digits, self.threads = how.get("digits"), how.get("threads") or min(4, os.cpu_count() or 1)
        self.alone: Sequence[Expr] = ()
        self.least: Canonical | None = None
        self.orbits: Orbits | None = None
        self.layers: list[Words] | None = None
        self.compiling: Compilation | None = None
        self.save_in: tuple[Path, str] | None = None

    def keep_one_of(self, alike: Symmetry) -> None:
        """Keep one state of each orbit; all are counted, unless a state has moves that are not made."""
        self.least, orbits = canonical(alike, self.packing), Orbits(alike, self.packing)
        self.tally.in_orbits = True
        self.tally.partial = not orbits.exact
        if orbits.exact and not self.alone:
            self.orbits = orbits

    def run(self) -> Verdict:
        """Search to the end, or until a limit is reached; may be called once.

        Raises:
            UsageError: the limit of memory leaves too little to start, or the checkpoint is of another search.
        """
        if not self.checks and self.layers is None:
            return self.tally.answer(Undetermined, reason="no property was asked")
        blocks = self._empty()
        self.saver = Saver(self.save_in and Checkpoint(*self.save_in, blocks))
        self.tally.partial |= bool(self.alone)
        self.mover: Mover = self._numpy(blocks)
        del blocks  # so that nothing keeps it when a table takes its place
        try:
            verdict = self.sweep()
            self.saver.done()
            return verdict
        except Stopped as stop:
            return self.covered(str(stop))
        except Full:
            return self.covered("the states take more memory than there is; --memory writes them out")
        except NoRoom as stop:
            return self.tally.answer(Undetermined, reason=f"{stop}{self.saver.saved()}")
        except KeyboardInterrupt:
            return self.covered("interrupted", interrupted=True)
        finally:
            self.mover.states.close()
            if self.compiling:
                self.compiling.close()

    def _numpy(self, blocks: Blocks) -> NumpyMover:
        if self.orbits is None:
            return NumpyMover(blocks, self.kernel.expands_alone(self.alone), self.least, ask=self.tally.in_time)
        expands = Kernel(self.packing, self.kernel.table, carry=1).expands()
        return NumpyMover(blocks, expands, self.least, self.orbits, self.tally.in_time)

    def _empty(self) -> Blocks:
        """The set to begin with."""
        bits = self.packing.bits
        root, digit = self.digits or (ROOT, DIGIT if sum(bits) <= DENSE else SPARSE_DIGIT)
        if self.limits.memory is None:
            return Visited(bits, root, digit)
        room = room_within(self.limits.memory, self.threads)
        if room < LEAST:
            least = -(-(self.limits.memory - room + LEAST) // MEGABYTE)
            raise UsageError(f"a limit of memory is at least {least} MB here, of which the states get little.")
        return Spilling(bits, root, digit, room=room)

    def sweep(self) -> Verdict:
        tally, frontier = self.tally, self.first()
        while frontier.shape[1]:
            self.saver.enter(tally.counts(frontier.shape[1]), frontier)
            if bad := self.violations(frontier):
                return tally.answer(Refuted, detail=bad)
            tally.states += frontier.shape[1]
            if self.orbits:
                tally.exact += sum(map(self.orbits.states, chunks(frontier)))
            if stop := self.limits.depth_reached(tally.depth):
                raise Stopped(stop)
            tally.enter(frontier.shape[1])
            self.change_over(frontier.shape[1])
            self.expand_all(frontier)
            self.saver.leave()
            del frontier  # before the next one takes its place
            frontier = self.next_level()
            tally.depth += 1
        tally.depth -= 1
        return tally.answer(Proved)

    def first(self) -> Frontier:
        """The frontier to begin with: the initial state, or what a checkpoint says."""
        blocks = self.mover.blocks
        assert blocks is not None, "there are blocks to begin with"
        if saved := self.saver.load():
            counts, frontier = saved
            self.tally.take_up(counts)
            blocks.hold(frontier)
            return frontier
        blocks.add(tuple(self.packing.pack([self.packing.instance.initial])))
        return self.next_level()

    def change_over(self, size: int) -> None:
        """Go on with compiled code if it is there, and with a table where states lie far apart.

        A checkpoint holds blocks, and levels that are kept have an order: neither is to be had of a table.
        """
        if self.compiling and self.mover.library is None and self.mover.blocks is not None:
            made_of = self.packing, [c.holds for c, _ in self.checks], self.alone
            self.mover = self.compiling.native(made_of, self.mover.blocks, self.tally.states, size) or self.mover
        library, blocks = self.mover.library, self.mover.blocks
        if library is None or blocks is None or blocks.sparing or self.save_in or self.layers is not None:
            return
        if far_apart(blocks.memory, self.tally.states, self.packing.bits):
            rows = (unfolded(r[:, -LANES:], r[:, :-LANES].T) for r in blocks.rows(old=True))
            self.mover = NativeTable(library, Hashed(library, np.concatenate(list(rows), axis=1), physical_memory()))

    def next_level(self) -> Frontier:
        """What was added since the last level."""
        frontier = self.mover.next_level()
        if self.layers is not None and frontier.shape[1]:
            self.layers.append(frontier[:, :])
        return frontier

    def expand_all(self, frontier: Frontier) -> None:
        """Add the states one move from `frontier`, and look at the limits between its parts."""
        size, chunk = frontier.shape[1], self.chunk
        parts = [(begin, min(begin + chunk, size)) for begin in range(0, size, chunk)]
        with ThreadPoolExecutor(self.threads) as pool:
            each = map if self.threads == 1 or len(parts) == 1 else pool.map
            try:
                self.expand_parts(frontier, parts, each)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                self.mover.update_set()
                raise

    @property
    def chunk(self) -> int:
        """States that are worked on at a time: compiled code does not look at the limits before it has done them."""
        least = LEAST_CHUNK if self.mover.library is None else 1
        chunk = min(CHUNK, max(least, CHUNK * MOVES // max(1, self.packing.instance.most_moves)))
        return chunk if self.limits.memory is None else max(LEAST_CHUNK, chunk // 8)

    def expand_parts(self, frontier: Frontier, parts: list[Part], each: Any) -> None:
        """Some parts at a time; where there is no room for what they find, room is made and it goes on."""
        mover, tally, alone = self.mover, self.tally, False  # whether there is nothing else in memory
        at_a_time = len(parts) if mover.counts_at_once else BATCH
        while parts:
            batch, parts, rest = parts[:at_a_time], parts[at_a_time:], []
            found = each(lambda part: mover.expand(frontier[:, slice(*part)]), batch)
            for (begin, end), (done, moves) in zip(batch, found, strict=True):
                tally.transitions += moves
                tally.expanded += done
                rest += [(begin + done, end)] if begin + done < end else []
                if mover.counts_at_once:
                    tally.look_up(mover)
            mover.update_set()
            if rest:
                mover.make_room(nothing_done=alone and rest == batch)
            alone, parts = bool(rest), rest + parts
            if not mover.counts_at_once:
                tally.look_up(mover)

    def violations(self, frontier: Frontier) -> list[tuple[State, str, int | None]]:
        """(state, invariant, number) for states that violate it: of each, the first MOST."""
        if not any(map(self.mover.broken, chunks(frontier))):
            return []
        if not self.mover.ordered:  # threads found it in no order
            frontier = frontier[:, :].take(np.lexsort(frontier[:, :]), axis=1)
        found = []
        for check, holds in self.checks:
            bad: list[State] = []
            for block in chunks(frontier):
                where = np.flatnonzero(~np.broadcast_to(holds(block), block.shape[1:]))
                bad += self.packing.unpack(block.take(where[: MOST - len(bad)], axis=1))
            found += [(state, check.name, check.number) for state in bad]
        return found

    def covered(self, reason: str, **why: Any) -> Verdict:
        """Why it stopped, with the states of the level that is not finished."""
        reason += self.saver.saved()
        return self.tally.answer(Undetermined, self.mover.states.counted(), reason=reason, **why)


def chunks(frontier: Frontier) -> Iterator[Words]:
    """The frontier cut into blocks that fit a cache."""
    return (frontier[:, begin : begin + CHUNK] for begin in range(0, frontier.shape[1], CHUNK))
