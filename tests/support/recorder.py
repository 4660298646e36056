"""What the tests of the recorder share: the command in a process of its own, and a mark that skips by name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PYTHON = ["env", f"PYTHONPATH={ROOT}", sys.executable]
RECORD = [*PYTHON, "-c", "from model.cli.app import run; from model.commands.record import command; run(command, '')"]


def record(out: Path, *argv: str) -> subprocess.CompletedProcess:
    return subprocess.run([*RECORD, "-o", str(out), "--", *argv], capture_output=True, text=True, timeout=60)


TROUBLE = record(Path(os.devnull), "true").stderr
needs_ptrace = pytest.mark.skipif(bool(TROUBLE), reason=TROUBLE or "ptrace works")
