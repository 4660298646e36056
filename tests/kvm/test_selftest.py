"""The C programs: they compile without a warning, pass on this kernel, and fail on one that breaks its promises."""

import re
import shutil
import subprocess

import pytest

from model import NONE, Design, Flag, Pages, Sort, operation, wait_for
from model.designs.catalogue import find_property, load
from model.errors import CannotSay
from model.expr import always
from model.instance.problem import Problem
from model.kvm.acts import Acts
from model.kvm.replay import Judge
from model.kvm.script import scripted
from model.kvm.selftest import document
from model.kvm.selftest.program import FRAGMENT, ORDER, Words, fragments, program
from model.program.design import record
from model.verify.portfolio import answer
from model.verify.question import Question
from tests.support.designs import Logged
from tests.support.kvm import needs_kvm
from tests.support.moves import moves

Reader = Sort("Reader", "whoever reads", ("the reader",), size=1)
needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is missing")
FLAGS = ["-Wall", "-Wextra", "-Werror"]
SIZES = {"Client": 2}
KERNELS = {  # designs about what the kernel does or offers: K-1, K-14, K-16
    "legacy-get-reads-early": {"Vcpu": 1},
    "ring-read-before-reset": {"Vcpu": 2},
    "ring-initially-set": {"Vcpu": 1},
}


def result(name: str, property: str = "no_lost_write", pages: int = 2, sizes=None):
    design = load(name)
    return answer(Question(design, find_property(property, design), pages, sizes or SIZES, "lanes"))


def about_the_kernel(name: str):
    return result(name, "complete_copy", 1, KERNELS[name])


def compiled(tmp_path, text: str, *more: str) -> str:
    (tmp_path / "loss.c").write_text(text)
    done = subprocess.run(["gcc", *FLAGS, *more, "-o", "loss", "loss.c"], cwd=tmp_path, capture_output=True, text=True)
    assert ("", 0) == (done.stderr, done.returncode)
    return str(tmp_path / "loss")


def ran(tmp_path, text):
    """The exit code of a program, and what it prints."""
    done = subprocess.run([compiled(tmp_path, text)], capture_output=True, text=True)
    return done.returncode, done.stdout


def numbered(printed: str) -> list[str]:
    """`ok 1`, `not ok 2` of the lines that are results."""
    return [m[0] for m in re.finditer(r"^(not )?ok \d+", printed, re.MULTILINE)]


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
@pytest.mark.parametrize("name", ["naive", "top-layer", "cache-not-forgotten", "read-before-clear"])
def test_a_loss_of_the_design_is_an_expected_failure_and_the_kernel_passes(tmp_path, name):
    found = result(name)
    code, printed = ran(tmp_path, document(found))
    lines, count = printed.splitlines(), len(found.trace) + found.trace.instance.sizes["Client"]
    assert ["KTAP version 1", f"1..{count}"] == lines[:2]
    assert [f"ok {n}" for n in range(1, count + 1)] == numbered(printed)
    assert f"ok {len(found.trace) + 1} the destination has every page # XFAIL the design loses it" in lines
    assert f"# Totals: pass:{count - 1} fail:0 xfail:1 xpass:0 skip:0 error:0" == lines[-1]
    assert 0 == code


@needs_gcc
@needs_kvm
@pytest.mark.parametrize("name", KERNELS)
def test_designs_about_the_kernel_are_no_accusation_of_this_one(tmp_path, name):
    code, printed = ran(tmp_path, document(about_the_kernel(name)))
    assert (0, False, True) == (code, "not ok" in printed, " # XFAIL the design loses it" in printed)


@needs_gcc
@needs_kvm
@pytest.mark.parametrize(
    ("name", "promise", "broken", "move", "said"),
    [
        ("top-layer", "CALL(vm_fd, KVM_CLEAR_DIRTY_LOG, &log);", "(void)log;", 4, "# dirty log: 0x1, promised 0"),
        ("top-layer", "\tget_ioctl();\n", "\tget_ioctl();\n\tbitmap[0] = 0;\n", 1, "# dirty log: 0, promised 0x1"),
        (
            "legacy-get-reads-early",
            "CALL(vm_fd, KVM_GET_DIRTY_LOG, &log);",
            "(void)log;",
            7,
            "# GET reports: 0, promised 0x1",
        ),
        ("ring-read-before-reset", "KVM_DIRTY_GFN_F_RESET;\n", "0;\n", 6, "# RESET gives back: 0, promised 0x1"),
    ],
)
def test_a_kernel_that_breaks_a_promise_fails_at_that_move(tmp_path, name, promise, broken, move, said):
    text = document(about_the_kernel(name) if name in KERNELS else result(name))
    assert promise in text
    code, printed = ran(tmp_path, text.replace(promise, broken))
    assert (1, f"not ok {move}") == (code, next(x for x in numbered(printed) if x.startswith("not")))
    assert said in printed.splitlines()


@needs_gcc
@needs_kvm
def test_every_client_is_judged(tmp_path):
    """VGA has not synced yet and lacks the page too; that it reads it unseen is not what the model says."""
    text = document(result("top-layer"))
    code, printed = ran(tmp_path, text)
    assert (0, True) == (code, "ok 12 VGA lacks what the model says" in printed.splitlines())
    code, printed = ran(tmp_path, text.replace("\tcheck_client(1,", "\tread_pages(1, 0x1);\n\tcheck_client(1,"))
    assert (1, True) == (code, "not ok 12 VGA lacks what the model says" in printed.splitlines())


