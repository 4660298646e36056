"""`--format` of the command: every name writes a file, and one that holds one claim asks for one."""

import subprocess
import sys

import pytest

from model.export import EXPORTS
from reports.formats import REPORTS, SINGLE


def check(*arguments, cwd=None):
    command = [sys.executable, "-m", "model.check", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, cwd=cwd)


@pytest.mark.parametrize("form", REPORTS)
def test_every_report_is_written_to_a_file(form, tmp_path):
    """The exit code is the verdict's."""
    target = tmp_path / "out"
    done = check("top-layer", "--pages", 1, "--engine", "explicit", "--format", form, "-o", target)
    assert (1, b"", b"") == (done.returncode, done.stdout, done.stderr)
    assert target.stat().st_size > 100


@pytest.mark.parametrize("form", EXPORTS)
def test_every_export_is_written_to_a_file_or_to_stdout(form, tmp_path):
    """An export is no verdict: it ends with 0, and names the verdict to expect."""
    target, arguments = tmp_path / "out", ("top-layer", "--pages", 1, "--engine", "explicit", "--format", form)
    done = check(*arguments, "-o", target)
    assert (0, b"", b"") == (done.returncode, done.stdout, done.stderr)
    assert b"Expected: violated, by 10 moves at least" in target.read_bytes()
    assert target.read_bytes() == check(*arguments).stdout


@pytest.mark.parametrize("form", [*sorted(SINGLE), *EXPORTS])
def test_a_file_of_one_claim_is_not_asked_for_two(form):
    """Before anything is searched."""
    for arguments in (("top-layer", "naive"), (), ("top-layer", "--property", "all")):
        done = check(*arguments, "--format", form)
        message = f"error: --format {form} writes one property of one design: name one DESIGN and one --property.\n"
        assert (2, message) == (done.returncode, done.stderr.decode())


def test_the_depth_of_a_bounded_query_can_be_asked_for():
    """Below the known depth the answer is known to be unsat."""
    done = check("top-layer", "--pages", 1, "--property", "promise_kept", "--format", "smt2", "--depth", 7)
    assert b"(set-info :status unsat)" in done.stdout
    assert b"choice@7" in done.stdout
    assert b"choice@8" not in done.stdout


def test_a_limit_leaves_the_expectation_open():
    """Nothing is rounded up."""
    done = check("per-slot-cache", "--format", "promela", "--max-states", 50)
    assert b"Expected: not known" in done.stdout
