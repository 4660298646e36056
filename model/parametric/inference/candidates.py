"""Which clauses are worth a question: windows onto a state, and the short clauses that all samples satisfy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from model.parametric.clauses import Bits, Clause, Signature, signature
from model.parametric.logic import PAGE
from model.parametric.reading import Reading
from model.parametric.samples import Samples


def windows(reading: Reading, sizes: Mapping[str, int]) -> list[Signature]:
    """One page and two of each sort; then three; then two pages; never more than there are."""
    seen, found = set(), []
    for pages, others in ((1, 2), (1, 3), (2, 2), (2, 3)):
        counts = {s: min(pages if s == PAGE else others, sizes[s]) for s in reading.sorts}
        if tuple(counts.items()) not in seen:
            seen.add(tuple(counts.items()))
            found.append(signature(reading, counts))
    return found


def agrees(clause: Clause, samples: Samples, windows: Sequence[Signature]) -> bool:
    """Every sample satisfies the clause."""
    for window in windows:
        where = {a: i for i, a in enumerate(window.atoms)}
        if all(a in where for a, _ in clause.literals):
            rows = samples.rows(window)
            falls = np.ones(len(rows), bool)
            for a, wanted in clause.literals:
                falls &= rows[:, where[a]] != wanted
            return not falls.any()
    return False


def short_clauses(window: Signature, rows: Bits) -> Iterator[Clause]:
    """Every clause of one or two literals that all rows satisfy."""
    false = np.concatenate([~rows, rows], axis=1).astype(np.float32)  # column i: literal i is false
    literals = [(a, True) for a in window.atoms] + [(a, False) for a in window.atoms]
    both = false.T @ false
    single = np.diag(both) == 0
    yield from (Clause(frozenset({literals[i]})) for i in np.flatnonzero(single))
    for i, j in zip(*np.nonzero(np.triu(both == 0, 1)), strict=True):
        if not single[i] and not single[j] and literals[i][0] != literals[j][0]:
            yield Clause(frozenset({literals[i], literals[j]}))


def minimal_sets(rows: Bits) -> list[int]:
    """The sets of columns that are true in a row, as bits of an int, without those that contain another."""
    width = -(-rows.shape[1] // 64) * 64
    padded = np.zeros((len(rows), width), bool)
    padded[:, : rows.shape[1]] = rows
    words = np.packbits(padded, axis=1, bitorder="little").view(np.uint64)
    words = words[np.argsort(rows.sum(axis=1), kind="stable")]
    found = []
    while len(words):
        least = words[0]
        found.append(int.from_bytes(least.tobytes(), "little"))
        words = words[((words & least) != least).any(axis=1)]
    return found


def hitting_sets(sets: Sequence[int], length: int) -> Iterator[tuple[int, ...]]:
    """So many numbers with at least one in each of the sets (bits of an int), of which none could be left out early."""
    seen: set[int] = set()

    def extend(left: Sequence[int], chosen: int, more: int) -> Iterator[int]:
        if not left:
            if not more:
                yield chosen
            return
        options = min(left, key=int.bit_count) if more else 0
        if more == 1:
            for each in left:
                options &= each
        while options:
            bit = options & -options
            options ^= bit
            if chosen | bit not in seen:
                seen.add(chosen | bit)
                yield from extend([s for s in left if not s & bit], chosen | bit, more - 1)

    for cut in extend(list(sets), 0, length):
        yield tuple(n for n in range(cut.bit_length()) if cut >> n & 1)
