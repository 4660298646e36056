"""The small VMM of tests/data/vmm, built, and recorded in all its variants by one process.

`python -m tests.support.small_vmm BINARY DIRECTORY` prints a line for each: its arguments, what it said, what the
monitor says.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from model.monitor.judgement import CERTAIN
from model.monitor.recorder import record
from model.monitor.watch import check
from tests.support.paths import DATA, ROOT

needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is missing: apt-get install gcc libc6-dev")
MARKED = (
    *("dropped", "removed", "initially-set", "legacy-twice", "stale-mask", "stale-mask-set", "late-clear"),
    *("reset-before-publishing", "reset-after-reading", "twice"),
)
SILENT = ("dropped", "removed", "initially-set", "stale-mask", "stale-mask-set", "twice")
RING = ("reset-before-publishing", "reset-after-reading")
BY_CALL = ("late-clear", "reset-after-reading", "initially-set", "stale-mask-set")  # they read something
VARIANTS = [
    *((case, how, *more) for case in MARKED for how in ("wrong", "right") for more in ((), ("copy",))),
    *((case, how, "call") for case in BY_CALL for how in ("wrong", "right")),
    *((case, how, "silent") for case in (*SILENT, *RING) for how in ("wrong", "right")),
]


def build(at: Path, name: str = "small_vmm") -> Path:
    """A program of tests/data/vmm, compiled without a warning."""
    flags = ("-Wall", "-Wextra", "-Werror", "-O1", "-pthread")
    subprocess.run(["gcc", *flags, "-o", at / name, DATA / "vmm" / f"{name}.c"], check=True)
    return at / name


def results(binary: Path, at: Path) -> dict[tuple[str, ...], tuple[str, int, list[str]]]:
    """Variant -> what it said it lost, the monitor's exit code, the rules that were certainly broken."""
    argv = [sys.executable, "-m", "tests.support.small_vmm", str(binary), str(at)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    found = {}
    for line in done.stdout.splitlines():
        variant, *result = json.loads(line)
        found[tuple(variant)] = tuple(result)
    return found


def recorded(argv: list[str], at: Path) -> list:
    said, out = at / "said", at / "recording.jsonl"
    kept = os.dup(1)
    with said.open("wb") as stdout, out.open("wb") as stream:
        os.dup2(stdout.fileno(), 1)
        try:
            code, unseen = record(argv, stream)
        finally:
            os.dup2(kept, 1)
            os.close(kept)
    assert (0, []) == (code, unseen)
    found = check(str(out))
    return [said.read_text().strip(), found.exit_code, sorted({f.rule for f in found.listed if f.judgement == CERTAIN})]


if __name__ == "__main__":
    for variant in VARIANTS:
        print(json.dumps([variant, *recorded([sys.argv[1], *variant], Path(sys.argv[2]))]), flush=True)
