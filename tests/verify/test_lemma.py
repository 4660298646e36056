"""An invariant of the user's own is a lemma: proved with what is asked, or what breaks it is shown."""

import json
from dataclasses import replace

import pytest

from model.designs.catalogue import built_in_properties, find_property, load
from model.errors import UsageError
from model.instance.problem import Problem
from model.program.design import record
from model.verdict import Proved, Refuted, Undetermined
from model.verify import lemma as lemmas
from model.verify.question import Lemma, Question
from tests.support.command import check, clearorder
from tests.support.paths import ROOT

FILE = ROOT / "tests" / "data" / "lemmas" / "copier.py"
HERE = FILE.parent


def asked(*names, property="kept", **more):
    """A question about the copier with lemmas of its file."""
    design = load(str(FILE))
    given = tuple(Lemma(f"copier.py:{n}", find_property(n, design)) for n in names)
    return Question(design, find_property(property, design), 2, {"Client": 2}, lemmas=given, **more)


def notes(result):
    return " ".join(result.notes)


def test_an_inductive_invariant_proves_with_what_is_asked():
    """Nothing is searched beyond it, and the answer says with what."""
    (found,) = lemmas.answers(asked("read_is_read"))
    assert isinstance(found.verdict, Proved)
    assert {"pages": "any", "clients": "any"} == dict(found.scope)
    assert "proved with your invariant read_is_read" in found.notes
    assert ["kept", "your invariant read_is_read"] == [c.text for c in found.proof.conjuncts]
    assert ("copier.py:read_is_read",) == found.lemmas


def test_without_the_invariant_the_question_is_not_inductive():
    problem = Problem.of(record(load(str(FILE))), find_property("kept", load(str(FILE))))
    assert lemmas.stated(problem, until=float("inf")) is None


def test_an_invariant_that_is_not_inductive_shows_the_step_that_breaks_it():
    """The state holds all that is stated, and the move is one of the design's; whether it is reachable is not said."""
    together = lemmas._Together(asked("too_weak"), asked("too_weak").lemmas)
    problem, run = together.problem(together.lemmas), together.step_out()
    (before, after), (move,) = run.states, run.moves
    assert all(problem.instance.value(c.holds, before) for c in problem.checks)
    assert problem.instance.enabled(move, before)
    assert after == problem.instance.apply(move, before)
    assert not all(problem.instance.value(c.holds, after) for c in problem.checks)
    (found,) = lemmas.answers(asked("too_weak"))
    assert "may be unreachable" in notes(found)
    assert "the step: " in notes(found)
    assert ": drop page" in notes(found)


def test_a_false_invariant_is_refuted_and_never_used():
    """Its counterexample is shown, and the question is answered without it."""
    false, found = lemmas.answers(asked("never_done"))
    assert ("never_done", Refuted, 2) == (false.property, type(false.verdict), false.verdict.depth)
    assert ((), "kept") == (found.lemmas, found.property)
    assert "your invariant never_done is false" in notes(found)


def test_a_false_invariant_does_not_prove_a_false_question():
    """From a falsehood everything would follow: the promise that `never_done` would imply is refuted all the same."""
    question = replace(asked("never_done"), property=find_property("something_is_kept", load(str(FILE))))
    results = lemmas.answers(question)
    assert [Refuted, Refuted] == [type(r.verdict) for r in results]


@pytest.mark.parametrize("name", ["never_done", "never_twice"])
def test_a_false_invariant_is_not_proved_where_the_search_does_not_see_it(name, monkeypatch):
    """The search is not what a proof rests on: with no search at all, a false invariant is not inductive."""
    monkeypatch.setattr(lemmas, "_refuted", lambda question, lemma: None)
    results = lemmas.answers(asked(name))
    assert all(not r.lemmas for r in results)
    assert not any("proved with" in notes(r) for r in results)


def test_an_invariant_that_says_nothing_is_vacuous_and_not_used():
    (found,) = lemmas.answers(asked("everything"))
    assert "your invariant everything is not used: vacuous" in notes(found)
    assert () == found.lemmas


def test_what_is_asked_is_no_lemma_for_itself():
    (found,) = lemmas.answers(asked("kept"))
    assert "your invariant kept is not used: it is what is asked" in notes(found)


def test_an_invariant_that_the_proof_does_not_need_is_named_as_such():
    (found,) = lemmas.answers(asked("too_weak", "read_is_read"))
    assert ("copier.py:read_is_read",) == found.lemmas
    assert "your invariant too_weak is not needed" in notes(found)


