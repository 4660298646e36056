"""Commands run in this process: exit code and output as a process of its own gives them, without its start."""

import contextlib
import io
import os
from types import SimpleNamespace
from unittest import mock

from model.__main__ import COMMANDS
from model.cli.app import exit_code_of, load
from tests.support.paths import ROOT


def clearorder(verb, *arguments, cwd=ROOT, env=None):
    """`clearorder VERB ARGUMENTS`: `returncode`, `stdout` and `stderr` as subprocess.run gives them.

    Where a signal, a pipe or what is imported is what a test is about, it starts a process instead.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    settings = {"COLUMNS": "80"} | (env or {})
    name = "python -m model.check" if verb == "check" else f"clearorder {verb}"
    argv = [name, *map(str, arguments)]
    with (
        contextlib.chdir(cwd),
        mock.patch.dict(os.environ, settings),
        mock.patch("sys.argv", argv),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = exit_code_of(load(COMMANDS[verb]), name)
    said = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return SimpleNamespace(returncode=code, stdout=said[0], stderr=said[1])


def check(*arguments, **how):
    """`python -m model.check ARGUMENTS`."""
    return clearorder("check", *arguments, **how)
