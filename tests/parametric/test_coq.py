"""The theorem in docs/coq is about the design that is recorded, and Coq accepts it."""

import shutil
import subprocess

import pytest

from tests.support.coq import between, steps
from tests.support.packed import question
from tests.support.paths import ROOT

THEOREM = ROOT / "docs" / "coq" / "per_slot_cache.v"
needs_coq = pytest.mark.skipif(shutil.which("coqc") is None, reason="coqc is not installed")
ONCE_CLEARED = "        |> set_cache (cache s ∖ my_known s me)\n"


def accepted(text, folder):
    """What coqc says of this text, and whether it takes it."""
    (folder / "theorem.v").write_text(text)
    run = subprocess.run(["coqc", "-q", "theorem.v"], cwd=folder, capture_output=True, text=True, timeout=400)
    return run.returncode == 0, run.stdout + run.stderr


def test_its_steps_are_those_of_the_recorded_design():
    program = question("per-slot-cache", "no_lost_write", 1, 1).program
    written = between(THEOREM.read_text(), "Variable s : State.", "the end of the steps")
    assert steps(program).splitlines() == [line for line in written if line]


def test_another_design_has_other_steps():
    """So that the comparison can fail."""
    steps_of = {d: steps(question(d, "no_lost_write", 1, 1).program) for d in ("per-slot-cache", "naive", "top-layer")}
    assert 3 == len(set(steps_of.values()))


@needs_coq
@pytest.mark.slow
def test_coq_accepts_it_without_an_axiom(tmp_path):
    text = THEOREM.read_text()
    assert (True, "Closed under the global context\n" * text.count("Print Assumptions")) == accepted(text, tmp_path)


@needs_coq
@pytest.mark.slow
def test_coq_refuses_it_of_a_design_that_clears_twice(tmp_path):
    """The cache that is not forgotten: the known loss."""
    text = THEOREM.read_text()
    assert 1 == text.count(ONCE_CLEARED)
    taken, said = accepted(text.replace(ONCE_CLEARED, ""), tmp_path)
    assert (False, True) == (taken, "Error" in said)
