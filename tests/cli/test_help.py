"""`--help` is the first thing that anybody types: it says what the commands say themselves, and imports little."""

import inspect
import subprocess
import sys

import pytest

from model.__main__ import COMMANDS, SAID
from model.cli.app import load
from model.cli.help import GROUPS
from tests.support.command import clearorder
from tests.support.paths import ROOT


def test_the_list_says_what_each_command_says_of_itself():
    paragraphs = {verb: inspect.cleandoc(load(module).help).split("\n\n")[0] for verb, module in COMMANDS.items()}
    assert {verb: " ".join(text.split()) for verb, text in paragraphs.items()} == SAID


def helped(verb, option="--help", columns="100"):
    done = clearorder(verb, option, env={"COLUMNS": columns})
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout.splitlines()


@pytest.mark.parametrize("verb", COMMANDS)
def test_help_is_grouped_fits_and_has_an_example(verb):
    """In the words of the field: no INTEGER RANGE."""
    for option in ("--help", *["--help-all"] * (verb == "check")):
        lines = helped(verb, option)
        assert all(len(line) <= 100 for line in lines)
        titles = [line.rstrip(":") for line in lines if line.rstrip(":") in GROUPS]
        assert titles == [name for name in GROUPS if name in titles]
        assert "Output" in titles
        assert "RANGE" not in " ".join(lines)
        assert "Options:" not in lines
        assert any(line.startswith("Example:") for line in lines)
    assert all(len(line) <= 60 for line in helped(verb, columns="60") if len(line.split()) > 2)


def test_25_lines_explain_check():
    """`--help-all` tells the rest."""
    lines = helped("check")
    assert 25 >= len(lines)
    assert all(any(word in line for line in lines) for word in ("DESIGN:", "Exit codes:", "--property", "--help-all"))


def test_every_option_of_check_is_told_by_help_all():
    command = load(COMMANDS["check"])
    told = " ".join(helped("check", "--help-all"))
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    assert [] == [p.name for p in options if p.opts[-1] not in told]


def test_an_option_has_one_spelling():
    """Limits are called the same by every command that has them."""
    others = {"--states", "--seconds", "--proof", "--limit"}
    commands = {verb: load(module) for verb, module in COMMANDS.items()}
    spelled = {verb: {o for p in c.params for o in p.opts} for verb, c in commands.items()}
    assert {} == {verb: found & others for verb, found in spelled.items() if found & others}


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