@needs_gcc
@needs_kvm
def test_an_entry_more_than_promised_is_one_of_a_store_that_kvm_carries_out_itself(tmp_path):
    """What follows cannot be told, and is skipped: not a failure, for nothing promises that there is none."""
    text = document(about_the_kernel("ring-read-before-reset"))
    assert "expect_ring(0, 0x1);" in text
    code, printed = ran(tmp_path, text.replace("expect_ring(0, 0x1);", "expect_ring(0, 0x0);", 1))
    assert (0, False) == (code, "not ok" in printed)
    assert "ok 8 MIGRATION: complete # SKIP KVM carries out the guest's stores itself" in printed.splitlines()


def test_top_layer_clears_one_bit_and_naive_all_ones():
    assert ("clear_log(0x1);" in document(result("top-layer"))) and "clear_log(~0ULL);" in document(result("naive"))
    assert "clear_log(~0ULL);" not in document(result("top-layer"))


@needs_gcc
@needs_kvm
def test_a_broken_promise_is_performed_up_to_the_loss(tmp_path):
    code, printed = ran(tmp_path, document(result("top-layer", "promise_kept")))
    assert (0, True) == (code, "# page 0: source P2, the destination P1" in printed.splitlines())


@needs_gcc
@needs_kvm
def test_a_property_that_is_not_about_contents_is_an_expected_failure_of_its_own(tmp_path):
    code, printed = ran(tmp_path, document(result("top-layer", "no_blind_clear")))
    assert (0, "no_blind_clear # XFAIL the design breaks it") == (code, printed.splitlines()[-2].split(" ", 2)[2])


def test_a_result_without_a_counterexample_is_refused():
    found = answer(Question(load("per-slot-cache"), find_property("promise_kept"), 1, {"Client": 1}, "lanes"))
    with pytest.raises(CannotSay) as error:
        document(found)
    assert "per-slot-cache has no counterexample to promise_kept; kselftest performs one." == str(error.value)


def test_a_design_of_what_kvm_does_inside_is_refused_by_name():
    with pytest.raises(CannotSay) as error:
        document(result("flush-if-changed", "complete_copy", 1, {"Vcpu": 1}))
    assert "it models what KVM does inside (`armed`, `tlb`), and no ioctl does that." in str(error.value)


class Unread(Logged):
    """Nobody says what the pages hold: nothing is judged but the property."""

    cleared = Pages("what was cleared")

    @operation(by=Reader)
    def clear(s, me, page):
        wait_for(page <= s.kernel)
        s.kernel -= page
        s.cleared |= page


@always
def nothing_is_cleared(s):
    """No page was ever cleared."""
    return s.cleared <= NONE


class Stores(Design):
    """The VMM alone writes, and the guest never runs."""

    kernel = Pages("the log")
    unread = Pages("ghost: what nobody has read")
    finished = Flag("the copy is complete")

    @operation(by=Reader)
    def store(s, me, page):
        s.unread |= page
        s.finished = True


@needs_gcc
@needs_kvm
@pytest.mark.parametrize(
    ("design", "asked", "expected"),
    [
        (Unread, nothing_is_cleared, "pass:2 fail:0 xfail:1 xpass:0 skip:0 error:0"),
        (Stores, find_property("complete_copy"), "pass:1 fail:0 xfail:1 xpass:0 skip:0 error:0"),
    ],
)
def test_a_program_has_what_it_uses_and_nothing_else(tmp_path, design, asked, expected):
    """A compiler warns of a static function that nobody calls."""
    code, printed = ran(tmp_path, document(answer(Question(design, asked, 1, {}, "lanes"))))
    assert (0, f"# Totals: {expected}") == (code, printed.splitlines()[-1])


@pytest.mark.parametrize("form", ["standalone", "tree"])
def test_the_moves_stand_in_a_function_whose_name_no_move_has(form):
    """checkpatch warns of a string that names its function, and QEMU's main loop is called so."""
    text = document(result("slot-removed-uncollected", pages=1, sizes={"Client": 1}), form)
    assert 'move("the main loop: remove.removed");' in text.partition("static void all_moves(void)")[2]


@needs_gcc
def test_no_text_of_a_user_breaks_the_program(tmp_path):
    asked = Problem.of(record(load("naive")), find_property("promise_kept"))
    acts = Acts(asked.instance)
    script = scripted(acts, moves(asked.instance, "write")[:1])
    words = Words('"; */ \\ é %s', "p", ['the "guest" */ writes ??/ %d # \\'], "0")
    compiled(tmp_path, program(acts, script, Judge(asked.instance, asked.invariant), words))


# ---------------------------------------------------------------- the form for the kernel's tree


@pytest.mark.parametrize("form", ["standalone", "tree"])
def test_a_form_has_every_fragment_that_an_act_or_another_fragment_needs(form):
    known = fragments(form)
    assert set(FRAGMENT.values()) | {name for needs, _ in known.values() for name in needs} <= set(known)
    assert set(known) <= set(ORDER)


@pytest.mark.parametrize("name", ["top-layer", *KERNELS])
def test_the_program_of_the_tree_performs_the_same_moves_with_kvm_util(name):
    found = about_the_kernel(name) if name in KERNELS else result(name)
    alone, tree = document(found), document(found, "tree")
    begin = "\t/* 1: "
    performed = [text.partition(begin)[2].rpartition("check_client(")[0] for text in (alone, tree)]
    assert (1, True) == (len({*performed}), "move(" in performed[0])
    assert (True, False) == ('#include "kvm_util.h"' in tree, "ioctl(" in tree.replace("_ioctl(", ""))
