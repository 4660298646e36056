"""Designs with slips, drawn from a grammar: each is answered, or refused with a message of ours."""

import tempfile
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings

from model.designs.catalogue import find_property, load
from model.engines import explicit
from model.errors import ModelError
from model.instance.problem import Problem
from model.limits import Limits
from model.program.design import record
from tests.support.command import check
from tests.support.slipping_designs import designs

FREE = {"deadline": 30_000, "suppress_health_check": list(HealthCheck)}
ANSWERS = (0, 1, 2, 3)  # 70 is an internal error


def answered(design):
    """The verdict on its rule, or nothing where it is refused; whatever is wrong with it one of our errors says."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # of Python, about the file
        file = Path(folder) / "mine.py"
        file.write_text(design)
        try:
            found = load(str(file))
            problem = Problem.of(record(found), find_property("rule", found), pages=1, sizes={"Vcpu": 1})
            return explicit.search(problem, Limits(states=300)).word
        except ModelError as wrong:
            assert " at 0x" not in wrong.shown()
            assert "Traceback" not in wrong.shown()
            return None


def commanded(design):
    """The exit code of the command on its rule, after what it printed was looked at."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        Path(folder, "mine.py").write_text(design)
        sizes = ("--pages", "1", "--size", "Vcpu=1", "--timeout", "5", "--max-states", "3000")
        done = check("mine.py", "--property", "rule", *sizes, cwd=folder)
    said = done.stdout + done.stderr
    assert done.returncode in ANSWERS, said + design
    assert "Traceback" not in said
    assert " at 0x" not in said, said
    return done.returncode


@given(designs())
@settings(max_examples=200, derandomize=True, **FREE)
def test_a_design_with_slips_is_answered_or_refused(design):
    """No traceback, and no address in memory."""
    answered(design)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_ten_thousand_designs_with_slips(part):
    """The same for longer, a thousand a part; some are refused, some are searched."""
    words = set()

    @seed(part)
    @given(designs())
    @settings(max_examples=1_000, database=None, **FREE)
    def each(design):
        words.add(answered(design))

    each()
    assert {None, "proved", "refuted"} <= words


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_the_command_answers_designs_with_slips(part):
    """Every engine that `check` asks, the sentences and the notes; exit 0, 1, 2 or 3."""

    @seed(100 + part)
    @given(designs())
    @settings(max_examples=200, database=None, **FREE)
    def each(design):
        commanded(design)

    each()
