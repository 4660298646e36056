"""`python -m tests.benchmarks`: the packed engine against the reference and against Spin, each run in its own process.

`--large` adds runs of a minute or more and gigabytes; `--explicit N` lets the reference do runs of at most N states;
`--spin PxC` says on which sizes of CLEAR-k Spin runs too, `--runs N` of how many runs the two are the median.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any


@dataclass(frozen=True)
class Case:
    """One search: a design and a property by name, and the states it has."""

    design: str
    property: str
    pages: int
    clients: int
    states: int
    large: bool = False


CASES = (
    Case("clear-k", "promise", 2, 3, 104_672),
    Case("clear-k", "promise", 4, 2, 3_875_920),
    Case("clear-k", "promise", 3, 3, 7_465_700),
    Case("per-slot-cache", "promise_kept", 2, 2, 1_403_799),
    Case("per-slot-cache", "no_lost_write", 2, 2, 5_299_939),
    Case("top-layer-and-cache", "promise_kept", 3, 2, 84_172_763, large=True),
    Case("clear-k", "promise", 4, 3, 417_177_440, large=True),
)


@dataclass(frozen=True)
class Measured:
    """What one run took: seconds of the search, of the processors and of the whole process, and its most memory."""

    states: int
    transitions: int
    depth: int
    search: float
    processor: float
    process: float
    megabytes: int


def main() -> int:
    options = _options()
    if options.one:
        print(json.dumps(_one(Case(**json.loads(options.one)), options.engine)))
        return 0
    table, wrong = _table(), 0
    for case in CASES:
        if case.large and not options.large:
            continue
        lanes = _measured(case, "lanes")
        reference = _measured(case, "explicit") if case.states <= options.explicit else None
        for engine, found in (("explicit", reference), ("lanes", lanes)):
            if found is not None:
                table.add_row(*_row(case, engine, found, reference, lanes))
                wrong += found.states != case.states
    _print(table)
    wrong += _against_spin(options.spin, options.runs)
    return 1 if wrong else 0


def _against_spin(sizes: list[str], runs: int) -> int:
    """Whole process against whole process, compiling left out; returns how many counts differ."""
    from rich.table import Table

    from model.engines.packed import native
    from tests.benchmarks import spin

    if lacking := spin.missing():
        print(f"Spin is not compared: {lacking} is not installed")
        return 0
    kernel = f"C ({Path(native.compiler()).name} {' '.join(native.FLAGS[:1])})" if native.compiler() else "NumPy"
    title = f"CLEAR-k, whole process, seconds, median of {runs}; ratio: Spin to lanes with kernel {kernel}"
    table = Table(title=f"{title}; compiling left out")
    for name in ("pages, clients", "Spin", "MB", "lanes", "MB", "ratio", "states", "same counts", "flags"):
        table.add_column(name, justify="left" if name == "flags" else "right")
    wrong = 0
    for size in sizes:
        pages, clients = map(int, size.split("x"))
        pan, case = spin.measured(pages, clients, runs), Case("clear-k", "promise", pages, clients, 0)
        _measured(case, "lanes")  # compiles, where there is a compiler; left out as that of pan is
        ours = [_measured(case, "lanes") for _ in range(runs)]
        seconds, most = median(o.process for o in ours), max(o.megabytes for o in ours)
        same = (pan.states, pan.transitions) == (ours[0].states, ours[0].transitions)
        wrong += not same
        columns = f"{pan.seconds:.2f}", f"{pan.megabytes:,.0f}", f"{seconds:.2f}", f"{most:,}"
        ratio, counts = f"{pan.seconds / seconds:.1f}", "yes" if same else "NO"
        table.add_row(f"{pages}, {clients}", *columns, ratio, f"{ours[0].states:,}", counts, pan.flags)
    _print(table)
    return wrong


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--large", action="store_true", help="also the runs of a minute or more")
    parser.add_argument("--explicit", type=int, default=2_000_000, metavar="N", help="states the reference may visit")
    parser.add_argument("--spin", nargs="*", default=["2x3", "4x2", "3x3"], metavar="PxC", help="sizes to compare at")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="of Spin and of ours")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    return parser.parse_args()


def _table() -> Any:
    from rich.table import Table

    table = Table(title="search and process: seconds of wall clock; cpu: of all processors; ratio: explicit to lanes")
    table.add_column("design, property", no_wrap=True)
    for name in (
        "pages, clients",
        "engine",
        "states",
        "transitions",
        "search s",
        "cpu s",
        "process s",
        "states/s",
        "MB",
        "ratio",
    ):
        table.add_column(name, justify="left" if name == "engine" else "right")
    return table


def _print(table: Any) -> None:
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _row(case: Case, engine: str, found: Measured, reference: Measured | None, lanes: Measured) -> tuple[str, ...]:
    ratio = f"{reference.search / lanes.search:.1f}" if reference and engine == "lanes" else ""
    return (
        f"{case.design}, {case.property}",
        f"{case.pages}, {case.clients}",
        engine,
        f"{found.states:,}",
        f"{found.transitions:,}",
        f"{found.search:.2f}",
        f"{found.processor:.2f}",
        f"{found.process:.2f}",
        f"{found.states / found.search:,.0f}",
        f"{found.megabytes:,}",
        ratio,
    )


def _measured(case: Case, engine: str) -> Measured:
    begin = perf_counter()
    command = [sys.executable, "-m", "tests.benchmarks", "--engine", engine, "--one", json.dumps(asdict(case))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Measured(process=perf_counter() - begin, **json.loads(done.stdout))


def _one(case: Case, engine: str) -> dict[str, Any]:
    """The search itself, in this process."""
    from importlib import import_module

    from model.instance.problem import Problem
    from model.program.design import record

    design, wanted = _named(case)
    asked = Problem.of(record(design), wanted, pages=case.pages, sizes={"Client": case.clients})
    _ = asked.instance
    begin = process_time()
    module = {"lanes": "packed.search"}.get(engine, engine)
    found = import_module(f"model.engines.{module}").search(asked)
    took = {"search": found.seconds, "processor": process_time() - begin}
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"states": found.states, "transitions": found.transitions, "depth": found.depth, "megabytes": most, **took}


def _named(case: Case) -> tuple[Any, Any]:
    if case.design == "clear-k":
        from tests.support.clear_k import ClearK, promise

        return ClearK, promise
    from model.designs.catalogue import built_in_properties, load

    return load(case.design), built_in_properties()[case.property]


if __name__ == "__main__":
    sys.exit(main())
