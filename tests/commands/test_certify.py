"""The certificate of a proof, and everything that a second look at it has to find."""

import importlib.util
import json
import shutil
import subprocess
import sys

import pytest

from model.cli.app import run
from model.commands import certify as face
from model.commands.certify import certify, report
from model.errors import UsageError
from model.parametric.inference.certificate import contents, write
from model.parametric.smtlib import queries
from tests.support.proofs import CLEAR_K, by_clauses

pytestmark = pytest.mark.skipif(importlib.util.find_spec("cvc5") is None, reason="cvc5 is not installed")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The certificate of CLEAR-k, which no test changes."""
    directory = tmp_path_factory.mktemp("proofs") / "clear-k"
    write(by_clauses(CLEAR_K, "promise").detail, directory, CLEAR_K, ["promise"])
    return directory


@pytest.fixture
def copy(original, tmp_path):
    return shutil.copytree(original, tmp_path / "copy")


def edit(file, old, new, count=1):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, count))


def manifest(directory, **changes):
    file = directory / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def wrong(directory):
    found = certify(directory)
    assert 1 == found.exit_code
    assert next(report(found)).startswith("not confirmed: ")
    return found.wrong


# ---------------------------------------------------------------- what is as it should be


def test_a_proof_is_confirmed_by_the_second_solver(original):
    """25 goals of z3's proof and 7 sets of premises: the start, five steps, the property."""
    found = certify(original)
    assert 0 == found.exit_code
    assert (32, 4) == (found.answers, found.conjuncts)
    (line,) = report(found)
    assert line.startswith("confirmed: promise of ")
    assert line.endswith("any number of everything, by 4 conjuncts; cvc5 gave all 32 answers")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["promise_kept", "no_lost_write"])
@pytest.mark.parametrize("design", ["per-slot-cache", "top-layer-and-cache"])
def test_cvc5_confirms_the_proofs_of_the_safe_designs(design, name, tmp_path):
    """Every question of every certificate; by default of three quicker ones, above and below."""
    write(by_clauses(design, name).detail, tmp_path / "proof", design, [name])
    found = certify(tmp_path / "proof")
    assert ([], [], 0) == (found.wrong, found.unknown, found.exit_code)


def test_a_proof_for_one_client_says_so(tmp_path):
    """The scope is part of what is confirmed."""
    write(by_clauses("top-layer", "promise_kept", clients=1).detail, tmp_path / "proof", "top-layer", ["promise_kept"])
    (line,) = report(certify(tmp_path / "proof"))
    assert "any number of pages and exactly 1 client," in line


def test_a_step_that_is_never_possible_is_stated_and_confirmed(tmp_path):
    """Where nobody is told of anything, nobody clears."""
    found = by_clauses("delivers-nothing", "promise_kept").detail
    assert ("clear.cleared",) == found.impossible
    write(found, tmp_path / "proof", "delivers-nothing", ["promise_kept"])
    assert 0 == certify(tmp_path / "proof").exit_code


def test_the_same_proof_gives_the_same_files():
    """No timestamps, no names that differ from run to run."""
    found = by_clauses(CLEAR_K, "promise").detail
    again = by_clauses.__wrapped__(CLEAR_K, "promise").detail
    assert contents(found, CLEAR_K, ["promise"]) == contents(again, CLEAR_K, ["promise"])


def test_a_certificate_replaces_a_certificate_and_nothing_else(copy, original, tmp_path):
    """Files that are none of ours are never deleted."""
    (copy / "left over").write_text("")
    write(by_clauses(CLEAR_K, "promise").detail, copy, CLEAR_K, ["promise"])
    assert sorted(p.name for p in original.iterdir()) == sorted(p.name for p in copy.iterdir())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="has files in it that are no certificate"):
        write(by_clauses(CLEAR_K, "promise").detail, tmp_path / "other", CLEAR_K, ["promise"])


# ---------------------------------------------------------------- seven kinds of tampering


def test_a_changed_condition_is_found(copy):
    """The step's guard is asserted away; the proof still goes through, and it is not the design's."""
    edit(copy / "01-write.smt2", "(s.cache ?p0)", "(s.kernel ?p0)")
    assert any("01-write.smt2, line" in w and "not the condition that the design generates" in w for w in wrong(copy))


def test_a_dropped_conjunct_is_found(copy):
    """From the invariant; the files still have it."""
    listed = json.loads((copy / "invariant.json").read_text())
    (copy / "invariant.json").write_text(json.dumps({"conjuncts": listed["conjuncts"][:-1]}))
    assert any("not the condition that the design generates" in w for w in wrong(copy))


def test_a_conjunct_dropped_everywhere_is_found(original, tmp_path):
    """A whole new certificate without it is generated: cvc5 finds what no longer follows."""
    from dataclasses import replace

    found = by_clauses(CLEAR_K, "promise").detail
    weaker = replace(found, conjuncts=found.conjuncts[:-1])
    write(weaker, tmp_path / "proof", CLEAR_K, ["promise"])
    assert any("unsat was stated, and cvc5 says sat" in w for w in wrong(tmp_path / "proof"))


