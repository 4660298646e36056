"""A Ctrl-C that is typed into a terminal, at ten moments: a clean prompt, no traceback, no line of progress left."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.paths import ROOT

MOMENTS = (0.3, 0.5, 0.8, 1.2, 1.8, 2.5, 3.5, 5.0, 6.5, 8.0)  # seconds; before, Python itself is starting
PROMPT = "READY>"
COMMANDS = {
    "check": "-m model.check per-slot-cache --pages 3 --clients 3",
    "explicit": "-m model.check per-slot-cache --pages 2 --clients 3 --engine explicit",
    "mutants": "-m model mutants per-slot-cache",
    "cost": "-m model cost",
    "synthesize": "-m model synthesize per-slot-cache --mask cache,want,span",
    "gallery": "-m model gallery --check --nightly",
}


class Terminal:
    """tmux with a shell whose prompt is PROMPT, 80 columns wide."""

    def __init__(self, name):
        self.name = name
        shell = f"env PS1='{PROMPT} ' bash --norc --noprofile"
        self.tmux("new-session", "-d", "-s", name, "-x", "80", "-y", "40", "-c", str(ROOT), shell)

    def tmux(self, *words):
        return subprocess.run(["tmux", *words], capture_output=True, text=True, check=True).stdout

    def type(self, *keys):
        self.tmux("send-keys", "-t", self.name, *keys)

    def screen(self):
        return [line for line in self.tmux("capture-pane", "-p", "-t", self.name).splitlines() if line.strip()]

    def prompted(self, seconds=20.0):
        """Wait until the prompt stands alone on the last line; whether it came."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.1)
            if (shown := self.screen()) and PROMPT == shown[-1].rpartition("^C")[2].strip():
                return True
        return False


@pytest.fixture
def terminal(request):
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    made = Terminal(f"clearorder-{Path(sys.executable).parent.name}-{time.monotonic_ns()}")
    yield made
    made.tmux("kill-session", "-t", made.name)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_typed_ctrl_c_leaves_a_clean_prompt(name, terminal):
    assert terminal.prompted()
    for moment in MOMENTS:
        terminal.type(f"clear; {sys.executable} {COMMANDS[name]}", "Enter")
        time.sleep(moment)
        terminal.type("C-c")
        assert terminal.prompted(), (moment, terminal.screen())
        said = "\n".join(terminal.screen())
        assert "Traceback" not in said, (moment, said)
        assert [] == [c for c in said if "\u2800" <= c <= "\u28ff"], (moment, said)  # what turns before the line
