"""The inner loop of the packed engine in C, used where a C compiler is found: compiled once, kept, and called.

It works on the same set of states as the NumPy functions do, so that a search may go on with either between two levels.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from model.engines.packed.native_text import source
from model.engines.store.hash_table import Hashed
from model.engines.store.packing import Words
from model.engines.store.states import Blocks, Frontier
from model.errors import ModelError, UsageError

FLAGS = ("-O2", "-fPIC", "-shared", "-w")
KEPT = 256  # compiled searches in the cache, some 20 kB each
OUT = 1 << 17  # new states that one call may find before it is called again
KERNELS = ("auto", "numpy", "c")
WORTH, WORTH_WAITING = 50_000, 200_000  # states after which it is compiled; of a level for which that is waited for


class NoCompiler(ModelError):
    """There is no C compiler, or it does not take what we write."""

    exit_code = 4


# ---------------------------------------------------------------- compiling and loading


def compiler() -> str:
    """Where the C compiler is, or an empty string: $CC, or `cc`."""
    return shutil.which(os.environ.get("CC") or "cc") or ""


def cache() -> Path:
    """Where compiled code is kept; it may be removed at any time."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "clearorder" / "native"


class Building:
    """Compiled code that is there already, or is being made by a process of its own.

    Raises:
        NoCompiler: there is none, or there is no place for what it makes.
    """

    def __init__(self, text: str) -> None:
        self.compiler = compiler()
        key = hashlib.sha256("\0".join([*FLAGS, self.compiler, os.uname().machine, text]).encode()).hexdigest()
        self.path = cache() / f"{key[:40]}.so"
        self.process: subprocess.Popen[str] | None = None
        if not self.path.exists():
            self.begin(text)

    def begin(self, text: str) -> None:
        if not self.compiler:
            raise NoCompiler("there is no C compiler here; install one (Debian: gcc), or leave out --kernel c.")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.directory = tempfile.TemporaryDirectory(prefix="building-", dir=self.path.parent)
        except OSError as wrong:
            raise NoCompiler(f"compiled code cannot be kept in {self.path.parent}: {wrong.strerror}.") from None
        self.made = Path(self.directory.name) / self.path.name
        command = [self.compiler, *FLAGS, "-x", "c", "-o", str(self.made), "-"]
        pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, "stdout": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, text=True, start_new_session=True, **pipes)  # type: ignore[call-overload]
        assert self.process.stdin is not None
        try:
            with suppress(BrokenPipeError), self.process.stdin as pipe:  # its exit status says what is wrong
                pipe.write(text)
        except BaseException:
            self.close()
            raise

    @property
    def done(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def library(self) -> ctypes.CDLL:
        """The code, loaded; waits until it is there.

        Raises:
            NoCompiler: the compiler did not take it.
        """
        if self.process is not None:
            assert self.process.stderr is not None
            said = self.process.stderr.read()
            if self.process.wait():
                why = said.strip()[:500] or "it says nothing"
                raise NoCompiler(f"{self.compiler} does not compile the generated search: {why}")
            self.made.replace(self.path)
            self.forget()
        self.close()
        try:
            return ctypes.CDLL(str(self.path))
        except OSError as wrong:
            self.path.unlink(missing_ok=True)  # so that the next run makes it anew
            raise NoCompiler(f"the compiled search cannot be loaded: {wrong}.") from None

    def forget(self) -> None:
        """Remove what was made longest ago, so that the cache stays as large as it is."""
        with suppress(OSError):  # another run may do the same
            for old in sorted(self.path.parent.glob("*.so"), key=lambda p: p.stat().st_mtime)[:-KEPT]:
                old.unlink()

    def close(self) -> None:
        """Stop what is still being made, and remove what was not finished."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()
        self.directory.cleanup()
        self.process = None


# ---------------------------------------------------------------- calling it


class _Set(ctypes.Structure):
    """`struct set` of native.c."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("bits", "old", "names", "touched", "nodes")),
        *((name, ctypes.c_int64) for name in ("blocks", "used", "room", "block", "fresh")),
        ("table", ctypes.c_void_p),
        *((name, ctypes.c_int64) for name in ("mask", "most", "kept")),
        *((name, ctypes.c_int32) for name in ("lock", "full")),
    )


