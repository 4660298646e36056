"""Spin on the same model: our own Promela export of CLEAR-k, compiled beforehand, whole process against whole process.

Of the sets of flags below the one that is fastest on the model is used, and printed; both sides store the same states.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

COMPILE = (
    ("-O2", "-DSAFETY"),
    ("-O2", "-DSAFETY", "-DNOREDUCE", "-DNOFAIR"),
    ("-O2", "-DSAFETY", "-DNOREDUCE", "-DSFH", "-DNOFAIR"),
)
RUN = ("-m8000000", "-w24")  # depth of the stack, and bits of the hash table


@dataclass(frozen=True)
class Pan:
    """What Spin's verifier did: the flags that were best, what it stored, and the median of its seconds."""

    flags: str
    states: int
    transitions: int
    seconds: float
    megabytes: float


def missing() -> str:
    """What is not installed, or an empty string."""
    return ", ".join(tool for tool in ("spin", "gcc") if not shutil.which(tool))


def measured(pages: int, clients: int, runs: int) -> Pan:
    """The median of so many runs of `pan` on CLEAR-k, made once for each set of flags before."""
    from model.export import promela
    from model.export.problem import claim
    from model.program.design import record
    from tests.support.clear_k import ClearK, promise

    with TemporaryDirectory(prefix="clearorder-spin-") as name:
        directory = Path(name)
        text = promela.text(claim(record(ClearK), promise, pages, {"Client": clients}))
        (directory / "model.pml").write_text(text)
        subprocess.run(["spin", "-o2", "-a", "model.pml"], cwd=directory, check=True, stdout=subprocess.DEVNULL)
        first = {}
        for number, flags in enumerate(COMPILE):
            command = ["gcc", *flags, "-w", "-o", f"pan{number}", "pan.c"]
            subprocess.run(command, cwd=directory, check=True)
            first[number] = _timed(directory, number)
        best = min(first, key=lambda n: first[n][0])
        said = first[best][1]
        seconds = [first[best][0], *(_timed(directory, best)[0] for _ in range(runs - 1))]
    if "max search depth too small" in said or "errors: 0" not in said:
        raise RuntimeError(f"pan did not finish a search without errors:\n{said}")
    return Pan(
        f"gcc {' '.join(COMPILE[best])}; pan {' '.join(RUN)}",
        _number(said, r"(\d+) states, stored"),
        _number(said, r"(\d+) transitions") - 1,  # it counts the start as one
        median(seconds),
        float(re.findall(r"([\d.]+)\s+total actual memory usage", said)[0]),
    )


def _timed(directory: Path, number: int) -> tuple[float, str]:
    begin = perf_counter()
    done = subprocess.run([f"./pan{number}", *RUN], cwd=directory, check=True, stdout=subprocess.PIPE, text=True)
    return perf_counter() - begin, done.stdout


def _number(said: str, pattern: str) -> int:
    return int(re.findall(pattern, said)[0])
