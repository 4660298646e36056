"""The inner loop of the packed engine in C, for who has a C compiler: generated, compiled once, and kept.

`native.c` is the part that is the same for every design. What is generated around it reads the same recorded steps
through the same writer as the NumPy functions (`model.engines.kernel`), and works on the same set of states, so that
a search may go on with either at any time.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from model.algebra import c_source
from model.engines.hashed import Hashed
from model.engines.kernel import Kernel, Writer, grouped, parameters
from model.engines.packing import Packing, Words
from model.engines.spill import Spilling
from model.engines.visited import LANES, LOW, Digit, Visited
from model.errors import ModelError, UsageError
from model.expr import Expr
from model.ground_step import GroundStep
from model.step import Param

SOURCE = Path(__file__).with_name("native.c")
FLAGS = ("-O2", "-fPIC", "-shared", "-w")
KEPT = 256  # compiled searches in the cache, some 20 kB each
OUT = 1 << 17  # new states that one call may find before it is called again
KERNELS = ("auto", "numpy", "c")
WORTH, WORTH_WAITING = 50_000, 200_000  # states after which it is compiled; of a level for which that is waited for


class NoCompiler(ModelError):
    """There is no C compiler, or it does not take what we write."""

    exit_code = 4


# ---------------------------------------------------------------- source text


class CWriter(Writer):
    """Expressions over one state whose words are x0, x1, …"""

    def number(self, value: int) -> str:
        return f"{value}ULL"

    def named(self, text: str) -> str:
        self.fresh += 1
        self.line(f"const word t{self.fresh} = {text};")
        return f"t{self.fresh}"

    def truth(self, expr: Expr) -> str:
        return f"(word)({self.value(expr)})"

    def group(self, here: Expr | None, steps: Sequence[GroundStep], last: bool = False) -> None:
        """Steps that begin at one location; the last of what is done for a state, or not."""
        self.over("x", [here] if here is not None else [])
        self.opened(f"if ({self.value(here)})" if here is not None else "")
        for step in steps:
            self.opened("")
            self.step(step, step.guards[here is not None :])
            self.closed()
        if last:
            self.line("return 1;")
        self.closed()

    def step(self, step: GroundStep, guards: Sequence[Expr]) -> None:
        """Guards as soon as what they mention is chosen, a loop for each parameter, and the visit innermost."""
        self.over("x", [*guards, *(value for _, value in step.updates)])
        outside, left, chosen = self.indent, list(guards), set[str]()
        left = self.where(left, chosen)
        for param in step.params:
            within = next((g for g in left if _bounds(g, param.name, chosen)), None)
            left = [g for g in left if g is not within]
            chosen.add(param.name)
            self.choose(param, self.value(within.args[1]) if within is not None else None)
            left = self.where(left, chosen)
        self.line("++*count;")
        self.line(f"if (!visit(set, call, {', '.join(self.after(step, 'x'))}))")
        self.line("    return 0;")
        while self.indent > outside:
            self.closed()

    def where(self, guards: Sequence[Expr], chosen: set[str]) -> list[Expr]:
        """Go on where the guards hold whose parameters are chosen; the others are left."""
        for guard in guards:
            if parameters(guard) <= chosen:
                self.opened(f"if ({self.value(guard)})")
        return [g for g in guards if not parameters(g) <= chosen]

    def choose(self, param: Param, within: str | None) -> None:
        """A loop over what the parameter can be; where a guard says that it lies within a set, over its parts."""
        name, every = f"p_{param.name}", self.number(self.kernel.instance.full)
        where = every if within is None else within
        if param.kind == "page":
            self.opened(f"for (word left = {where}, {name}; {name} = left & -left, left; left &= left - 1)")
        elif param.kind == "some":
            self.opened(f"for (word within = {where}, {name} = within; {name}; {name} = ({name} - 1) & within)")
        else:
            self.opened(
                f"for (word within = {where}, {name} = within, last = 0; !last; last = !{name}, "
                f"{name} = ({name} - 1) & within)"
            )

    def opened(self, head: str) -> None:
        self.line(f"{head} {{".lstrip())
        self.indent += 1

    def closed(self) -> None:
        self.indent -= 1
        self.line("}")


def _bounds(guard: Expr, name: str, chosen: set[str]) -> bool:
    """Whether the guard says that this parameter lies within a set that is known already."""
    if guard.op != "subset" or guard.args[0].op != "param" or guard.args[0].args[0] != name:
        return False
    return parameters(guard.args[1]) <= chosen


def source(packing: Packing, invariants: Sequence[Expr], visited: Visited, alone: Sequence[Expr] = ()) -> str:
    """The whole C text for an instance, the ground conditions that must hold, and the shape of its set of states.

    Args:
        alone: locations at which only the moves that begin there are taken (`model.engines.partial_order`).
    """
    kernel = Kernel(packing, c_source(packing.instance.pages))
    parts = _shape(packing.words, visited), [SOURCE.read_text()], _moves(kernel, alone), _broken(kernel, invariants)
    return "\n".join(line for part in parts for line in part)


def _shape(words: int, visited: Visited) -> Iterator[str]:
    """Macros that spell a state's words and the digits of a block's name."""
    tree, names = visited.directory, [f"x{k}" for k in range(words)]
    yield f"enum {{ WORDS = {words}, LOW = {LOW}, LANES = {LANES}, ROOT = {tree.root}, DIGITS = {len(tree.digits)} }};"
    yield f"#define STATE {', '.join(f'word {x}' for x in names)}"
    yield f"#define GIVEN {', '.join(names)}"
    fetched = ", ".join(f"x{k} = (in)[(i) + {k} * (stride)]" for k in range(words))
    yield f"#define FETCH(in, stride, i) word {fetched}"
    yield f"#define NAME {{ {', '.join(['x0 >> LOW', *names[1:]])} }}"
    digits = (_digit(k, d) for k, d in enumerate(tree.digits))
    yield f"#define digit(k, ...) ({' : '.join(digits)} : 0)"
    widths = (f"(k) == {k} ? {d.bits}" for k, d in enumerate(tree.digits))
    yield f"#define width(k) ({' : '.join(widths)} : 0)"


def _digit(k: int, digit: Digit) -> str:
    shift = digit.shift + (LOW if digit.word == 0 else 0)
    shifted = f"x{digit.word} >> {shift}" if shift < 64 else "0"
    return f"(k) == {k} ? (int64_t)({shifted} & {(1 << digit.bits) - 1}ULL)"


def _moves(kernel: Kernel, alone: Sequence[Expr]) -> Iterator[str]:
    writer, groups = CWriter(kernel), dict(grouped(kernel.instance))
    for here in alone:
        writer.group(here, groups.pop(here), last=True)
    for located, steps in groups.items():
        writer.group(located, steps)
    yield "static int moves(struct set *set, struct call *call, int64_t *count, STATE)\n{"
    yield from writer.lines
    yield "    return 1;\n}"


def _broken(kernel: Kernel, invariants: Sequence[Expr]) -> Iterator[str]:
    writer = CWriter(kernel)
    for case in invariants:
        writer.over("x", [case])
        writer.line(f"if (!{writer.value(case)})")
        writer.line("    return 1;")
    yield "static int broken(STATE)\n{"
    yield from writer.lines
    yield "    return 0;\n}"


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
    """The compiled functions over one set of states that is settled (`Visited.settle`).

    Shapes: as in `model.engines.lanes`: a block of n states is a (words, n) uint64 array whose rows are contiguous.
    """

    def __init__(self, library: ctypes.CDLL, visited: Visited) -> None:
        self.library, self.visited = library, visited
        self._expand, self._first_broken, self._turn = library.expand, library.first_broken, library.turn
        for function in (self._expand, self._first_broken, self._turn):
            function.restype = ctypes.c_int64
        arrays = {n: getattr(visited, n).ctypes.data for n in ("bits", "old", "names", "touched")}
        tree, room = visited.directory, min(visited.room or 0, visited.settled)
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

    def told(self) -> None:
        """Let the set know what the compiled code has added; while none of it runs."""
        self.visited.blocks, self.visited.directory.used = self.set.blocks, self.set.used
        self.visited.most = self.set.fresh

    def broken(self, block: Words) -> bool:
        """Whether an invariant is broken in one of these states."""
        return bool(self._first_broken(*_given(block)) >= 0)

    def turn(self) -> Words:
        """The states added since the last turn, sorted: the next frontier."""
        self.told()
        numbers = self.visited.recent()
        out = np.empty((self.visited.words, self.set.fresh), dtype=np.uint64)
        where = ctypes.c_void_p(numbers.ctypes.data), ctypes.c_int64(numbers.size)
        found = self._turn(ctypes.byref(self.set), *where, *_given(out)[:2])
        assert found == out.shape[1], "as many states as were added"
        self.set.fresh = self.visited.most = 0
        return out


class NativeTable:
    """The same over a table."""

    def __init__(self, library: ctypes.CDLL, visited: Hashed) -> None:
        self.library, self.visited, self.found = library, visited, list[Words]()
        self._expand, self._first_broken = library.expand, library.first_broken
        self.set = _Set(fresh=visited.most, kept=visited.kept)
        self.follow()

    def follow(self) -> None:
        """Go on with the table as it is now."""
        table = self.visited.table
        self.set.table, self.set.mask, self.set.most = table.ctypes.data, table.shape[0] - 1, self.visited.limit
        self.set.full = 0

    def expand(self, block: Words) -> tuple[int, int]:
        """Add what one move leads to from these states: how many of them were done, and their moves."""
        out = np.empty((self.visited.words, OUT), dtype=np.uint64)
        place, apart, room = _given(out)
        count, call = ctypes.c_int64(), _Call(0, place, apart, room)
        done = self._expand(ctypes.byref(self.set), *_given(block), ctypes.byref(count), ctypes.byref(call))
        if call.fresh:
            self.found.append(out[:, : call.fresh].copy())
        return int(done), count.value

    def told(self) -> None:
        """Let the set know what the compiled code has added."""
        self.visited.most, self.visited.kept = self.set.fresh, self.set.kept

    def broken(self, block: Words) -> bool:
        """Whether an invariant is broken in one of these states."""
        return bool(self._first_broken(*_given(block)) >= 0)

    def turn(self) -> Words:
        """The states added since the last turn, in no order: the next frontier."""
        self.told()
        nothing = np.empty((self.visited.words, 0), dtype=np.uint64)
        out = np.concatenate([nothing, *self.found], axis=1)
        assert self.set.fresh == out.shape[1], "as many states as were added"
        self.found, self.set.fresh, self.visited.most = [], 0, 0
        return out


def _given(block: Words) -> tuple[ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64]:
    """Where a block stands, how far its rows are apart, and how many states it has."""
    apart = block.strides[0] // block.itemsize
    return ctypes.c_void_p(block.ctypes.data), ctypes.c_int64(apart), ctypes.c_int64(block.shape[1])


class Gears:
    """When a search goes on with compiled code.

    Args:
        must: as soon as it can, and not without; otherwise where it is worth it, and where there is a compiler.
    """

    def __init__(self, must: bool) -> None:
        self.must, self.given_up = must, False
        self.building: Building | None = None

    def native(self, made_of: Sequence[Any], visited: Visited | Spilling, states: int, size: int) -> Native | None:
        """The compiled code, or None as long as there is none; asked before a level of `size` states.

        Args:
            made_of: the packing, the conditions and the locations that go alone, as for `source`.

        Raises:
            NoCompiler: it must be there, and cannot.
        """
        sparing = isinstance(visited, Spilling)  # NumPy needs more memory
        if self.given_up or not (self.must or sparing or states > WORTH):
            return None
        try:
            packing, conditions, alone = made_of
            tree = visited.recent if isinstance(visited, Spilling) else visited
            self.building = self.building or Building(source(packing, conditions, tree, alone))
            if not (self.must or sparing or self.building.done or size > WORTH_WAITING):
                return None
            library = self.building.library()
            if not tree.settled:
                tree.settle(physical_memory())
            return Native(library, tree)
        except (NoCompiler, OSError):
            self.given_up = True
            if self.must:
                raise
            return None

    def close(self) -> None:
        if self.building is not None:
            self.building.close()


def gears(kernel: str, able: bool = True) -> Gears | None:
    """The gears for `kernel`: "auto", "c" or "numpy".

    Args:
        able: whether the search is one that compiled code can do.

    Raises:
        UsageError: there is no such kernel, or "c" is asked of a search that it cannot do.
    """
    if kernel not in KERNELS:
        raise UsageError(f"there is no kernel '{kernel}'; there are {', '.join(KERNELS)}.")
    if kernel == "c" and not able:
        raise UsageError("the kernel c does not put states in order, as symmetry does; leave out one of the two.")
    return Gears(must=kernel == "c") if able and kernel != "numpy" else None


def physical_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
