"""Proofs beside the conditions of a certificate: what is seen of a wrong one with Ethos and without."""

import importlib.util
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time

import pytest

from model.commands import certify_proofs
from model.commands.certify import certify, report
from model.commands.certify_proofs import ABSENT, Checker, ask, check, checker
from model.errors import MissingTool
from model.parametric import cpc
from model.parametric.inference.certificate import write_files
from model.parametric.proofs import contradictions, proof
from tests.support import certificates
from tests.support.command import clearorder
from tests.support.paths import ROOT

pytestmark = pytest.mark.skipif(importlib.util.find_spec("cvc5") is None, reason="cvc5 is not installed")

SAFE = [
    (design, promise)
    for design in ("per-slot-cache", "top-layer-and-cache", "delivers-nothing")
    for promise in ("promise_kept", "no_lost_write")
    if (design, promise) != ("delivers-nothing", "no_lost_write")
]
NOBODY = Checker(missing=ABSENT)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A certificate of views with its proofs, which no test changes."""
    directory = tmp_path_factory.mktemp("proofs") / "original"
    write_files(directory, certificates.with_proofs(certificates.views("delivers-nothing", "promise_kept")))
    return directory


@pytest.fixture
def copy(original, tmp_path):
    return shutil.copytree(original, tmp_path / "copy")


def looked_at(directory, ethos=NOBODY):
    return check(directory, sorted(p.name for p in directory.glob("*.smt2")), ethos, 20)


def some(directory):
    """Two proofs with steps, of conditions that differ."""
    found = sorted(directory.glob("*.cpc"), key=lambda p: (-len(p.read_text()), p.name))
    return found[0], next(p for p in found if p.name.partition(".")[0] != found[0].name.partition(".")[0])


def first(directory):
    """A contradiction that has a proof."""
    return next(contradictions({p.name: p.read_text() for p in directory.glob("*.smt2")}))


def changed(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


# ---------------------------------------------------------------- what is as it should be


def test_what_nobody_checked_is_said(original):
    """Never as if it had been checked: the conditions are confirmed, and of the proofs it is said what is known."""
    found = certify(original, ethos=NOBODY)
    assert ([], [], 0) == (found.wrong, found.unknown, found.exit_code)
    confirmed, told = report(found)
    count = len(list(original.glob("*.cpc")))
    assert confirmed.startswith("confirmed: promise_kept of delivers-nothing")
    assert told.startswith(f"  proofs not checked: ethos is not installed. Of {count} by cvc5 it is known only that")


def test_every_contradiction_has_a_proof_and_nothing_else_has(original):
    """One file for each `unsat`, beside the file that asks for it."""
    texts = {p.name: p.read_text() for p in original.glob("*.smt2")}
    expected = sorted(f"{q.condition.removesuffix('.smt2')}.{q.number}.cpc" for q in contradictions(texts))
    assert expected == sorted(p.name for p in original.glob("*.cpc"))
    assert expected == sorted(json.loads((original / "proofs.json").read_text())["proofs"])


def test_a_certificate_without_proofs_says_nothing_of_them(copy):
    """As before."""
    for file in (*copy.glob("*.cpc"), copy / "proofs.json"):
        file.unlink()
    assert 1 == len(list(report(certify(copy, ethos=NOBODY))))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [certificates.clauses, certificates.views])
@pytest.mark.parametrize(("design", "promise"), SAFE)
def test_every_proof_of_the_safe_designs_belongs_to_its_condition(kind, design, promise, tmp_path):
    """Clauses and views; all of per-slot-cache within seconds."""
    write_files(tmp_path / "c", certificates.with_proofs(kind(design, promise)))
    found = certify(tmp_path / "c", ethos=NOBODY)
    assert ([], [], 0) == (found.wrong, found.unknown, found.exit_code)


# ---------------------------------------------------------------- tampering


def test_a_proof_of_another_condition_is_found(copy):
    """Though it is a good proof of something."""
    one, other = some(copy)
    shutil.copy(other, one)
    found = looked_at(copy).wrong
    assert any(w.startswith(f"{one.name}: it assumes ") and "the condition does not assert" in w for w in found)
    assert any(w.startswith(f"{one.name}: it leaves out ") for w in found)


@pytest.mark.parametrize("length", [0.9, 0.5, 0.0])
def test_a_truncated_proof_is_found(copy, length):
    """A bracket is missing."""
    one, _ = some(copy)
    text = one.read_text()
    one.write_text(text[: int(len(text) * length)])
    (wrong,) = looked_at(copy).wrong
    assert wrong.startswith(f"{one.name}: it cannot be read")


def test_a_proof_without_its_last_step_is_found(copy):
    """Well-formed, and it shows something else than false."""
    one, _ = some(copy)
    *steps, _, end = one.read_text().strip().splitlines()
    one.write_text("\n".join([*steps, end]))
    assert f"{one.name}: its last step is not false" in looked_at(copy).wrong


LAST = "(step @p9999 false :rule contra :premises (@p1 @p9998))\n)"
MORE = {
    "an assumption": ("(assume @p1 ", "(assume @p9998 (not true))\n(assume @p1 ", "it assumes 1 that"),
    "a trusted step": ("\n)", "\n(step @p9999 false :rule trust)\n)", "is justified by nothing"),
    "a shorthand of an operator": ("(assume @p1 ", "(define or () and)\n(assume @p1 ", "it says what no proof"),
    "a shorthand twice": ("(assume @p1 ", "(define @t1 () false)\n(assume @p1 ", "it says what no proof"),
    "a word": ("(assume @p1 ", "(declare-const s.more Bool)\n(assume @p1 ", "it says what no proof"),
    "other rules": ("(assume @p1 ", '(include "mine.eo")\n(assume @p1 ', "it says what no proof"),
    "a supposition": ("\n)", "\n(assume-push @p9998 false)\n(step @p9999 false :rule x)\n)", "its last step is not"),
    "an end of nothing": ("\n)", "\n(step-pop @p9999 false :rule scope)\n)", "a supposition that was never made"),
    "a premise from nowhere": ("\n)", f"\n{LAST}", "@p9998, which is not shown before it"),
}


@pytest.mark.parametrize("more", MORE)
def test_what_does_not_belong_into_a_proof_is_found(copy, more):
    """Each would let something be shown that does not follow from the condition."""
    one, _ = some(copy)
    old, new, expected = MORE[more]
    text = one.read_text()
    at = text.rindex(old) if old == "\n)" else text.index(old)
    one.write_text(text[:at] + new + text[at + len(old) :])
    assert any(w.startswith(f"{one.name}: ") and expected in w for w in looked_at(copy).wrong)


def test_an_assumption_less_is_found(copy):
    """What is assumed is what the condition asserts, all of it."""
    one, _ = some(copy)
    lines = one.read_text().splitlines()
    number = max(n for n, line in enumerate(lines) if line.startswith("(assume "))
    one.write_text("\n".join(lines[:number] + lines[number + 1 :]))
    assert any(w.startswith(f"{one.name}: it leaves out 1 ") for w in looked_at(copy).wrong)


def test_a_shorthand_that_says_something_else_is_found(copy):
    """An assumption is compared by what it stands for."""
    one = next(p for p in sorted(copy.glob("*.cpc")) if "(define @t1 () (not " in p.read_text())
    changed(one, "(define @t1 () (not ", "(define @t1 () (and ")
    assert any(w.startswith(f"{one.name}: it assumes ") for w in looked_at(copy).wrong)


def test_bound_variables_are_told_apart():
    """By name and sort: for all pages some client is not for some page all clients."""
    question = "(declare-sort s 0)(declare-fun r (s s) Bool)(assert (forall ((?x s)) (exists ((?y s)) (r ?x ?y))))"
    x, y = ('(@var "?x" s)', '(@var "?y" s)')
    end = "(step @p2 false :rule x :premises (@p1))"

    def told(first, second, inside):
        return f"((assume @p1 (forall (@list {first}) (exists (@list {second}) {inside}))){end})"

    assert [] == list(cpc.wrong(told(x, y, f"(r {x} {y})"), question))
    assert [] != list(cpc.wrong(told(x, y, f"(r {y} {x})"), question))
    assert [] != list(cpc.wrong(told(y, x, f"(r {x} {y})"), question))


def test_a_missing_proof_a_stray_one_and_another_question_are_found(copy):
    """In the directory, in the index, and by the digest of what was asked."""
    one, other = some(copy)
    one.unlink()
    shutil.copy(other, copy / "stray.cpc")
    index = json.loads((copy / "proofs.json").read_text())
    index["proofs"][other.name]["sha256"] = "0" * 64
    (copy / "proofs.json").write_text(json.dumps(index))
    assert {
        f"{one.name} is missing or cannot be read",
        "stray.cpc is a proof of no condition",
        f"{other.name} is listed as the proof of another question than its condition asks",
    } == set(looked_at(copy).wrong)


def test_a_missing_index_and_a_missing_line_are_found(copy):
    """Proofs that nobody lists are not passed over."""
    one, _ = some(copy)
    index = json.loads((copy / "proofs.json").read_text())
    del index["proofs"][one.name]
    (copy / "proofs.json").write_text(json.dumps(index))
    assert [f"{one.name} is not listed: its condition has no proof"] == looked_at(copy).wrong
    (copy / "proofs.json").write_text("[]")
    assert "proofs.json cannot be read" in looked_at(copy).wrong
    (copy / "proofs.json").unlink()
    assert ["is in no index: proofs.json is missing"] == [w.partition(" ")[2] for w in looked_at(copy).wrong]


# ---------------------------------------------------------------- Ethos


def stand_in(directory, answer):
    """A program that is called as Ethos is, and says `answer` where its input looks as it should."""
    program = directory / "ethos-of-the-test"
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys, time\n"
        "told = open(sys.argv[1]).read().splitlines()\n"
        "asked = open('condition.smt2').read()\n"
        "assert told[0].startswith('(include ') and told[1] == '(reference \"condition.smt2\")', told[:2]\n"
        "assert '(push' not in asked and asked.count('(check-sat)') == 1\n"
        f"{answer}\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    rules = directory / "Cpc.eo"
    rules.write_text("")
    return checker(str(program), rules)


ANSWERS = {
    "print('correct')": "correct",
    "print('incomplete')": "incomplete",
    "print('success')": "success",
    "print('correct'); sys.exit(1)": "correct (exit code 1)",
    "sys.exit('line 7: no such rule')": "line 7: no such rule (exit code 1)",
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_the_checker_says_is_what_is_said(original, tmp_path, answer):
    """Only `correct` counts, and only from a program that ends well."""
    question = first(original)
    told = ask(stand_in(tmp_path, answer), question.script, (original / question.file).read_text(), 20)
    assert ANSWERS[answer] == told


SAID = {
    "correct": 0,
    "incomplete": 3,
    "no answer in time": 3,
    "success": 1,
    "line 7: no such rule (exit code 1)": 1,
}


@pytest.mark.parametrize("told", SAID)
def test_what_the_checker_says_decides(original, monkeypatch, told):
    """The exit code is of all together."""
    monkeypatch.setattr(certify_proofs, "ask", lambda *_: told)
    found = certify(original, ethos=Checker("ethos", original / "rules"))
    assert SAID[told] == found.exit_code
    said = "calls every one correct" if told == "correct" else f"says {told}"
    assert any(f"Ethos {said}" in line for line in report(found))


def test_a_checker_that_does_not_answer_is_not_waited_for(original, tmp_path):
    """And it is undetermined."""
    question = first(original)
    slow = stand_in(tmp_path, "time.sleep(60)")
    assert "no answer in time" == ask(slow, question.script, (original / question.file).read_text(), 0.5)


def test_a_checker_that_is_named_has_to_be_there(tmp_path):
    """Exit code 4, and where it is had; one on the PATH needs its rules to be named."""
    with pytest.raises(MissingTool, match="no-ethos is no program"):
        checker("no-ethos", None)
    with pytest.raises(MissingTool, match="in the sources of cvc5"):
        checker(sys.executable, tmp_path / "Cpc.eo")
    assert "--calculus" in checker(sys.executable, None).missing


@pytest.mark.slow
@pytest.mark.parametrize("kind", [certificates.clauses, certificates.views])
@pytest.mark.parametrize(("design", "promise"), SAFE)
def test_ethos_calls_every_proof_correct(kind, design, promise, tmp_path):
    """Of the safe built-in designs, where Ethos is installed."""
    found = checker(*certificates.ethos())
    write_files(tmp_path / "c", certificates.with_proofs(kind(design, promise)))
    assert [] == [*(done := certify(tmp_path / "c", ethos=found)).wrong, *done.unknown]


# ---------------------------------------------------------------- the command that writes them


def test_the_command_writes_and_the_other_reads(tmp_path):
    """`check --certificate DIR --proofs`, then `certify`."""
    asked = ("delivers-nothing", "--property", "promise_kept", "--engine", "views")
    done = clearorder("check", *asked, "--certificate", tmp_path / "c", "--proofs")
    assert 0 == done.returncode, done.stderr
    done = clearorder("certify", tmp_path / "c" / "delivers-nothing-promise_kept")
    assert 0 == done.returncode
    assert 2 == sum(not line.startswith("    ") for line in done.stdout.splitlines())
    assert "proofs not checked" in done.stdout or "Ethos calls every one correct" in done.stdout


def test_proofs_go_with_a_certificate():
    """Bad use, before anything is searched."""
    done = clearorder("check", "per-slot-cache", "--proofs")
    assert 2 == done.returncode
    assert "--proofs goes with --certificate DIR" in done.stderr


def pigeons(holes):
    """More pigeons than holes: a contradiction that resolution takes very long to find."""
    words = [f"(declare-fun p{i}_{j} () Bool)" for i in range(holes + 1) for j in range(holes)]
    some = [f"(assert (or {' '.join(f'p{i}_{j}' for j in range(holes))}))" for i in range(holes + 1)]
    one = [
        f"(assert (or (not p{i}_{j}) (not p{k}_{j})))" for j in range(holes) for i in range(holes + 1) for k in range(i)
    ]
    return "\n".join(["(set-logic QF_UF)", *words, *some, *one])


def test_what_takes_too_long_has_no_proof():
    """None, and not a proof of something else."""
    assert None is proof(pigeons(11), 0.2)
    assert None is proof("(set-logic QF_UF)\n(declare-fun a () Bool)\n(assert a)", 5)
    assert [] == list(cpc.wrong(proof(pigeons(2), 20), pigeons(2)))


WAITS = """
from model.check.certificates import _proofs
from tests.commands.test_certify_proofs import pigeons

if __name__ == "__main__":
    question = pigeons(12) + "(set-info :status unsat)(check-sat)"
    print(_proofs({"0-pigeons.smt2": question}, SECONDS), flush=True)
"""


@pytest.mark.slow
def test_ctrl_c_ends_a_search_for_a_proof(tmp_path):
    """At once, though cvc5 does not hear it; the process beside it ends too."""
    (tmp_path / "waits.py").write_text(WAITS.replace("SECONDS", "300"))
    command = [sys.executable, str(tmp_path / "waits.py")]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE) as run:
        time.sleep(4)
        run.send_signal(signal.SIGINT)
        begin = time.monotonic()
        _, said = run.communicate(timeout=20)
    assert b"KeyboardInterrupt" in said
    assert time.monotonic() - begin < 10


@pytest.mark.slow
def test_a_search_for_a_proof_ends_in_time(tmp_path):
    """By cvc5's own limit, or by that of the process that waits for it."""
    (tmp_path / "waits.py").write_text(WAITS.replace("SECONDS", "1"))
    command = [sys.executable, str(tmp_path / "waits.py")]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert "cvc5 has no proof of" in done.stdout, done.stderr