def test_a_weakened_property_is_found(copy):
    """Something that is easier to prove stands in the property's place."""
    (goal,) = [f for f in copy.iterdir() if f.name.endswith("property.smt2")]
    lines = goal.read_text().splitlines()
    (number,) = [n for n, line in enumerate(lines) if line.startswith("(assert (not (forall")]
    lines[number] = "(assert (not true))"
    goal.write_text("\n".join(lines) + "\n")
    assert any(f"{goal.name}, line {number + 1}: this is not" in w for w in wrong(copy))


def test_a_contradictory_premise_is_found_by_cvc5_alone(copy):
    """Everything follows from it, so the premises have to be satisfiable."""
    edit(copy / "02-sync.smt2", "; the premises", "(assert false)\n; the premises")
    assert any("question 1: sat was stated, and cvc5 says unsat" in w for w in wrong(copy))


@pytest.mark.parametrize("also", [False, True])
def test_a_changed_expected_answer_is_found(copy, also):
    """In the file, and in the manifest too: a proof needs these answers and no others."""
    edit(copy / "00-start.smt2", ":status unsat", ":status sat")
    if also:
        files = json.loads((copy / "manifest.json").read_text())["files"]
        files["00-start.smt2"][1] = "sat"
        manifest(copy, files=files)
    found = wrong(copy)
    assert also == all("other answers than the manifest" not in w for w in found)
    assert any("a proof needs premises that are sat and goals that are unsat" in w for w in found)


@pytest.mark.parametrize("also", [False, True])
def test_a_missing_step_is_found(copy, also):
    """Its file, or its file and its line in the manifest."""
    (copy / "04-clear.smt2").unlink()
    if also:
        files = json.loads((copy / "manifest.json").read_text())["files"]
        del files["04-clear.smt2"]
        manifest(copy, files=files)
    expected = "04-clear.smt2 is not listed: the design has this condition" if also else "04-clear.smt2 is missing"
    assert expected in wrong(copy)


def test_a_swapped_design_is_found(copy):
    """By its digest, and by the conditions that it has."""
    manifest(copy, digest="0" * 64)
    assert any("is not the design that was proved: its digest is" in w for w in wrong(copy))
    manifest(copy, design=CLEAR_K.replace(":ClearK", ":ClearKTopLayer"))
    assert any("not the condition that the design generates" in w for w in wrong(copy))


def test_a_question_that_is_not_asked_any_more_is_found(copy):
    """A file without its last goal."""
    text = (copy / "05-finish.smt2").read_text()
    (copy / "05-finish.smt2").write_text(text[: text.rindex("(push 1)")])
    assert any("other answers than the manifest" in w for w in wrong(copy))


# ---------------------------------------------------------------- bad use, no time, no cvc5


def test_a_directory_that_is_no_certificate_is_bad_use(tmp_path):
    """Nothing there, nonsense, or a manifest of another version."""
    with pytest.raises(UsageError, match="is no certificate: it has no readable manifest.json"):
        certify(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(UsageError, match="it lacks everything"):
        certify(tmp_path)


def test_a_manifest_of_no_property_proves_nothing(copy):
    """Whatever files it lists, there is nothing that they show."""
    manifest(copy, properties=[])
    assert any("the manifest names no property" in w for w in wrong(copy))


@pytest.mark.parametrize("name", ["../queries.smt2", "/etc/passwd", "queries.smt2", "01-a/b.smt2"])
def test_a_manifest_names_no_file_outside_its_directory(copy, name):
    """It is read from whoever sends it."""
    manifest(copy, files={name: ["unsat"]})
    with pytest.raises(UsageError, match="which is no file of a certificate"):
        certify(copy)


def test_an_answer_that_does_not_come_in_time_is_undetermined(original, monkeypatch):
    """And neither confirmed nor refused."""
    monkeypatch.setattr(face, "ask_cvc5", lambda script, expected, seconds: "unknown")
    found = certify(original)
    assert 3 == found.exit_code
    assert next(report(found)).startswith("undetermined: ")


def test_without_cvc5_the_command_says_how_to_get_it(original, monkeypatch, capsys):
    """Exit code 4, and one line."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["certify", str(original)])
    with pytest.raises(SystemExit) as left:
        run(face.command, "certify")
    assert 4 == left.value.code
    assert "pip install 'clearorder[certify]'" in capsys.readouterr().err


def test_the_command_confirms_and_refuses(original, copy):
    """Exit codes 0 and 1."""
    edit(copy / "01-write.smt2", "(s.cache ?p0)", "(s.kernel ?p0)")
    for directory, code, word in ((original, 0, "confirmed"), (copy, 1, "not confirmed")):
        command = [sys.executable, "-m", "model", "certify", str(directory)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (code, word) == (done.returncode, done.stdout.partition(":")[0])


def test_questions_are_asked_one_by_one():
    """Each with what was asserted before it, and nothing that was taken back."""
    script = "(assert a)(set-info :status sat)(check-sat)(push 1)(assert b)(set-info :status unsat)(check-sat)(pop 1)"
    assert [("sat", "(assert a)"), ("unsat", "(assert a)\n(assert b)")] == list(queries(script))
