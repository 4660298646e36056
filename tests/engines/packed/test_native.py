"""The compiled inner loop gives the reference's answers, or says why it cannot be had."""

import os
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

from model.check.command import command
from model.designs.catalogue import MAIN, built_in_designs
from model.engines import explicit
from model.engines.packed import levels, native, native_text, sweep
from model.engines.packed import search as lanes
from model.engines.store.bitset import LANES, ones
from model.engines.store.packing import Packing
from model.errors import UsageError
from model.expr import algebra, operators
from model.limits import Limits
from model.verdict import Refuted, Undetermined
from tests.support.clear_k import ClearK, ClearKNaive, ClearKTopLayer, promise
from tests.support.nightly import rest_nightly
from tests.support.packed import FORMS, answer, question
from tests.support.paths import ROOT
from tests.support.seeded_bugs import sample, with_bug

pytestmark = pytest.mark.skipif(not native.compiler(), reason="no C compiler (Debian: gcc)")


# ---------------------------------------------------------------- the same answers


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("design", rest_nightly(built_in_designs(), (*MAIN, "no-lock-register").count))
def test_every_design_gets_the_answer_of_the_reference(design, form):
    """The violating states themselves are compared too. By default of the main designs and of one with a register."""
    for size in [(1, 2), (2, 1)]:
        asked = question(design, form, *size)
        assert answer(explicit.search(asked)) == answer(lanes.search(asked, kernel="c"))


def difference(asked, expected):
    """What the compiled loop says otherwise than the reference, or None."""
    actual = lanes.search(asked, kernel="c")
    return None if answer(expected) == answer(actual) else (answer(expected), answer(actual))


def agrees_on(most):
    for asked, expected in sample(most):
        assert None is difference(asked, expected), asked.program


def test_random_designs_get_the_answer_of_the_reference():
    agrees_on(6)


@pytest.mark.slow
def test_300_random_designs_get_the_answer_of_the_reference():
    agrees_on(300)


@pytest.mark.parametrize("operator", rest_nightly(["minus", "subset", "negate", "choose"], ["negate", "subset"].count))
def test_a_wrong_row_in_its_table_is_caught(operator, monkeypatch):
    """The rows of `words` are tried by `test_engines_agree`."""
    right = algebra.c_source
    monkeypatch.setattr(native_text, "c_source", lambda pages: with_bug(right(pages), operator))
    monkeypatch.setattr(native, "FLAGS", ("-O0", *native.FLAGS[1:]))  # wrong at any speed, and sooner compiled
    assert any(difference(*each) is not None for each in sample(150) if uses(each[0], operator))


def uses(asked, operator):
    """A step or the property has it; else the wrong row changes nothing of what is compiled."""
    steps = [e for s in asked.program.steps for e in (*s.guards, *(u.value for u in s.updates))]
    return any(operator in operators(e) for e in (*steps, *(rule.holds for rule in asked.invariants)))


@pytest.mark.parametrize("word_bits", [3, 8])
@pytest.mark.parametrize("digits", [(18, 12), (3, 2)])
def test_states_of_several_words_and_deep_page_tables_change_nothing(word_bits, digits):
    """Words of three bits hold a field or a few; digits of two bits make many levels of nodes."""
    asked = question("no-lock-register", "promise_kept", 1, 2)
    assert Packing(asked.instance, word_bits).words > 1
    found = lanes.search(asked, kernel="c", word_bits=word_bits, digits=digits)
    assert answer(explicit.search(asked)) == answer(found)


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_the_number_of_threads_changes_nothing(threads, monkeypatch):
    """Threads make blocks under a spinning lock and set bits at once."""
    monkeypatch.setattr(sweep, "CHUNK", 100)
    found = lanes.search(question(ClearK, promise, 2, 3), kernel="c", threads=threads)
    assert ("proved", 104_672, 636_740) == (found.word, found.states, found.transitions)


@pytest.mark.parametrize(("design", "depth"), [(ClearKNaive, 6), (ClearKTopLayer, 8)])
def test_refutations_are_as_short_as_elsewhere(design, depth):
    asked = question(design, promise, 2, 2)
    found = lanes.search(asked, kernel="c")
    assert depth == found.depth
    assert answer(explicit.search(asked)) == answer(found)


def test_a_search_changes_over_in_the_middle(monkeypatch):
    """The set of states is the same, whichever side works on it."""
    begun = []
    monkeypatch.setattr(native, "WORTH", 20_000)
    monkeypatch.setattr(native, "WORTH_WAITING", 0)
    monkeypatch.setattr(native.Native, "__init__", started(native.Native.__init__, begun))
    found = lanes.search(question(ClearK, promise, 2, 3))
    assert ("proved", 104_672, 636_740) == (found.word, found.states, found.transitions)
    assert 20_000 < begun[0] < 104_672


def started(original, begun):
    def init(self, library, visited):
        original(self, library, visited)
        begun.append(ones(visited.old[: visited.blocks * LANES]))

    return init


@pytest.mark.slow
@pytest.mark.parametrize(("pages", "clients", "states"), [(3, 3, 7_465_700), (4, 2, 3_875_920)])
def test_the_yardstick_has_as_many_states_as_in_every_other_tool(pages, clients, states):
    assert states == lanes.search(question(ClearK, promise, pages, clients), kernel="c").states


