"""`python -m tests.benchmarks.components`: the graph of CLEAR-k in files, and its strongly connected components.

Each size in a process of its own: seconds for the search and the files, seconds for scipy's components, the most
memory, and the room that the files take. Exit code 1 where a count is not the yardstick's.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

COUNTS = {"2x3": (104_672, 636_740), "4x2": (3_875_920, 28_487_392), "3x3": (7_465_700, 54_635_192)}
COLUMNS = ("pages, clients", "states", "edges", "components", "files s", "components s", "MB", "MB on disk", "counts")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.components", description=__doc__)
    parser.add_argument("sizes", nargs="*", default=list(COUNTS), metavar="PxC", help="pages and clients; default all")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(_one(options.one)))
        return 0
    return _compared(options.sizes)


def _compared(sizes: list[str]) -> int:
    from rich.console import Console
    from rich.table import Table

    table, wrong = Table(title="CLEAR-k: the graph in files, and its components"), 0
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for size in sizes:
        command = [sys.executable, "-m", "tests.benchmarks.components", "--one", size]
        found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
        counts = found["states"], found["edges"]
        same = {None: "not known", counts: "right"}.get(COUNTS.get(size), "WRONG")
        wrong += same == "WRONG"
        seconds = f"{found['writing']:.1f}", f"{found['finding']:.1f}"
        room = f"{found['megabytes']:,}", f"{found['disk']:,}"
        table.add_row(size.replace("x", ", "), *(f"{n:,}" for n in (*counts, found["parts"])), *seconds, *room, same)
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    return 1 if wrong else 0


def _one(size: str) -> dict[str, Any]:
    """One size, in this process."""
    from model.engines.packed import edges
    from model.instance.instance import Instance
    from model.program.design import record
    from tests.support.clear_k import ClearK

    pages, clients = map(int, size.split("x"))
    instance = Instance(record(ClearK), pages, {"Client": clients})
    with tempfile.TemporaryDirectory() as folder:
        begin = perf_counter()
        graph = edges.write(instance, Path(folder) / "graph")
        written = perf_counter()
        parts = graph.components.sizes.size
        took = {"writing": written - begin, "finding": perf_counter() - written}
        disk = sum(p.stat().st_size for p in Path(folder).rglob("*")) >> 20
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return {
        "states": graph.depth.size,
        "edges": graph.indices.size,
        "parts": parts,
        "megabytes": most,
        "disk": disk,
        **took,
    }


if __name__ == "__main__":
    sys.exit(main())
