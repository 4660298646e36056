"""`--help` is the first thing that anybody types: it says what the commands say themselves, and imports little."""

import inspect
import subprocess
import sys

import pytest

from model.__main__ import COMMANDS, SAID
from model.cli.app import load
from tests.support.paths import ROOT


def test_the_list_says_what_each_command_says_of_itself():
    paragraphs = {verb: inspect.cleandoc(load(module).help).split("\n\n")[0] for verb, module in COMMANDS.items()}
    assert {verb: " ".join(text.split()) for verb, text in paragraphs.items()} == SAID


@pytest.mark.parametrize("module", ["model", "model.check"])
def test_help_imports_no_recorder_no_solver_and_no_arrays(module):
    """0.05 and 0.07 s of CPU; with them it is 0.1 and more."""
    script = f"""if 1:
        import runpy, sys
        sys.argv = ["clearorder", "--help"]
        try:
            runpy.run_module({module!r}, run_name="__main__")
        except SystemExit:
            print([m for m in ("model.program", "model.instance", "z3", "numpy", "networkx") if m in sys.modules])
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert ("", "[]") == (done.stderr, done.stdout.splitlines()[-1])
