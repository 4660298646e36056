"""`python -m tests.mutation [--log FILE] [WORD ...]`: each change of the table in a copy of the tree; is it noticed?

The named tests have to pass without a mutant first. With words, only mutants whose name has one of them. A log keeps
what was found, and a run with the same log goes on behind it. Exit code 1 where one lives that the table does not
explain, or a test fails without one.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from functools import cache
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


class Log:
    """What was found of each mutant, kept in a file where one is given."""

    def __init__(self, file):
        self.file = file
        self.found = json.loads(file.read_text()) if file and file.exists() else {}

    def told(self, mutant, how):
        """The word for what became of a mutant, asked of `how` where the log does not know it."""
        if mutant.key not in self.found:
            self.found[mutant.key] = how(mutant)
            if self.file:
                self.file.write_text(json.dumps(self.found, indent=1))
        return self.found[mutant.key]


def main(words, file=None):
    """Run the mutants and tell; returns the exit code."""
    chosen = [m for m in MUTANTS if not words or any(w in m.name for w in words)]
    log, unexplained = Log(file), 0
    with tempfile.TemporaryDirectory(prefix="mutation-") as scratch:
        directory = Path(scratch)
        copied(directory)
        baseline = cache(lambda tests: passes(tests, directory))

        def word(mutant):
            if not baseline(mutant.tests):
                raise SystemExit(f"{' '.join(mutant.tests)}: fails without a mutant, so it says nothing of one")
            lives = survives(mutant, directory)
            return "killed" if not lives else "lives, as explained" if mutant.explained else "LIVES"

        for number, mutant in enumerate(chosen, 1):
            begin = monotonic()
            found = log.told(mutant, word)
            unexplained += found == "LIVES"
            print(f"{number:>3}/{len(chosen)} {found:<20} {monotonic() - begin:5.1f} s  {mutant.name}", flush=True)
    return 1 if unexplained else 0


def arguments(given):
    """(words, log)."""
    if given[:1] == ["--log"]:
        return given[2:], Path(given[1])
    return given, None


if __name__ == "__main__":
    sys.exit(main(*arguments(sys.argv[1:])))
