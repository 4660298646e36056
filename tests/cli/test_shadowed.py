"""A file beside the user that has the name of a module of Python."""

import os
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

SHADOWS = ("queue", "random", "heapq", "json")


@pytest.mark.parametrize("module", ["model.check", "model"])
def test_files_beside_the_user_do_not_stand_for_modules_of_python(tmp_path, module):
    for name in SHADOWS:
        (tmp_path / f"{name}.py").write_text(f"raise RuntimeError('{name}.py of the user')\n")
    words = ["check"] if module == "model" else []
    ran = subprocess.run(
        [sys.executable, "-m", module, *words, "naive", "-q"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (1, "") == (ran.returncode, ran.stderr)
    assert "refuted" in ran.stdout
