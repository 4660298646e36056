"""The graph of a finished sweep as flat arrays in files: every reachable state, and every enabled move as an edge.

A state's number is its rank among all states, sorted by their words, the last word first. So the number of a state at
hand is found by bisection in the states themselves, and neither the writer nor a reader keeps a table of them.

Edges lie in compressed sparse rows: those of state i are `indptr[i]:indptr[i + 1]`, in the order of the instance's
moves. Moves that change nothing and moves that lead to the same state are edges too, so that there are as many as the
search counts transitions.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.engines.packed.kernel import Kernel
from model.engines.packed.levels import Levels
from model.engines.packed.sweep import CHUNK, Search
from model.engines.store.bitset import beginnings
from model.engines.store.packing import Columns, Packing, Words
from model.engines.store.spill import resident
from model.errors import ModelError, TooWide, UsageError
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.limits import Limits, Progress
from model.verdict import INTERRUPTED, UNDETERMINED, Proved, Undetermined

Numbers = NDArray[np.int64]
WHAT = "clearorder graph 1"
METADATA = "metadata.json"
FILES = {
    "states": "uint64 (words, states): the states in ascending order, the last word first; `fields` says what is where",
    "depth": "uint32 (states): moves of a shortest trace from the initial state",
    "indptr": "int64 (states + 1): the edges of state i are indptr[i]:indptr[i + 1]",
    "indices": "int32 (transitions): the number of the state where the edge leads",
    "steps": "uint16 (transitions): the number in `steps` of the step that is taken",
}
LARGEST = (1 << 31) - 1  # number of a state in the files; scipy counts states and edges alike by such numbers
AHEAD = 4  # blocks for each thread that are worked on before the first of them is written


class Incomplete(ModelError):
    """The search was stopped before every state was known, so there is no graph to write."""

    exit_code = UNDETERMINED


class Interrupted(Incomplete):
    """By Ctrl-C."""

    exit_code = INTERRUPTED


class NoSpace(ModelError):
    """The files cannot be written to their end."""

    exit_code = UNDETERMINED


# ---------------------------------------------------------------- writing


def write(instance: Instance, directory: Path, limits: Limits | None = None, *, word_bits: int = 64) -> Graph:
    """Search every reachable state and write the graph; what stands in `directory` already, if a graph, is replaced.

    Args:
        instance: a program at given sizes.
        directory: is made if it is not there. It has the new graph when this returns, and what it had before if not.
        limits: states and seconds after which to give up. The states are kept in memory, 8 bytes a word (twice that
            for a moment), so a limit of memory is refused; the edges are not, each takes 6 bytes on disk.
        word_bits: bits of a word to use.

    Raises:
        Incomplete: a limit was reached; Interrupted: by Ctrl-C.
        NoSpace: the files cannot be written to their end.
        UsageError: something else stands at `directory`, or it cannot be made.
        TooWide: there are more states or steps than the files have numbers for.
    """
    limits = limits or Limits()
    if limits.memory is not None:
        raise UsageError("a graph is numbered in memory, 16 bytes a state and word; no limit of memory is kept here.")
    if len(instance.steps) > 1 << 16:
        raise TooWide(f"{instance.program.name} has {len(instance.steps):,} steps at this size, and an edge 16 bits.")
    begin = monotonic()
    with _replacing(directory) as scratch:
        levels = _swept(instance, limits, word_bits)
        try:
            _write(levels, scratch, limits, begin)
        except KeyboardInterrupt:
            raise Interrupted("interrupted while the edges were written; no graph was written.") from None
    return load(directory)


def _write(levels: Levels, directory: Path, limits: Limits, begin: float) -> None:
    states = _sorted(levels.layers)
    writer = Writer(levels.packing, states, begin, limits)
    initial = writer.depths(levels, directory / "depth.npy")
    with NpyFile(directory / "states.npy", np.uint64, states.shape) as file:
        file.put(states)
    moves = levels.verdict.transitions
    assert moves is not None, "a search of all levels makes every move"
    writer.edges(moves, directory)
    text = json.dumps(_metadata(levels, initial), indent=1) + "\n"
    (directory / METADATA).write_text(text, encoding="utf-8")


def _swept(instance: Instance, limits: Limits, word_bits: int) -> Levels:
    run = Search(Problem.on(instance), limits, word_bits=word_bits)
    run.layers = []
    verdict = run.run()
    if isinstance(verdict, Undetermined):
        kind = Interrupted if verdict.interrupted else Incomplete
        raise kind(f"{verdict.reason}; {verdict.states:,} states were seen, no graph was written.")
    assert isinstance(verdict, Proved), "nothing was asked that could be refuted"
    if verdict.states > LARGEST:
        raise TooWide(f"{verdict.states:,} states: a graph has at most {LARGEST:,}.")
    return Levels(verdict, run.packing, run.layers)


def _sorted(layers: Sequence[Words]) -> Words:
    states = np.concatenate(layers, axis=1)
    if len(states) == 1:
        states.sort()
        return states
    return np.ascontiguousarray(states[:, np.lexsort(states)])


@contextmanager
def _replacing(directory: Path) -> Iterator[Path]:
    """A directory that takes the place of `directory` when the block ends well, and is gone when it does not."""
    if directory.exists() and not (directory / METADATA).is_file() and any(directory.iterdir()):
        raise UsageError(f"{directory} has files in it that are no graph; name a new directory.")
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=directory.parent, prefix=f".{directory.name}."))
    except OSError as wrong:
        raise UsageError(f"cannot write {directory}: {wrong.strerror}.") from None
    new, old = scratch / "new", scratch / "old"
    try:
        new.mkdir()
        yield new
        if directory.exists():
            directory.rename(old)
        new.rename(directory)
    except OSError as wrong:
        raise NoSpace(f"cannot write {directory}: {wrong.strerror}; no graph was written.") from None
    finally:
        if old.exists() and not directory.exists():  # interrupted between the two
            old.rename(directory)
        shutil.rmtree(scratch, ignore_errors=True)


class NpyFile:
    """An array in NumPy's file format, written from front to back.

    Not a mapped file: on a full disk a mapped one ends the process with SIGBUS, and this raises OSError.
    """

    def __init__(self, path: Path, kind: type[np.generic], shape: tuple[int, ...]) -> None:
        self.file, self.kind, self.left = path.open("wb"), np.dtype(kind), int(np.prod(shape))
        head = {"descr": np.lib.format.dtype_to_descr(self.kind), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self.file, head)

    def __enter__(self) -> NpyFile:
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        with self.file:
            assert failed or not self.left, f"{self.left:,} numbers are missing from {self.file.name}"

    def put(self, part: NDArray[Any]) -> None:
        self.left -= part.size
        self.file.write(np.ascontiguousarray(part, dtype=self.kind).data)


class Ranks:
    """From states to their numbers.

    Args:
        states: all of them, sorted, as a (words, n) array.

    Of several words, the last is looked up among its own values; then the pair of that number and of the next word's
    among all pairs that occur; and so on. A pair is a product of two numbers of states, which a word holds.
    """

    def __init__(self, states: Words) -> None:
        self.last = _distinct(states[-1])
        self.lower: list[tuple[Words, Numbers]] = []  # for each lower word its values, and the pairs that occur
        found = _among(self.last, states[-1])
        for word in states[-2::-1]:
            values = _distinct(word)
            pairs = found * values.size + _among(values, word)
            self.lower.append((values, _distinct(pairs)))
            found = _among(self.lower[-1][1], pairs)

    def of(self, columns: Columns) -> Numbers:
        """The numbers of these states.

        Raises:
            AssertionError: one of them is not there.
        """
        found = _among(self.last, columns[-1])
        for (values, occur), word in zip(self.lower, columns[-2::-1], strict=True):
            found = _among(occur, found * values.size + _among(values, word))
        return found


def _distinct(values: NDArray[Any]) -> NDArray[Any]:
    """The values sorted, each once; `numpy.unique` does it by hashing, with several times the time and memory."""
    values = np.sort(values)
    return values[beginnings((values,))]


def _among(values: NDArray[Any], wanted: NDArray[Any]) -> Numbers:
    """Positions of what is wanted in sorted values."""
    found = np.searchsorted(values, wanted)
    assert np.array_equal(values.take(found, mode="clip"), wanted), "a move leads out of the states that were swept"
    return found


Part = tuple[Numbers, NDArray[np.int32], NDArray[np.uint16]]  # edges of each state; targets; steps


class Writer:
    """The edges of sorted states, a block of them after the other."""

    def __init__(self, packing: Packing, states: Words, begin: float, limits: Limits) -> None:
        self.states, self.ranks = states, Ranks(states)
        self.count = states.shape[1]
        kernel = Kernel(packing, carry=1)
        self.expands = [
            (number, expand) for number, step in enumerate(packing.instance.steps) for expand in kernel.expands([step])
        ]
        self.begin, self.limits = begin, limits

    def depths(self, levels: Levels, path: Path) -> int:
        """Write how far each state is from the start, and return the number of the initial one."""
        depth = np.zeros(self.count, dtype=np.uint32)
        for moves, layer in enumerate(levels.layers):
            depth[self.ranks.of(tuple(layer))] = moves
        with NpyFile(path, np.uint32, depth.shape) as file:
            file.put(depth)
        self.depth = levels.verdict.depth
        return int(np.argmin(depth))

    def edges(self, transitions: int, scratch: Path) -> None:
        """Write the three files of edges; that they are as many as the search has counted is checked."""
        written = 0
        with (
            NpyFile(scratch / "indptr.npy", np.int64, (self.count + 1,)) as starts,
            NpyFile(scratch / "indices.npy", np.int32, (transitions,)) as indices,
            NpyFile(scratch / "steps.npy", np.uint16, (transitions,)) as steps,
        ):
            starts.put(np.zeros(1))
            for counts, targets, taken in self.parts():
                starts.put(written + np.cumsum(counts))
                indices.put(targets)
                steps.put(taken)
                written += targets.size

    def parts(self) -> Iterator[Part]:
        """The edges of each block, in order; a few blocks are worked on at a time."""
        threads = min(4, os.cpu_count() or 1)
        begins = range(0, self.count, CHUNK)
        with ThreadPoolExecutor(threads) as pool:
            for first in range(0, len(begins), threads * AHEAD):
                self.tell(begins[first])
                yield from pool.map(self.part, begins[first : first + threads * AHEAD])

    def tell(self, done: int) -> None:
        """Report, and stop where a limit is reached."""
        if stop := self.limits.reached(0, self.begin):
            raise Incomplete(f"{stop} after the edges of {done:,} of {self.count:,} states; no graph was written.")
        if self.limits.report:
            seconds, part = monotonic() - self.begin, done / self.count
            left = self.count - done
            self.limits.report(Progress("edges", done, self.depth, self.count, part, seconds, resident(), left))

    def part(self, begin: int) -> Part:
        """The edges of one block, sorted by state and then by step."""
        block = self.states[:, begin : begin + CHUNK]
        numbered = np.vstack([block, np.arange(block.shape[1], dtype=np.uint64)])
        sources, targets = [np.zeros(0, dtype=np.uint16)], [np.zeros(0, dtype=np.int32)]
        sizes = []

        def emit(after: Columns) -> None:
            sources.append(after[-1].astype(np.uint16))  # which is sorted by counting
            targets.append(self.ranks.of(after[:-1]).astype(np.int32))

        for _, expand in self.expands:
            sizes.append(expand(numbered, emit))
        source = np.concatenate(sources)
        order = np.argsort(source, kind="stable")
        taken = np.repeat(np.array([number for number, _ in self.expands], dtype=np.uint16), sizes)
        counts = np.bincount(source, minlength=block.shape[1])
        return counts, np.concatenate(targets)[order], taken[order]


def _metadata(levels: Levels, initial: int) -> dict[str, Any]:
    """All that another program needs to read the files."""
    packing, instance, verdict = levels.packing, levels.packing.instance, levels.verdict
    return {
        "what": WHAT,
        "design": instance.program.name,
        "digest": instance.program.digest,
        "pages": instance.pages,
        "sizes": instance.sizes,
        "states": verdict.states,
        "transitions": verdict.transitions,
        "depth": verdict.depth,
        "initial": initial,
        "words": packing.words,
        "files": {f"{name}.npy": text for name, text in FILES.items()},
        "fields": [
            {"name": f.name, "sort": f.sort, "per": f.per, "number": f.number}
            | {"word": place.word, "shift": place.shift, "width": place.width}
            for f, place in ((f, packing.place(f.key)) for f in instance.fields)
        ],
        "steps": [
            {"step": s.step.label, "sort": s.sort, "thread": s.thread, "indices": dict(s.indices)}
            for s in instance.steps
        ],
        "locations": {
            sort: [
                {"operation": place.operation, "after": place.after, "carried": list(values)}
                for place, values in ((instance.program.threads[sort][n], v) for n, v in codes)
            ]
            for sort, codes in instance.codes.items()
        },
    }


# ---------------------------------------------------------------- reading


@dataclass(frozen=True)
class Graph:
    """A graph in files; the arrays are mapped, so that only what is looked at is read. `FILES` says what they are.

    Attributes:
        metadata: sizes, where each field of a state stands, and what each step and location is.
    """

    metadata: dict[str, Any]
    states: Words
    depth: NDArray[np.uint32]
    indptr: Numbers
    indices: NDArray[np.int32]
    steps: NDArray[np.uint16]

    @cached_property
    def components(self) -> Components:
        """The strongly connected components.

        Raises:
            TooWide: scipy has no numbers for so many edges.
        """
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import connected_components

        starts, targets = self._simple()
        if targets.size > LARGEST:
            raise TooWide(f"{targets.size:,} edges: scipy finds the components of a graph of at most {LARGEST:,}.")
        weights = np.broadcast_to(np.float64(1), targets.size)  # one number in memory, whatever their count
        shape = self.depth.size, self.depth.size
        rows = csr_array((weights, targets, starts.astype(np.int32)), shape=shape, copy=False)
        _, of = connected_components(rows, connection="strong")
        return Components(of, np.bincount(of), ~self._left(of))

    def _simple(self) -> tuple[Numbers, NDArray[np.int32]]:
        """`indptr` and `indices` with one edge where several lead to the same state.

        scipy (1.17) takes for granted that there are not several, and loops for ever where there are. Edges from a
        state to itself are left out too, for they make no component larger.
        """
        starts, targets = np.zeros(self.depth.size + 1, dtype=np.int64), np.empty(self.indices.size, dtype=np.int32)
        size = 0
        for begin, own, there in self._blocks():
            following = np.arange(begin, min(begin + CHUNK, self.depth.size)) + 1
            pairs = _distinct((own << 32 | there)[own != there])
            starts[begin + 1 : begin + 1 + CHUNK] = size + np.searchsorted(pairs, following << 32)
            targets[size : size + pairs.size] = pairs & 0xFFFFFFFF
            size += pairs.size
        return starts, targets[:size]

    def _left(self, of: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Of each component, whether an edge leads out of it."""
        left = np.zeros(int(of.max()) + 1, dtype=np.bool_)
        for _, own, there in self._blocks():
            before, after = of[own], of[there]
            left[before[before != after]] = True
        return left

    def _blocks(self) -> Iterator[tuple[int, Numbers, NDArray[np.int32]]]:
        """For each block of states its first one, and where its edges begin and end."""
        for begin in range(0, self.depth.size, CHUNK):
            ends = self.indptr[begin : begin + CHUNK + 1]
            own = np.repeat(np.arange(begin, begin + ends.size - 1), np.diff(ends))
            yield begin, own, self.indices[ends[0] : ends[-1]]


@dataclass(frozen=True)
class Components:
    """Strongly connected components, in no order.

    Attributes:
        of: for each state the number of its component.
        sizes: for each component its states.
        terminal: for each component, whether no edge leads out of it: what the design ends in.
    """

    of: NDArray[np.int32]
    sizes: Numbers
    terminal: NDArray[np.bool_]


def load(directory: Path) -> Graph:
    """The graph that `write` has written.

    Raises:
        UsageError: there is none.
    """
    try:
        metadata = json.loads((directory / METADATA).read_text(encoding="utf-8"))
        if metadata["what"] != WHAT:
            raise ValueError
        arrays = {name: np.load(directory / f"{name}.npy", mmap_mode="r") for name in FILES}
    except OSError as wrong:
        raise UsageError(f"cannot read the graph in {directory}: {wrong.strerror}.") from None
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{directory} has no graph of ours in it.") from None
    return Graph(metadata, **arrays)