class _Call(ctypes.Structure):
    """`struct call` of native.c."""

    _fields_ = (
        ("fresh", ctypes.c_int64),
        ("out", ctypes.c_void_p),
        ("stride", ctypes.c_int64),
        ("room", ctypes.c_int64),
    )


class Native:
    """The compiled functions over one set of states whose memory stays where it is (`Visited.fix`).

    Shapes: as in `packed.sweep`: a block of n states is a (words, n) uint64 array whose rows are contiguous.
    """

    ordered, counts_at_once = True, False

    def __init__(self, library: ctypes.CDLL, states: Blocks) -> None:
        self.library: ctypes.CDLL | None = library
        self.states = states
        self._expand, self._first_broken, self._turn = library.expand, library.first_broken, library.turn
        for function in (self._expand, self._first_broken, self._turn):
            function.restype = ctypes.c_int64
        self._follow()

    @property
    def blocks(self) -> Blocks | None:
        return self.states

    def _follow(self) -> None:
        """Work on what is the set in memory now."""
        self.visited = visited = self.states.memory
        arrays = {n: getattr(visited, n).ctypes.data for n in ("bits", "old", "names", "touched")}
        tree, room = visited.directory, min(visited.room or 0, visited.fixed)
        assert room, "its arrays would be where they are no more"
        self.set = _Set(**arrays, nodes=tree.nodes.ctypes.data, room=room, block=visited.block)
        self.set.blocks, self.set.used, self.set.fresh = visited.blocks, tree.used, visited.fresh()

    def expand(self, block: Words) -> tuple[int, int]:
        """Add what one move leads to from these states.

        Returns:
            How many of them were done, fewer only where there was no room, and how many moves those have.
        """
        count, call = ctypes.c_int64(), _Call()
        done = self._expand(ctypes.byref(self.set), *_given(block), ctypes.byref(count), ctypes.byref(call))
        return int(done), count.value

    def update_set(self) -> None:
        """Let the set know what the compiled code has added; while none of it runs."""
        self.visited.blocks, self.visited.directory.used = self.set.blocks, self.set.used
        self.visited.most = self.set.fresh

    def broken(self, block: Words) -> bool:
        """Whether an invariant is broken in one of these states."""
        return bool(self._first_broken(*_given(block)) >= 0)

    def make_room(self, nothing_done: bool) -> None:
        """Make room where `expand` found none."""
        self.states.make_room(nothing_done)
        self._follow()

    def fresh(self) -> int:
        """How many states were added since the last level."""
        found = self.states.fresh()
        if self.states.sparing:
            self._follow()
        return found

    def next_level(self) -> Frontier:
        """The states added since the last level, sorted."""
        self.update_set()
        if not self.states.sparing:
            return self._turned()
        level = self.states.next_level()
        self._follow()
        return level

    def _turned(self) -> Words:
        numbers = self.visited.recent()
        out = np.empty((self.visited.words, self.set.fresh), dtype=np.uint64)
        where = ctypes.c_void_p(numbers.ctypes.data), ctypes.c_int64(numbers.size)
        found = self._turn(ctypes.byref(self.set), *where, *_given(out)[:2])
        assert found == out.shape[1], "as many states as were added"
        self.set.fresh = self.visited.most = 0
        return out