def test_levels_are_kept_and_lead_back_to_the_start(monkeypatch):
    """Counterexamples are found backwards through levels that the compiled loop made."""
    monkeypatch.setattr(native, "WORTH", -1)
    monkeypatch.setattr(native, "WORTH_WAITING", -1)
    asked = question("top-layer", "promise_kept", 2, 2)
    kept = levels.search(asked)
    assert isinstance(kept.verdict, Refuted)
    target = kept.verdict.detail[0][0]
    state = asked.instance.initial
    for number in kept.trace(target):
        move = asked.instance.moves[number]
        assert asked.instance.enabled(move, state)
        state = asked.instance.apply(move, state)
    assert target == state


# ---------------------------------------------------------------- limits


def test_limits_hold(monkeypatch):
    monkeypatch.setattr(sweep, "CHUNK", 100)
    asked = question(ClearK, promise, 2, 3)
    found = lanes.search(asked, Limits(states=50_000), kernel="c")
    assert "the limit of 50,000 states was reached" == found.reason
    assert 50_000 < found.states < 60_000
    expected = lanes.search(asked, Limits(depth=9), kernel="numpy")
    assert expected == lanes.search(asked, Limits(depth=9), kernel="c")


def test_a_machine_that_is_full_is_no_verdict(monkeypatch):
    """Everything that there is room for is counted, and the answer says what to do."""
    monkeypatch.setattr(native, "physical_memory", lambda: 50_000)
    found = lanes.search(question(ClearK, promise, 3, 2), kernel="c")
    assert isinstance(found, Undetermined)
    assert "the states take more memory than there is; --memory writes them out" == found.reason


def test_a_checkpoint_of_one_kernel_is_taken_up_by_the_other(tmp_path):
    asked = question(ClearK, promise, 2, 3)
    stopped = lanes.search(asked, Limits(states=50_000), kernel="c", checkpoint=tmp_path / "saved")
    assert isinstance(stopped, Undetermined)
    found = lanes.search(asked, kernel="numpy", checkpoint=tmp_path / "saved")
    assert ("proved", 104_672, 636_740) == (found.word, found.states, found.transitions)


# ---------------------------------------------------------------- compiling


def test_compiled_code_is_kept_and_used_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asked = question("naive", "promise_kept", 1, 1)
    lanes.search(asked, kernel="c")
    [kept] = (tmp_path / "clearorder" / "native").iterdir()
    before = kept.stat().st_mtime_ns
    lanes.search(asked, kernel="c")
    assert [kept] == list(kept.parent.iterdir())
    assert before == kept.stat().st_mtime_ns


def test_the_cache_does_not_grow_for_ever(tmp_path, monkeypatch):
    """What was made longest ago goes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(native, "KEPT", 2)
    for design in ("naive", "top-layer", "two-in-one"):
        before = set(tmp_path.rglob("*.so"))
        lanes.search(question(design, "promise_kept", 1, 1), kernel="c")
    assert 2 == len(set(tmp_path.rglob("*.so")))
    assert 1 == len(set(tmp_path.rglob("*.so")) - before)


def test_a_damaged_file_in_the_cache_is_no_crash(tmp_path, monkeypatch):
    """It is removed, said, and made anew the next time."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asked = question("naive", "promise_kept", 1, 2)
    words = ["naive", "--engine", "lanes", "--property", "promise_kept", "--pages", "1", "--kernel", "c"]
    ended = subprocess.run([sys.executable, "-m", "model.check", *words], cwd=ROOT, stdout=subprocess.DEVNULL)
    assert 1 == ended.returncode
    [kept] = (tmp_path / "clearorder" / "native").iterdir()
    kept.write_bytes(b"not a library")
    with pytest.raises(native.NoCompiler, match="cannot be loaded"):
        lanes.search(asked, kernel="c")
    assert answer(explicit.search(asked)) == answer(lanes.search(asked, kernel="c"))


def test_without_a_compiler_numpy_goes_on(monkeypatch, tmp_path):
    """And who asks for C is told."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CC", "no-such-compiler")
    monkeypatch.setattr(native, "WORTH", 1_000)
    asked = question(ClearK, promise, 2, 2)
    assert 5_986 == lanes.search(asked).states
    with pytest.raises(native.NoCompiler, match="there is no C compiler here; install one"):
        lanes.search(asked, kernel="c")


def test_a_compiler_that_fails_is_quoted(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CC", "false")
    with pytest.raises(native.NoCompiler, match="does not compile the generated search"):
        lanes.search(question("naive", "promise_kept", 1, 1), kernel="c")
    assert [] == list((tmp_path / "clearorder" / "native").iterdir())


def test_the_command_takes_a_kernel():
    """Exit code 2 for what does not go together, 4 for a compiler that is not there."""
    run = CliRunner().invoke
    asked = ["naive", "--engine", "lanes", "--property", "promise_kept", "--pages", "1"]
    assert 1 == run(command, [*asked, "--kernel", "c"], standalone_mode=False).return_value
    with pytest.raises(UsageError, match="the kernel c does not put states in order, as symmetry does"):
        run(command, [*asked, "--kernel", "c", "--symmetry"], standalone_mode=False, catch_exceptions=False)


def test_an_interrupted_compilation_leaves_nothing(tmp_path):
    """Ctrl-C while the compiler runs: it is stopped, and what it began is removed."""
    slow = tmp_path / "slow-compiler"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    environment = {**os.environ, "CC": str(slow), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    asked = ["naive", "--engine", "lanes", "--property", "promise_kept", "--kernel", "c"]
    running = subprocess.Popen(
        [sys.executable, "-m", "model.check", *asked],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    kept = tmp_path / "cache" / "clearorder" / "native"
    while not list(kept.glob("building-*")):
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=30)
    assert 130 == running.returncode
    assert [] == list(kept.iterdir())
