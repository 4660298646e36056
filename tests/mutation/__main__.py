"""`python -m tests.mutation [WORD ...]`: each change of the table in a copy of the tree, and does a test notice?

The named tests have to pass without a mutant first. With words, only mutants whose name has one of them. Exit code 1
where one lives that the table does not explain, or a test fails without one.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic

from tests.mutation.table import MUTANTS
from tests.support.paths import ROOT

COPIED = ("model", "properties", "reports", "tests", "pyproject.toml", "README.md", "docs")
SECONDS = 300  # for the tests of one mutant; an endless loop is noticed too


def copied(directory):
    """The tree, where it can be changed."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, directory / name)


def passes(tests, directory):
    """Whether these tests pass in the copy; too long is no pass."""
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return False
    if done.returncode not in (0, 1, 2):
        raise SystemExit(f"{' '.join(tests)}: pytest said {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}")
    return done.returncode == 0


def survives(mutant, directory):
    """Whether the named tests pass all the same."""
    file = directory / mutant.file
    text = file.read_text()
    file.write_text(mutant.applied(text))
    try:
        return passes(mutant.tests, directory)
    finally:
        file.write_text(text)


def main(words):
    """Run the mutants and tell; returns the exit code."""
    chosen = [m for m in MUTANTS if not words or any(w in m.name for w in words)]
    unexplained = 0
    with tempfile.TemporaryDirectory(prefix="mutation-") as scratch:
        directory = Path(scratch)
        copied(directory)
        for tests in dict.fromkeys(m.tests for m in chosen):
            if not passes(tests, directory):
                raise SystemExit(f"{' '.join(tests)}: fails without a mutant, so it says nothing of one")
        for number, mutant in enumerate(chosen, 1):
            begin = monotonic()
            lives = survives(mutant, directory)
            word = "killed" if not lives else "lives, as explained" if mutant.explained else "LIVES"
            unexplained += lives and not mutant.explained
            print(f"{number:>3}/{len(chosen)} {word:<20} {monotonic() - begin:5.1f} s  {mutant.name}", flush=True)
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
