"""Campaigns: many designs × sizes × properties, on all cores or on a cluster, into one file that can be resumed.

The file has a line of JSON for each result, written when it comes. A configuration is what its answer depends on; its
digest is the key under which its result is filed, so that nothing is computed twice and a changed design is.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import IO, Any

from model.engines.worker import born_deaf
from model.errors import MissingTool, ModelError, UsageError
from model.verdict import UNDETERMINED

Row = dict[str, Any]
UNASKED: Row = {"others": (), "environment": "none"}
PATIENCE = 3  # times that workers may die one after the other without a result between


class Lost(ModelError):
    """Who computes is gone; what is missing can be asked again."""

    exit_code = UNDETERMINED


@dataclass(frozen=True)
class Configuration:
    """One question of a campaign: everything on which its answer depends, the limits included.

    Attributes:
        digest: of the design's program and of the property, so that what was changed is asked again.
        others: elements of further index sorts, and entries of store buffers.
    """

    design: str
    property: str
    pages: int
    clients: int
    engine: str = "lanes"
    max_states: int | None = None
    timeout: float | None = None
    memory: int | None = None
    symmetry: bool = False
    digest: str = ""
    others: tuple[tuple[str, int], ...] = ()
    environment: str = "none"

    @cached_property
    def words(self) -> Row:
        """What a row and its key say of it; what is not asked for is left out, as in files from before."""
        return {k: v for k, v in asdict(self).items() if k not in UNASKED or v != UNASKED[k]}

    @cached_property
    def key(self) -> str:
        """What the result is filed under."""
        return sha256(json.dumps(self.words, sort_keys=True).encode()).hexdigest()[:16]


def campaign(
    designs: Iterable[str],
    properties: Sequence[str],
    sizes: Iterable[tuple[int, int]],
    environment: str = "none",
    **how: Any,
) -> list[Configuration]:
    """Every design at every (pages, clients) with every property, each once; without any, what `check` asks of it.

    Raises:
        ModelError: a design or a property does not exist.
    """
    from model.designs.catalogue import find_property
    from model.designs.environment import load_in

    found = []
    for name in designs:
        design = load_in(name, environment)
        for property in properties or _defaults(design):
            digest = _digest(design, find_property(property, design))
            found += [
                Configuration(name, property, *size, digest=digest, environment=environment, **how) for size in sizes
            ]
    return list(dict.fromkeys(found))


def _defaults(design: Any) -> Sequence[str]:
    """What is asked by default; where nothing can be, the forms of safety, whose rows say why."""
    from model.designs.catalogue import DEFAULT_PROPERTIES
    from model.verify.defaults import default_questions

    try:
        return [p.name for p in default_questions(design).properties]
    except UsageError:
        return DEFAULT_PROPERTIES


def _digest(design: Any, wanted: Any) -> str:
    """SHA-256 of what is asked: the observed program and the invariant, where there is one."""
    from model.expr import show
    from model.instance.problem import Problem
    from model.program.design import record

    program = record(design)
    if wanted.kind == "sometimes":
        return program.digest
    try:
        asked = Problem.of(program, wanted)
        text = f"{asked.program.digest} {show(asked.invariant.holds)}"
    except UsageError:  # it cannot be asked of this design, which its row will say
        text = program.digest
    return sha256(text.encode()).hexdigest()


def answered(configuration: Configuration) -> Row:
    """The result of one configuration as a row; also where the design refuses the question.

    Raises:
        UsageError: what is asked about is not here, or another by the same name: a worker on another machine, or a file
            that was changed since the campaign began. Its answer would be filed as that of something else.
    """
    from model.designs.catalogue import find_property
    from model.designs.environment import load_in
    from model.limits import Limits
    from model.program.design import record
    from model.verify.portfolio import answer
    from model.verify.question import Question, asked_sizes

    row = {"key": configuration.key, **configuration.words}
    packed: dict[str, Any] = {"threads": 1, "reductions": ("symmetry",) if configuration.symmetry else ()}
    limits = Limits(configuration.max_states, configuration.timeout, memory=configuration.memory)
    design = load_in(configuration.design, configuration.environment)
    wanted = find_property(configuration.property, design)
    if configuration.digest and configuration.digest != _digest(design, wanted):
        raise UsageError(
            f"{configuration.design} {configuration.property} is not here what it was where the campaign began; give "
            "every worker the same files, then start the campaign again."
        )
    try:
        sizes = asked_sizes(record(design), configuration.clients, dict(configuration.others))
        question = Question(design, wanted, configuration.pages, sizes, configuration.engine, limits, packed=packed)
        result = answer(question)
    except ModelError as refused:
        return {**row, "verdict": "refused", "reason": str(refused)}
    verdict = result.verdict
    if getattr(verdict, "interrupted", False):
        raise KeyboardInterrupt
    counts = {"states": verdict.states, "depth": verdict.depth, "transitions": verdict.transitions}
    reason = getattr(verdict, "reason", "")
    return {**row, "verdict": verdict.word, **counts, "reason": reason, "seconds": round(verdict.seconds, 3)}


# ---------------------------------------------------------------- who computes


def locally(configurations: Sequence[Configuration], jobs: int) -> Iterator[Row]:
    """Results as they come, from so many processes of this machine; those of a killed worker are computed again."""
    left, deaths = {c.key: c for c in configurations}, 0
    while left:
        with ProcessPoolExecutor(min(jobs, len(left)), get_context("spawn")) as pool:
            try:
                with born_deaf():
                    waiting = [pool.submit(answered, c) for c in left.values()]
                for done in as_completed(waiting):
                    row = done.result()
                    del left[row["key"]]
                    deaths = 0
                    yield row
            except BrokenProcessPool:
                deaths += 1
            except BaseException:
                for process in list(pool._processes.values()):
                    process.terminate()
                raise
        if deaths > PATIENCE:
            raise UsageError(
                f"workers die as soon as they are started, with {len(left):,} configurations left; "
                "give them less to do at a time (--memory, fewer --jobs)."
            )


def on_cluster(configurations: Sequence[Configuration], scheduler: str) -> Iterator[Row]:
    """Results as they come, from the workers of a Dask cluster, which computes those of a lost worker again.

    Raises:
        MissingTool: Dask is not installed.
        UsageError: there is no scheduler at the address.
        Lost: there is none any more.
    """
    try:
        from distributed import Client, KilledWorker
        from distributed import as_completed as completed
    except ImportError:
        raise MissingTool("--scheduler needs Dask: pip install 'clearorder[cluster]'") from None
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # it tells in tracebacks what is said below
    try:
        client = Client(scheduler, timeout=10)
    except (OSError, ValueError) as wrong:
        raise UsageError(f"there is no Dask scheduler at {scheduler}: {wrong}.") from None
    try:
        with client:
            waiting = [client.submit(answered, c, key=f"clearorder-{c.key}", pure=False) for c in configurations]
            for done in completed(waiting):
                yield done.result()
    except KilledWorker as killed:
        raise UsageError(f"{killed}; give the workers less to do at a time (--memory).") from None
    except (CancelledError, OSError):
        raise Lost(f"the scheduler at {scheduler} is gone; the same command goes on with the rest.") from None


# ---------------------------------------------------------------- the file


class Results:
    """A file of JSON lines, one a configuration; open, it belongs to one campaign."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.rows: dict[str, Row] = {}
        for line in self._whole_lines():
            row = json.loads(line)
            self.rows[row["key"]] = row

    def _whole_lines(self) -> list[bytes]:
        """The lines that were written whole; what a killed campaign left behind them is cut off."""
        self.file.seek(0)
        text = self.file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self.file.seek(len(whole))
        self.file.truncate()
        return whole.splitlines()

    def add(self, row: Row) -> bool:
        """Append a row, unless there is one already.

        Raises:
            UsageError: it cannot be written.
        """
        if row["key"] in self.rows:
            return False
        left, end = memoryview(json.dumps(row).encode() + b"\n"), self.file.seek(0, os.SEEK_END)
        try:
            while left:
                left = left[self.file.write(left) :]
            os.fsync(self.file.fileno())
        except OSError as wrong:
            self.file.truncate(end)
            raise UsageError(f"cannot write {self.file.name}: {wrong.strerror}; what is there is whole.") from None
        self.rows[row["key"]] = row
        return True


