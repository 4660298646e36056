"""A result in a notebook, and the executed notebook of the documentation."""

import doctest
import json
import re
import subprocess
import sys

import html5lib
import pytest

import reports
from tests.support.paths import NOTEBOOK, ROOT
from tests.support.results import every_kind, hostile, proved, refuted


def outputs(file):
    """What each cell of a notebook shows."""
    return [cell.get("outputs", []) for cell in json.loads(file.read_text())["cells"]]


def drawn(result):
    return reports.show(result)._repr_html_()


@pytest.mark.parametrize("result", every_kind(), ids=lambda r: r.property)
def test_what_a_notebook_draws_is_well_formed(result):
    html5lib.HTMLParser(strict=True).parse(f"<!DOCTYPE html><title>x</title>{drawn(result)}")


def test_a_counterexample_is_a_row_a_move_and_its_bitmaps():
    """And the reason below."""
    shown = drawn(refuted())
    moves = len(refuted().trace)
    assert moves == len(re.findall(r"<tr[^>]*><td>\d+</td>", shown))
    assert 1 == shown.count("<svg")
    assert "Why: " in shown


def test_a_proof_is_its_verdict_and_what_was_searched():
    shown = drawn(proved())
    assert '<b class="proved">proved</b>' in shown
    assert "1,505 states" in shown
    assert "<svg" not in shown


def test_the_style_reaches_nothing_else_on_the_page():
    """Every rule begins with a class of ours."""
    styles = re.findall(r"<style>(.*?)</style>", drawn(refuted()), re.S)
    rules = re.findall(r"([^{};]+)\{[^{}]*\}", "".join(styles))
    assert [] == [s for rule in rules for s in rule.split(",") if not s.strip().startswith(".clearorder")]


def test_a_hostile_name_stays_text():
    assert "<script" not in drawn(hostile())


def test_outside_a_notebook_it_is_the_text():
    assert str(refuted()) == repr(reports.show(refuted()))


def test_the_example_in_the_docstring_runs():
    assert 0 == doctest.testmod(reports).failed


def test_the_notebook_shows_what_it_computes(tmp_path):
    """Without a network. After a change of what is shown: python -m tests.support.notebook."""
    again = tmp_path / "again.ipynb"
    words = [sys.executable, "-m", "tests.support.notebook", str(again)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert 0 == done.returncode, done.stderr
    assert outputs(NOTEBOOK) == outputs(again)
