"""`python -m model.sweep DESIGN …`: many designs × sizes × properties, on all cores or on a cluster."""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import IO, Any

import click

from model.check import Size
from model.cli import run
from model.errors import MissingTool, ModelError, UsageError
from model.verdict import INTERRUPTED, PROVED, REFUTED, UNDETERMINED

Row = dict[str, Any]
ENGINES = ("lanes", "explicit", "auto", "bounded", "induction", "inductive")
PATIENCE = 3  # times that workers may die one after the other without a result between


@dataclass(frozen=True)
class Configuration:
    """One question of a campaign: everything on which its answer depends, the limits included.

    Attributes:
        digest: of the design's program, so that a changed design is asked again.
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

    @property
    def key(self) -> str:
        """What the result is filed under."""
        return sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


def campaign(designs: Iterable[str], properties: Sequence[str], sizes: Iterable[tuple[int, int]], **how: Any) -> list[
    Configuration
]:
    """Every design at every (pages, clients) with every property, each once.

    Raises:
        ModelError: a design or a property does not exist.
    """
    from model.design import record
    from model.designs.catalogue import find_property, load

    found = []
    for name in designs:
        design = load(name)
        digest = record(design).digest
        for property in properties:
            find_property(property, design)
            found += [Configuration(name, property, *size, digest=digest, **how) for size in sizes]
    return list(dict.fromkeys(found))


def answered(configuration: Configuration) -> Row:
    """The result of one configuration as a row; also where the design refuses the question."""
    from model.designs.catalogue import find_property, load
    from model.engines.limits import Limits
    from model.run import Question, answer

    row = {"key": configuration.key, **asdict(configuration)}
    packed: dict[str, Any] = {"threads": 1, "reductions": ("symmetry",) if configuration.symmetry else ()}
    limits = Limits(configuration.max_states, configuration.timeout, memory=configuration.memory)
    try:
        design = load(configuration.design)
        wanted = find_property(configuration.property, design)
        sizes = {"Client": configuration.clients}
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
        with ProcessPoolExecutor(min(jobs, len(left)), mp_context=get_context("spawn")) as pool:
            waiting = [pool.submit(answered, c) for c in left.values()]
            try:
                for done in as_completed(waiting):
                    row = done.result()
                    del left[row["key"]]
                    deaths = 0
                    yield row
            except BrokenProcessPool:
                deaths += 1
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
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
    """
    try:
        from distributed import Client
        from distributed import as_completed as completed
    except ImportError:
        raise MissingTool("--scheduler needs Dask: pip install 'clearorder[cluster]'") from None
    try:
        client = Client(scheduler, timeout=10, set_as_default=False)
    except (OSError, ValueError) as wrong:
        raise UsageError(f"there is no Dask scheduler at {scheduler}: {wrong}.") from None
    with client:
        waiting = [client.submit(answered, c, key=f"clearorder-{c.key}", pure=False) for c in configurations]
        for done in completed(waiting):
            yield done.result()


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
        """Append a row, unless there is one already."""
        if row["key"] in self.rows:
            return False
        self.file.write(json.dumps(row).encode() + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())
        self.rows[row["key"]] = row
        return True


@contextmanager
def results(path: Path) -> Iterator[Results]:
    """The file opened for this campaign alone.

    Raises:
        UsageError: it cannot be written, is not ours, or belongs to a campaign that still runs.
    """
    try:
        file = path.open("a+b")
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
        except OSError as wrong:
            raise UsageError(f"cannot write {path}: {wrong.strerror}; what is there is whole.") from None


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


# ---------------------------------------------------------------- the command


class PagesAndClients(click.ParamType):
    """`2x3`: 2 pages and 3 clients."""

    name = "pages x clients"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        pages, _, clients = str(value).partition("x")
        if not (pages.isdigit() and clients.isdigit() and int(pages) and int(clients)):
            self.fail(f"write pages x clients, such as 2x3, not {value!r}.", param, ctx)
        return int(pages), int(clients)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("designs", nargs=-1, metavar="[DESIGN]...")
@click.option("--size", "sizes", multiple=True, type=PagesAndClients(), metavar="PxC", help="Pages x clients; repeat.")
@click.option("--property", "properties", multiple=True, metavar="NAME", help="May be repeated. Default: both forms.")
@click.option("--engine", type=click.Choice(ENGINES), default="lanes", show_default=True)
@click.option("--max-states", type=click.IntRange(1), metavar="N", help="Of one configuration.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Of one configuration.")
@click.option("--memory", type=Size(), metavar="SIZE", help="Of one worker, such as 512M.")
@click.option("--symmetry/--no-symmetry", help="Keep one state of those that differ in the order of what is alike.")
@click.option("--jobs", type=click.IntRange(1), help="Processes on this machine. Default: one for each processor.")
@click.option("--scheduler", metavar="ADDRESS", help="Compute on the Dask cluster at tcp://HOST:PORT instead.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="JSON lines, one a result. What is in it already is not computed again.",
)
@click.option("-q", "--quiet", is_flag=True, help="Only the last line.")
def command(designs: tuple[str, ...], output: Path, **options: Any) -> int:
    """Answer every property of every DESIGN (default: all built-in ones) at every size, into one file.

    An interrupted campaign goes on where it was when the same command is given again.

    Exit codes: 0 every property holds, 1 some are refuted, 3 some are undetermined or refused and none refuted,
    130 interrupted.
    """
    from model.designs.catalogue import DEFAULT_PROPERTIES, built_in_designs

    wanted = campaign(
        designs or tuple(built_in_designs()),
        options["properties"] or DEFAULT_PROPERTIES,
        options["sizes"] or ((1, 1), (2, 1), (1, 2), (2, 2)),
        **{k: options[k] for k in ("engine", "max_states", "timeout", "memory", "symmetry")},
    )

    def compute(missing: Sequence[Configuration]) -> Iterable[Row]:
        if options["scheduler"]:
            return on_cluster(missing, options["scheduler"])
        return locally(missing, options["jobs"] or os.cpu_count() or 1)

    def report(have: int, of: int, row: Row) -> None:
        size = f"{row['pages']}x{row['clients']}"
        click.echo(f"{have:>{len(str(of))}}/{of}  {row['design']} {row['property']} {size}: {row['verdict']}")

    try:
        rows = sweep(wanted, output, compute, None if options["quiet"] else report)
    except KeyboardInterrupt:
        click.echo(f"interrupted; the same command goes on with what is missing in {output}.", err=True)
        return INTERRUPTED
    words = Counter(r["verdict"] for r in rows)
    click.echo(f"{len(rows):,} results in {output}: {', '.join(f'{n:,} {w}' for w, n in sorted(words.items()))}")
    if words["refuted"]:
        return REFUTED
    return UNDETERMINED if set(words) - {"proved"} else PROVED


if __name__ == "__main__":
    sys.modules["model.sweep"] = sys.modules["__main__"]
    run(command, "python -m model.sweep")