@contextmanager
def results(path: Path) -> Iterator[Results]:
    """The file opened for this campaign alone.

    Raises:
        UsageError: it cannot be written, is not ours, or belongs to a campaign that still runs.
    """
    new = not path.exists()
    try:
        file = path.open("a+b", buffering=0)
    except OSError as wrong:
        raise UsageError(f"cannot write {path}: {wrong.strerror}.") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(f"another campaign is writing {path}; wait for it, or name another file.") from None
        file.seek(0)
        if not file.read(1).startswith((b"", b"{")):
            raise UsageError(f"{path} is not a file of results; name another one.")
        try:
            opened = Results(file)
        except (ValueError, KeyError, TypeError):
            raise UsageError(f"{path} is not a file of results; name another one.") from None
        try:
            yield opened
        finally:
            if new and not opened.rows:
                path.unlink(missing_ok=True)


def sweep(
    configurations: Sequence[Configuration],
    path: Path,
    compute: Callable[[Sequence[Configuration]], Iterable[Row]],
    report: Callable[[int, int, Row], None] | None = None,
) -> list[Row]:
    """Compute what the file does not have yet, write each result when it comes, and return all, in their order.

    Args:
        compute: hands out rows of the configurations that it is given, in any order.
        report: called with how many there are now, how many there will be, and the row.
    """
    with results(path) as found:
        missing = [c for c in configurations if c.key not in found.rows]
        have = len(configurations) - len(missing)
        for row in compute(missing) if missing else ():
            if found.add(row):
                have += 1
                if report:
                    report(have, len(configurations), row)
        return [found.rows[c.key] for c in configurations]
