"""`--watch` checks again when the file is saved."""

import os
import signal
import subprocess
import sys
import time

from tests.support.command import check
from tests.support.paths import ROOT

DESIGN = (ROOT / "model" / "designs" / "naive.py").read_text()


def test_watch_needs_a_file():
    done = check("naive", "--watch")
    assert (2, "") == (done.returncode, done.stdout)
    assert "name a design's file, such as my_design.py" in done.stderr


def test_a_save_is_a_new_check_and_ctrl_c_ends_it(tmp_path):
    """The second run sees what was saved."""
    file, out = tmp_path / "mine.py", tmp_path / "out"
    file.write_text(DESIGN)
    words = [sys.executable, "-m", "model.check", f"{file}:Naive", "-q", "--pages", "1", "--clients", "1", "--watch"]
    with out.open("w") as stream:
        run = subprocess.Popen(words, cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT, env={**os.environ})
        try:
            _said(out, "watching", 1)
            file.write_text(DESIGN.replace("class Naive", "class Naive2") + "\n\nNaive = Naive2\n")
            _said(out, "watching", 2)
        finally:
            run.send_signal(signal.SIGINT)
            assert 130 == run.wait(30)
    assert 2 == out.read_text().count("promise_kept")


def _said(file, word, times):
    end = time.monotonic() + 60
    while file.read_text().count(word) < times:
        assert time.monotonic() < end, file.read_text()
        time.sleep(0.1)
