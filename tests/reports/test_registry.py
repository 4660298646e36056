"""`--format` of the command: every name writes a file, and one that holds one claim asks for one."""

import pytest

from model.check.command import command
from model.errors import UsageError
from model.export import EXPORTS
from reports.formats.registry import REPORTS, SINGLE


def check(*arguments):
    """The exit code of the command, run in this process."""
    return command.main([str(a) for a in arguments], standalone_mode=False)


@pytest.mark.parametrize("form", REPORTS)
def test_every_report_is_written_to_a_file(form, tmp_path):
    """The exit code is the verdict's."""
    target = tmp_path / "out"
    assert 1 == check("top-layer", "--pages", 1, "--engine", "explicit", "--format", form, "-o", target)
    assert target.stat().st_size > 100


@pytest.mark.parametrize("form", EXPORTS)
def test_every_export_is_written_to_a_file_or_to_stdout(form, tmp_path, capsysbinary):
    """An export is no verdict: it ends with 0, and names the verdict to expect."""
    target, arguments = tmp_path / "out", ("top-layer", "--pages", 1, "--engine", "explicit", "--format", form)
    assert (0, 0) == (check(*arguments, "-o", target), check(*arguments))
    expected = {"cubicle": b"Expected: UNSAFE"}  # for any number of clients, so that there is no number of moves
    assert expected.get(form, b"Expected: violated, by 10 moves at least") in target.read_bytes()
    assert target.read_bytes() == capsysbinary.readouterr().out


@pytest.mark.parametrize("form", [*sorted(SINGLE), *EXPORTS])
def test_a_file_of_one_claim_is_not_asked_for_two(form):
    """Before anything is searched."""
    for arguments in (("top-layer", "naive"), (), ("top-layer", "--property", "all")):
        message = f"^--format {form} writes one property of one design: name one DESIGN and one --property.$"
        with pytest.raises(UsageError, match=message):
            check(*arguments, "--format", form)


def test_the_depth_of_a_bounded_query_can_be_asked_for(capsysbinary):
    """Below the known depth the answer is known to be unsat."""
    check("top-layer", "--pages", 1, "--property", "promise_kept", "--format", "smt2", "--depth", 7)
    said = capsysbinary.readouterr().out
    assert (True, True, False) == tuple(words in said for words in (b":status unsat", b"choice@7", b"choice@8"))


def test_a_limit_leaves_the_expectation_open(capsysbinary):
    """Nothing is rounded up."""
    check("per-slot-cache", "--format", "promela", "--max-states", 50)
    assert b"Expected: not known" in capsysbinary.readouterr().out