class NativeTable:
    """The same over a table."""

    ordered, counts_at_once = False, False

    def __init__(self, library: ctypes.CDLL, states: Hashed) -> None:
        self.library: ctypes.CDLL | None = library
        self.states, self.found = states, list[Words]()
        self._expand, self._first_broken = library.expand, library.first_broken
        self.set = _Set(fresh=states.most, kept=states.kept)
        self._follow()

    def make_room(self, nothing_done: bool) -> None:
        """Make room where `expand` found none."""
        self.states.make_room(nothing_done)
        self._follow()

    def fresh(self) -> int:
        """How many states were added since the last level."""
        return self.states.fresh()

    @property
    def blocks(self) -> Blocks | None:
        """A table has none."""
        return None

    def _follow(self) -> None:
        """Go on with the table as it is now."""
        table = self.states.table
        self.set.table, self.set.mask, self.set.most = table.ctypes.data, table.shape[0] - 1, self.states.limit
        self.set.full = 0

    def expand(self, block: Words) -> tuple[int, int]:
        """Add what one move leads to from these states: how many of them were done, and their moves."""
        out = np.empty((self.states.words, OUT), dtype=np.uint64)
        place, apart, room = _given(out)
        count, call = ctypes.c_int64(), _Call(0, place, apart, room)
        done = self._expand(ctypes.byref(self.set), *_given(block), ctypes.byref(count), ctypes.byref(call))
        if call.fresh:
            self.found.append(out[:, : call.fresh].copy())
        return int(done), count.value

    def update_set(self) -> None:
        """Let the set know what the compiled code has added."""
        self.states.most, self.states.kept = self.set.fresh, self.set.kept

    def broken(self, block: Words) -> bool:
        """Whether an invariant is broken in one of these states."""
        return bool(self._first_broken(*_given(block)) >= 0)

    def next_level(self) -> Words:
        """The states added since the last level, in no order."""
        self.update_set()
        nothing = np.empty((self.states.words, 0), dtype=np.uint64)
        out = np.concatenate([nothing, *self.found], axis=1)
        assert self.set.fresh == out.shape[1], "as many states as were added"
        self.found, self.set.fresh, self.states.most = [], 0, 0
        return out


def _given(block: Words) -> tuple[ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64]:
    """Where a block stands, how far its rows are apart, and how many states it has."""
    apart = block.strides[0] // block.itemsize
    return ctypes.c_void_p(block.ctypes.data), ctypes.c_int64(apart), ctypes.c_int64(block.shape[1])


class Compilation:
    """When a search goes on with compiled code.

    Args:
        must: as soon as it can, and not without; otherwise where it is worth it, and where there is a compiler.
    """

    def __init__(self, must: bool) -> None:
        self.must, self.given_up = must, False
        self.building: Building | None = None

    def native(self, made_of: Sequence[Any], states: Blocks, known: int, size: int) -> Native | None:
        """The compiled code, or None as long as there is none; asked before a level of `size` states.

        Args:
            known: states of the levels before it.
            made_of: the packing, the conditions and the locations that go alone, as for `source`.

        Raises:
            NoCompiler: it must be there, and cannot.
        """
        sparing = states.sparing  # NumPy needs more memory
        if self.given_up or not (self.must or sparing or known > WORTH):
            return None
        try:
            packing, conditions, alone = made_of
            tree = states.memory
            self.building = self.building or Building(source(packing, conditions, tree, alone))
            if not (self.must or sparing or self.building.done or size > WORTH_WAITING):
                return None
            library = self.building.library()
            if not tree.fixed:
                tree.fix(physical_memory())
            return Native(library, states)
        except (NoCompiler, OSError):
            self.given_up = True
            if self.must:
                raise
            return None

    def close(self) -> None:
        if self.building is not None:
            self.building.close()


def compilation(kernel: str, able: bool = True) -> Compilation | None:
    """When compiled code is used for `kernel`: "auto", "c" or "numpy", which is never.

    Args:
        able: whether the search is one that compiled code can do.

    Raises:
        UsageError: there is no such kernel, or "c" is asked of a search that it cannot do.
    """
    if kernel not in KERNELS:
        raise UsageError(f"there is no kernel '{kernel}'; there are {', '.join(KERNELS)}.")
    if kernel == "c" and not able:
        raise UsageError("the kernel c does not put states in order, as symmetry does; leave out one of the two.")
    return Compilation(must=kernel == "c") if able and kernel != "numpy" else None


def physical_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
