"""100,000 operations on the model and on the kernel side by side: how fast, and do they ever disagree?

    python tests/benchmarks/kvm_fidelity.py [OPERATIONS]

Two kinds: random writes, GETs and CLEARs against the ten-line model of a log, over slots of 1 to 200 pages and every
mode; and random walks of designs, where every move is followed by a GET and a comparison of all page contents.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from model.designs.catalogue import find_property, load
from model.instance.problem import Problem
from model.kvm.driver import INITIALLY_SET, LEGACY, MANUAL, Vm
from model.kvm.walks import walks
from model.program.design import record
from tests.support.kvm import Log

SIZES = (1, 63, 64, 65, 130, 200)
DESIGNS = ("naive", "top-layer", "per-slot-cache", "no-lock", "read-before-clear")


def operations(count: int, manual: int, seed: int) -> int:
    """Random operations on slots of all sizes; returns how often kernel and model differed."""
    rng, differences = random.Random(seed), 0
    with Vm(SIZES, manual=manual) as vm:
        logs = [Log(pages, manual) for pages in SIZES]
        for value in range(count):
            slot = rng.randrange(len(SIZES))
            log, what = logs[slot], rng.random()
            if what < 0.4:
                page = rng.randrange(log.pages)
                vm.write(page, value, slot)
                log.write(page)
            elif what < 0.7:
                differences += log.get() != vm.get(slot)
            else:
                first = rng.randrange(log.pages // 64 + 1) * 64
                mask = rng.getrandbits(log.pages)
                vm.clear(mask, slot, first=first)
                log.clear(mask, first, log.pages - first)
    return differences


def main(count: int) -> int:
    begin, differences = perf_counter(), 0
    for seed, manual in enumerate((LEGACY, MANUAL, INITIALLY_SET)):
        differences += operations(count // 3 + 1, manual, seed)
    seconds = perf_counter() - begin
    print(
        f"random operations: {count:,} in {seconds:.1f} s, {count / seconds:,.0f} a second, {differences} differences"
    )
    for name in DESIGNS:
        asked = Problem.of(record(load(name)), find_property("no_lost_write"), pages=2, sizes={"Client": 2})
        begin = perf_counter()
        found = walks(asked.instance, asked.invariant, max(1, count // len(DESIGNS) // 100))
        seconds = perf_counter() - begin
        differences += bool(found.disagreement)
        print(
            f"{name}: {found.walks:,} walks, {found.moves:,} moves, {found.ioctls:,} ioctls and writes in "
            f"{seconds:.1f} s, {found.ioctls / seconds:,.0f} a second, lost in {found.broken} "
            f"{found.disagreement or 'no disagreement'}"
        )
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
