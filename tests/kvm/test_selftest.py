"""The C program: it compiles without a warning, and on the real kernel it reports the loss."""

import shutil
import subprocess

import pytest

from model.designs.catalogue import find_property, load
from model.errors import CannotSay
from model.instance.instance import Instance
from model.kvm.selftest import document, program
from model.program.design import record
from model.verify.portfolio import answer
from model.verify.question import Question
from tests.support.kvm import needs_kvm
from tests.support.moves import moves

needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is missing")
FLAGS = ["-Wall", "-Wextra", "-Werror"]


def result(name: str, property: str = "no_lost_write"):
    return answer(Question(load(name), find_property(property), 2, {"Client": 2}, "lanes"))


def compiled(tmp_path, text: str, *more: str) -> str:
    (tmp_path / "loss.c").write_text(text)
    done = subprocess.run(["gcc", *FLAGS, *more, "-o", "loss", "loss.c"], cwd=tmp_path, capture_output=True, text=True)
    assert ("", 0) == (done.stderr, done.returncode)
    return str(tmp_path / "loss")


def ran(tmp_path, text):
    """The exit code of a program, and what it prints."""
    done = subprocess.run([compiled(tmp_path, text)], capture_output=True, text=True)
    return done.returncode, done.stdout


@needs_gcc
@pytest.mark.parametrize("more", [["-O2"], ["-std=gnu11", "-Wpedantic"]])
def test_the_program_compiles_without_a_warning(tmp_path, more):
    compiled(tmp_path, document(result("top-layer")), *more)


@needs_gcc
@pytest.mark.parametrize(
    ("here", "there", "why"),
    [
        ("#ifndef __x86_64__", "#if 1", "x86-64 only"),
        ('"/dev/kvm"', '"/nowhere/kvm"', "/dev/kvm cannot be opened"),
    ],
)
def test_on_another_processor_or_without_the_device_the_program_is_skipped_with_4(tmp_path, here, there, why):
    text = document(result("top-layer"))
    assert here in text
    assert (4, f"KTAP version 1\n1..0 # SKIP {why}\n") == ran(tmp_path, text.replace(here, there))


@needs_gcc
@needs_kvm
@pytest.mark.parametrize("name", ["naive", "top-layer", "no-lock", "cache-not-forgotten", "read-before-clear"])
def test_the_program_reports_the_loss_on_this_kernel(tmp_path, name):
    found = result(name)
    code, printed = ran(tmp_path, document(found))
    lines, moves = printed.splitlines(), len(found.trace)
    assert ["KTAP version 1", f"1..{moves + 1}"] == lines[:2]
    assert [f"ok {n}" for n in range(1, moves + 1)] == [" ".join(x.split()[:2]) for x in lines if x.startswith("ok")]
    assert [f"not ok {moves + 1} the destination has every page", f"# Totals: pass:{moves} fail:1 skip:0"] == lines[-2:]
    assert lines[-3].startswith("# page ")
    assert 1 == code


@needs_gcc
@needs_kvm
def test_top_layer_clears_one_bit_and_naive_all_ones():
    assert ("clear_log(0x1);" in document(result("top-layer"))) and "clear_log(~0ULL);" in document(result("naive"))
    assert "clear_log(~0ULL);" not in document(result("top-layer"))


@needs_gcc
@needs_kvm
def test_a_broken_promise_is_performed_up_to_the_loss(tmp_path):
    done = subprocess.run([compiled(tmp_path, document(result("top-layer", "promise_kept")))], capture_output=True)
    assert 1 == done.returncode
    assert b"# page 0 is lost: source P2, destination P1" in done.stdout


def test_a_result_without_a_counterexample_is_refused():
    found = answer(Question(load("per-slot-cache"), find_property("promise_kept"), 1, {"Client": 1}, "lanes"))
    with pytest.raises(CannotSay) as error:
        document(found)
    assert "per-slot-cache has no counterexample to promise_kept; kselftest performs one." == str(error.value)


@needs_gcc
def test_no_text_of_a_user_breaks_the_program(tmp_path):
    instance = Instance(record(load("naive")), 1)
    written = moves(instance, "write")
    compiled(tmp_path, program('"; */ \\ é %s', instance, written, ['the "guest" */ writes ??/ %d \\'], 0, "0"))
