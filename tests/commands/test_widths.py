"""Every command's output at 60, 80, 100 and 120 columns: no line wider, no word broken that fits, nothing lost.

The same words stand at every width: a word that was broken or cut would be one that the widest rendering does not have.
"""

import re

import pytest

from model.__main__ import COMMANDS
from tests.support.command import clearorder
from tests.support.paths import ROOT

WIDTHS = (60, 80, 100, 120)
WIDE = 400
RECORDINGS = ROOT / "tests" / "data" / "recordings"
DATA = "tests/data/recordings"
QUICK = {
    "check": ("check", "naive", "--clients", 1, "--engine", "lanes"),
    "check -v": ("check", "naive", "--clients", 1, "--engine", "lanes", "-v", "--property", "promise_kept"),
    "check, undetermined": ("check", "per-slot-cache", "--max-states", 50, "--engine", "explicit"),
    "check --show": ("check", "per-slot-cache", "--show"),
    "gallery NAME": ("gallery", "delivers-nothing"),
    "gallery --family": ("gallery", "--family", "discussion"),
    "gallery --matrix": ("gallery", "delivers-nothing", "--matrix"),
    "gallery --check": ("gallery", "delivers-nothing", "--check"),
    "liveness": ("liveness", "delivers-nothing", "--clients", 1, "--property", "every_write_is_read"),
    "liveness, not asked": ("liveness", "no-lock", "--max-states", 20),
    "monitor": ("monitor", f"{DATA}/toy_cache.jsonl.gz"),
    "edges": ("edges", "delivers-nothing", "--pages", 1, "--clients", 1, "-o", "{tmp}/g"),
    "reproduce": ("reproduce", "--list"),
}
SLOW = {
    "check, all three": ("check",),
    "check --explain": ("check", "delivers-nothing", "--property", "promise_kept", "--explain"),
    "check --list": ("check", "--list"),
    "check --environment": ("check", "top-layer", "--environment", "qemu", "--pages", 1, "-v"),
    "check --refines": ("check", "--refines", "top-layer", "naive", "--pages", 1, "-v"),
    "certify": ("certify", "{tmp}/c/delivers-nothing-promise_kept"),
    "conform": ("conform", f"{DATA}/toy_cache.jsonl.gz", "--infer"),
    "conform, a design": ("conform", f"{DATA}/toy_top.jsonl.gz", "--design", "per-slot-cache", "-v"),
    "cost": ("cost", "naive", "delivers-nothing", "--pages", 1, "--clients", 1, "--traces"),
    "evidence": ("evidence", "-o", "e"),
    "gallery": ("gallery",),
    "gallery --matrix, a family": ("gallery", "--family", "discussion", "--matrix"),
    "liveness, weak": ("liveness", "per-slot-cache", "--fairness", "weak"),
    "monitor, blind": ("monitor", f"{DATA}/toy_top.jsonl.gz"),
    "mutants": ("mutants", "top-layer", "--pages", 1, "--timeout", 20, "-v"),
    "repair": ("repair", "top-layer", "--pages", 1, "--timeout", 1, "-v"),
    "replay": ("replay", "naive"),
    "sweep": ("sweep", "delivers-nothing", "--size", "1x1", "--jobs", 1, "-o", "{tmp}/r"),
    "synthesize": ("synthesize", "top-layer-and-cache", "--mask", "want,cache", "--pages", 1, "--timeout", 1, "-v"),
    "synthesize --order": ("synthesize", "top-layer", "--order", "clear", "--pages", 1, "--timeout", 1),
}
NOT_TEXT = {"explore", "record"}  # a server; what the recorded program prints
TIMES = re.compile(r"\[?\b[\d.,]+(?=( s\b|s\b| MB\b|%))")
FIRST = {"design", "verdict"}  # heads of first columns, which a table told row by row does without
REPEATED = re.compile(r"[:;,.]+$")  # the head of a column that is told row by row ends in a colon


def rendered(words, width, tmp):
    """What the command prints at this width; its seconds are dots."""
    verb, *rest = (str(w).format(tmp=tmp) for w in words)
    cwd = tmp if verb == "evidence" else ROOT  # a path is one word, and pytest's may be wider than the terminal
    done = clearorder(verb, *rest, cwd=cwd, env={"COLUMNS": str(width), "LINES": "50"})
    assert done.returncode in (0, 1, 3, 4), done.stderr
    return TIMES.sub(".", done.stdout)


def words_of(text):
    return {REPEATED.sub("", word) for word in text.split()} - {""}


def faults(narrow, wide, width):
    """(lines that are too wide, words that were broken or cut, words that were lost)."""
    long = [line for line in narrow.splitlines() if len(line) > width]
    here, there = words_of(narrow), words_of(wide)
    fits = {word for word in there if len(word) < width - 30}
    broken = {word for word in here - there if any(word in whole for whole in fits)}
    return long, sorted(broken), sorted(fits - here - FIRST)


def check_widths(words, tmp_path):
    if words[0] == "certify":
        made = ("check", "delivers-nothing", "--property", "promise_kept", "--engine", "views")
        clearorder(*made, "--certificate", tmp_path / "c")
    wide = rendered(words, WIDE, tmp_path)
    if words[0] in ("sweep", "evidence"):
        wide = rendered(words, WIDE, tmp_path)  # what is in the file already is not said again
    assert {} == {
        width: found for width in WIDTHS if any(found := faults(rendered(words, width, tmp_path), wide, width))
    }


@pytest.mark.parametrize("name", QUICK)
def test_a_quick_command_fits_every_width(name, tmp_path):
    check_widths(QUICK[name], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_every_command_fits_every_width(name, tmp_path):
    check_widths(SLOW[name], tmp_path)


def test_every_command_is_rendered():
    assert set(COMMANDS) == {words[0] for words in (*QUICK.values(), *SLOW.values())} | NOT_TEXT


def test_a_broken_word_a_wide_line_and_a_lost_word_are_found():
    wide = "the clear takes every bit"
    assert ([], [], []) == faults("the clear\n  takes every bit", wide, 60)
    assert [wide] == faults(wide, wide, 20)[0]
    assert ["ar", "cle"] == faults("the cle\nar takes every bit", wide, 60)[1]
    assert ["bit"] == faults("the clear takes every …", wide, 60)[2]
