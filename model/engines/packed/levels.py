"""Every level of a packed search kept, so that shortest traces are found backwards through them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from model.engines.packed.kernel import Kernel
from model.engines.packed.native import compilation
from model.engines.packed.sweep import Search, chunks
from model.engines.store.bitset import Visited
from model.engines.store.packing import Columns, Packing, Words
from model.instance.problem import Problem
from model.instance.state import State
from model.limits import Limits
from model.verdict import Verdict


def search(asked: Problem, limits: Limits | None = None) -> Levels:
    """The same search with all its levels kept, 8 bytes a state and word, so that traces can be found backwards."""
    run = Search(asked, limits)
    run.layers, run.compiling = [], compilation("auto")
    return Levels(run.run(), run.packing, run.layers)


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
