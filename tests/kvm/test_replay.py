"""Counterexamples and random walks on the real kernel, move by move beside the model."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner
from hypothesis import find, given, settings
from hypothesis import strategies as st

from model import Design, Pages, operation
from model.check.command import command as check_command
from model.commands import replay as face
from model.designs.catalogue import find_property, load
from model.errors import CannotSay
from model.instance.instance import Instance
from model.kvm import driver
from model.kvm.ioctls import Act, Acts
from model.kvm.replay import bench, replay, walk, walks
from model.limits import Limits
from model.program.design import record
from model.program.observers import observed
from model.verify.portfolio import answer
from model.verify.question import Question
from model.verify.trace_file import NotATrace, OtherDesign
from tests.support.kvm import needs_kvm

LOSING = ["naive", "top-layer", "no-lock", "cache-not-forgotten", "read-before-clear", "two-in-one", "asker-only"]
SAFE = ["per-slot-cache", "top-layer-and-cache"]
no_lost_write = find_property("no_lost_write")


def watched(name: str, pages: int = 2, clients: int = 2) -> Instance:
    return Instance(observed(record(load(name)), no_lost_write), pages, {"Client": clients})


@needs_kvm
@pytest.mark.parametrize("name", LOSING)
def test_the_loss_that_the_model_predicts_happens_on_this_kernel(name):
    question = Question(load(name), no_lost_write, 2, {"Client": 2}, "lanes", Limits(2_000_000))
    trace = answer(question).trace
    assert trace is not None
    outcome = replay(trace.instance, trace.moves, trace.number or 0)
    assert "" == outcome.disagreement
    assert len(trace) == len(outcome.performed)
    assert outcome.model_lost == outcome.kernel_lost != 0
    page = outcome.kernel_lost.bit_length() - 1
    assert outcome.source[page] != outcome.copy[page]
    assert 1 == outcome.exit_code


@needs_kvm
def test_top_layer_ends_with_the_destination_one_version_behind():
    trace = answer(Question(load("top-layer"), no_lost_write, 2, {"Client": 2}, "lanes")).trace
    outcome = replay(trace.instance, trace.moves)
    assert ((2,), (1,)) == (outcome.source, outcome.copy)
    assert [("write {0}",), ("GET",), (), ("CLEAR {0}",), ("read {0}",)] == [p.ioctls for p in outcome.performed[:5]]


@needs_kvm
@pytest.mark.parametrize("stride", [1, 64, 100])
def test_the_loss_does_not_depend_on_where_the_pages_lie(stride):
    trace = answer(Question(load("naive"), no_lost_write, 2, {"Client": 2}, "lanes")).trace
    outcome = replay(trace.instance, trace.moves, trace.number, stride)
    assert ("", True) == (outcome.disagreement, outcome.kernel_lost == outcome.model_lost != 0)


@needs_kvm
@pytest.mark.parametrize("count", [400, pytest.param(2000, marks=pytest.mark.slow)])
def test_random_walks_of_the_per_slot_cache_lose_nothing(count):
    found = walks(watched("per-slot-cache"), count)
    assert ("", 0, count) == (found.disagreement, found.lost, found.finished)


@needs_kvm
@pytest.mark.parametrize(("name", "loses"), [("top-layer", True), ("naive", True), ("top-layer-and-cache", False)])
def test_random_walks_lose_exactly_where_the_design_is_unsafe(name, loses):
    found = walks(watched(name), 200)
    assert ("", loses) == (found.disagreement, found.lost > 0)


@needs_kvm
@pytest.mark.parametrize("name", [*LOSING, *SAFE, "delivers-nothing", "no-lock-register"])
def test_model_and_kernel_agree_on_any_walk(name):
    """Hypothesis shrinks a disagreement to a shortest walk of it."""
    instance = Instance(record(load(name)), 2, {"Client": 2})
    with bench(instance) as on:

        @settings(deadline=None, max_examples=15)
        @given(st.lists(st.floats(0, 1), max_size=40))
        def agree(choices: list[float]) -> None:
            assert "" == walk(on, choices)[2]

        agree()


@needs_kvm
def test_a_kernel_that_does_something_else_is_found_out_in_a_shortest_walk():
    """Here the kernel is handed an empty mask wherever the model clears page 0: write, sync, collect, clear."""
    instance = Instance(record(load("top-layer")), 1, {"Client": 1})
    with bench(instance) as on:
        on.masks = [0, 0]
        shortest = find(st.lists(st.floats(0, 1), max_size=20), lambda choices: walk(on, choices)[2] != "")
        moves, _, trouble = walk(on, shortest)
    assert ["write", "sync", "collect", "clear.cleared"] == [m.ground.step.label for m in moves]
    assert "after 4 moves, clear.cleared: the model's log is [], KVM_GET_DIRTY_LOG reports [0]" == trouble


class Forgetful(Design):
    """Sets bits of the log from user space."""

    kernel = Pages("the log")

    @operation
    def mark(s, me, page):
        s.kernel |= page


class NoLog(Design):
    """Has no kernel at all."""

    cache = Pages("a bitmap")

    @operation
    def mark(s, me, page):
        s.cache |= page


def test_what_kvm_has_no_ioctl_for_is_refused_by_name():
    with pytest.raises(CannotSay) as error:
        Acts(Instance(record(NoLog), 1))
    assert "no-log has no shared part `kernel`, so there is no log to compare." == str(error.value)
    instance = Instance(record(Forgetful), 1)
    with pytest.raises(CannotSay) as error:
        Acts(instance)(instance.moves[0], instance.initial)
    expected = (
        "forgetful: mark sets kernel := kernel | page; on KVM a log gains bits by writes of the guest and loses them "
        "by CLEAR."
    )
    assert expected == str(error.value)


def test_a_move_is_translated_to_what_the_kernel_is_asked():
    instance = Instance(record(load("naive")), 2, {"Client": 1})
    acts = Acts(instance)
    by_name = {m.ground.step.label: m for m in instance.moves}
    before = instance.initial
    assert [Act("write", 2)] == acts(by_name["write"], before)
    assert [Act("get")] == acts(by_name["sync"], before)
    assert [] == acts(by_name["collect"], before)
    assert [Act("clear", 3, all_ones=True)] == acts(by_name["clear.cleared"], before)


# ---------------------------------------------------------------- the command


def run(*args: str):
    return CliRunner().invoke(face.command, [*args, "--color", "never"], standalone_mode=False)


@needs_kvm
def test_the_command_shows_the_loss_and_ends_with_1():
    result = run("top-layer")
    lines = result.output.splitlines()
    assert 1 == result.return_value
    assert "top-layer on this kernel: 10 moves, 1 page" == lines[0]
    assert "  4 MIGRATION: clear.cleared page 0  CLEAR {0}  {} = model" == lines[4]
    assert ["    page 0: source P2, destination P1", "model: lost; this kernel: lost"] == lines[-2:]


@needs_kvm
def test_of_a_safe_design_the_command_performs_its_deepest_runs_and_random_walks():
    """27 moves is the depth of no_lost_write at 1 page and 2 clients: 6,741 states."""
    result = run("per-slot-cache", "--pages", "1", "--walks", "20")
    lines = result.output.splitlines()
    assert 0 == result.return_value
    assert "per-slot-cache on this kernel: no counterexample was found to perform" == lines[0]
    assert lines[1].endswith("deepest runs of 1 page, 27 moves each")
    assert lines[2].startswith("  20 random walks, ")
    assert lines[2].endswith("20 migrations finished, 0 lost a write")
    assert "model: no loss found; this kernel: nothing lost" == lines[3]


@needs_kvm
@pytest.mark.parametrize("form", ["json", "itf"])
def test_a_saved_trace_is_performed_and_json_says_the_same(tmp_path, form):
    saved = tmp_path / "trace.json"
    args = ["top-layer", "--property", "no_lost_write", "--engine", "lanes", "--format", form, "-o", str(saved)]
    CliRunner().invoke(check_command, args, standalone_mode=False)
    result = run(str(saved), "--format", "json")
    replayed = json.loads(result.output)["replays"][0]
    assert 1 == result.return_value
    assert ("top-layer", [0], [0], None) == tuple(
        replayed[k] for k in ("design", "model_lost", "kernel_lost", "disagreement")
    )
    assert ["write {0}"] == replayed["moves"][0]["kvm"]


@needs_kvm
def test_a_trace_of_another_definition_of_the_design_is_refused(tmp_path):
    saved = tmp_path / "trace.json"
    args = ["top-layer", "--property", "no_lost_write", "--engine", "lanes", "--format", "json", "-o", str(saved)]
    CliRunner().invoke(check_command, args, standalone_mode=False)
    document = json.loads(saved.read_text())
    digest = document["results"][0]["digest"]
    document["results"][0]["digest"] = "0" * 64
    saved.write_text(json.dumps(document))
    refused = run(str(saved)).exception
    assert isinstance(refused, OtherDesign)
    assert f"with digest 000000000000, and the one that is here has {digest[:12]}" in str(refused)


@needs_kvm
@pytest.mark.parametrize("text", ["", "[]", '{"results": 5}', '{"results": [{"trace": {}}]}', '{"results": [[]]}'])
def test_a_file_that_is_no_saved_trace_is_refused(tmp_path, text):
    saved = tmp_path / "trace.json"
    saved.write_text(text)
    assert isinstance(run(str(saved)).exception, NotATrace)


def test_without_kvm_the_command_says_what_is_missing_and_ends_with_4(monkeypatch, tmp_path):
    code = "import model.kvm.device as d, pathlib; d.DEVICE = pathlib.Path('/nowhere/kvm'); "
    code += "from model.cli.app import run; from model.commands.replay import command; run(command, 'replay')"
    done = subprocess.run(
        [sys.executable, "-c", code, "naive"], capture_output=True, text=True, env=os.environ | {"NO_COLOR": "1"}
    )
    expected = "error: /nowhere/kvm is missing: this needs Linux with KVM and virtualisation turned on.\n"
    assert (4, expected) == (done.returncode, done.stderr)
    assert "" != driver.__doc__