def test_where_the_question_has_no_words_for_any_number_it_is_proved_at_the_size(monkeypatch):
    """Only where the ordinary answer is none, and then the scope says for which size."""
    monkeypatch.setattr(lemmas._Together, "stated", lambda self: None)
    (found,) = lemmas.answers(asked("read_is_read"))
    assert "inductive with it at the size" in notes(found)
    monkeypatch.setattr(
        lemmas, "answer", lambda question: replace(found, verdict=Undetermined(reason="late"), evidence=())
    )
    monkeypatch.setattr(lemmas, "_refuted", lambda question, lemma: None)
    (here,) = lemmas.answers(asked("read_is_read"))
    assert ({"pages": 2, "clients": 2}, "proved") == (dict(here.scope), here.verdict.word)
    assert "at this size" in notes(here)


def test_a_property_with_a_ghost_may_be_an_invariant():
    """Its ghost and its observer are part of the proof, which is of both."""
    (found,) = lemmas.answers(asked("seen_is_read"))
    assert "proved with your invariant seen_is_read" in found.notes
    assert "seen" in {v.name for v in found.proof.reading.program.variables}


def test_a_false_property_with_a_ghost_is_refuted_before_the_question():
    """no_lost_write brings a stop with it, and naive breaks both."""
    promise, loss = (built_in_properties()[n] for n in ("promise_kept", "no_lost_write"))
    question = Question(load("naive"), promise, 1, {"Client": 2}, lemmas=(Lemma("no_lost_write", loss),))
    results = lemmas.answers(question)
    assert [("no_lost_write", 10), ("promise_kept", 8)] == [(r.property, r.verdict.depth) for r in results]


def test_another_invariant_with_the_name_of_the_question_is_refused():
    """A proof that names its statements could take the one for the other."""
    other = replace(find_property("too_weak", load(str(FILE))), name="kept")
    question = replace(asked(), lemmas=(Lemma("rules.py:kept", other),))
    with pytest.raises(UsageError, match=r"rules.py:kept: kept is also the name of what is asked; rename it"):
        lemmas.answers(question)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("copier.py:read_is_red", "did you mean 'read_is_read'?"),
        ("absent.py:read_is_read", "there is no file 'absent.py'"),
        ("copier.py:says_true", "it returns Python's True, whatever the state is, so it says nothing"),
        ("copier.py:something_done", "so it is an @always property; something_done is one of kind 'sometimes'"),
    ],
)
def test_what_cannot_be_an_invariant_is_refused(spec, said):
    found = check("copier.py", "--property", "kept", "--invariant", spec, cwd=HERE)
    assert 2 == found.returncode
    assert said in found.stderr


def test_an_engine_that_proves_for_no_number_takes_no_invariant():
    found = check("copier.py", "--property", "kept", "--invariant", "copier.py:kept", "--engine", "lanes", cwd=HERE)
    assert (2, True) == (found.returncode, "--invariant is a lemma of a proof for any number" in found.stderr)


def test_an_invariant_is_one_of_a_design():
    """The comparison's three designs have recorded verdicts, and nobody's rules in them."""
    found = check("--invariant", "copier.py:kept", cwd=HERE)
    assert (2, True) == (found.returncode, "--invariant is about one design: name a DESIGN" in found.stderr)


def test_a_false_invariant_makes_the_command_exit_1():
    found = check("copier.py", "--property", "kept", "--invariant", "copier.py:never_done", cwd=HERE)
    assert 1 == found.returncode
    assert "copier violates never_done" in found.stdout


def test_json_and_the_certificate_carry_the_invariant(tmp_path):
    """`certify` generates the conditions again from the design and the file of the invariant."""
    options = ["--property", "kept", "--invariant", "copier.py:read_is_read", "--format", "json"]
    found = check("copier.py", *options, "--certificate", tmp_path / "proof", cwd=HERE)
    assert ["copier.py:read_is_read"] == json.loads(found.stdout)["results"][0]["lemmas"]
    directory = tmp_path / "proof" / "copier-kept"
    assert ["kept", "copier.py:read_is_read"] == json.loads((directory / "manifest.json").read_text())["properties"]
    pytest.importorskip("cvc5")
    confirmed = clearorder("certify", directory, cwd=HERE)
    assert (0, True) == (confirmed.returncode, "confirmed: kept, copier.py:read_is_read" in confirmed.stdout)
