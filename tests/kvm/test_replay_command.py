"""`clearorder replay`: what it says, in text and JSON, and with which exit code it ends."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from model.check.command import command as check_command
from model.cli.progress import Working
from model.commands import replay as face
from model.commands import replay_gallery
from model.errors import CannotSay, UsageError
from model.kvm import driver
from model.limits import Limits
from model.verify.trace_file import NotATrace, OtherDesign
from tests.support.kvm import needs_kvm

REFUTED = replay_gallery.refuted()
LIMITS = Limits(1_000_000, 60)


def run(*args: str):
    wide = {"COLUMNS": "300"}
    return CliRunner().invoke(face.command, [*args, "--color", "never"], standalone_mode=False, env=wide)


@needs_kvm
def test_the_command_shows_the_loss_and_ends_with_1():
    result = run("top-layer")
    lines = result.output.splitlines()
    assert 1 == result.return_value
    assert "top-layer on this kernel: 10 moves, 1 page" == lines[0]
    assert "  4 MIGRATION: clear.cleared page 0  CLEAR {0}  {} = model" == lines[4]
    assert ["    page 0: source P2, destination P1, VGA P0", "model: lost; this kernel: lost"] == lines[-2:]


@needs_kvm
def test_of_a_safe_design_the_command_performs_its_deepest_runs_and_random_walks():
    """27 moves is the depth of no_lost_write at 1 page and 2 clients: 6,741 states."""
    result = run("per-slot-cache", "--pages", "1", "--walks", "20")
    lines = result.output.splitlines()
    assert 0 == result.return_value
    assert "per-slot-cache on this kernel: no counterexample was found to perform" == lines[0]
    assert lines[1].endswith("deepest runs of 1 page, 27 moves each")
    assert lines[2].startswith("  20 random walks, ")
    assert "  20 migrations finished, 0 lost a write" == lines[3]
    assert "model: no loss found; this kernel: nothing lost in 20 walks" == lines[4]


@needs_kvm
@pytest.mark.parametrize(
    ("limit", "reason"), [("--max-states=50", "the limit of 50 states"), ("--timeout=0.001", "the limit of 0.0005 sec")]
)
def test_a_search_that_a_limit_ended_is_undetermined_whatever_the_walks_came_to(limit, reason):
    result = run("per-slot-cache", limit, "--walks", "1")
    assert 3 == result.return_value
    assert f"model: undetermined: {reason}" in result.output.splitlines()[-1]
    told = json.loads(run("per-slot-cache", limit, "--walks", "1", "--format", "json").output)["replays"][0]
    assert told["undetermined"].startswith(reason)


@needs_kvm
def test_without_a_walk_and_without_an_end_of_the_search_nothing_is_claimed():
    result = run("per-slot-cache", "--max-states", "50", "--walks", "0")
    assert (3, "nothing was run") == (result.return_value, result.output.rpartition("this kernel: ")[2].strip())


@needs_kvm
@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ("promise_kept", "model: promise_kept broken; this kernel: promise_kept broken"),
        ("no_blind_clear", "model: no_blind_clear broken; this kernel: no_blind_clear broken"),
    ],
)
def test_any_property_of_states_is_asked(rule, answer):
    result = run("top-layer", "--property", rule, "--pages", "1")
    assert (1, answer) == (result.return_value, result.output.splitlines()[-1])


@needs_kvm
def test_of_a_property_that_is_not_about_losses_the_walks_say_that_it_was_kept():
    result = run("top-layer", "--property", "clear_before_read", "--pages", "1", "--walks", "2")
    assert 0 == result.return_value
    assert result.output.splitlines()[3].endswith(", 0 broke clear_before_read")
    expected = "model: clear_before_read holds; this kernel: clear_before_read kept in 2 walks"
    assert expected == result.output.splitlines()[-1]


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("every_write_is_read", "every_write_is_read speaks of infinite runs"),
        ("every_step_fires", "every_step_fires asks whether something ever happens; no single run violates it"),
    ],
)
def test_a_property_that_no_run_violates_is_refused(monkeypatch, rule, why):
    monkeypatch.setattr("model.kvm.device.missing", str)
    refused = run("top-layer", "--property", rule).exception
    assert isinstance(refused, UsageError)
    assert str(refused).startswith(why)


@needs_kvm
def test_a_get_that_takes_effect_later_is_shown_at_both_moves():
    lines = run("legacy-get-reads-early", "--pages", "1").output.splitlines()
    assert "  3 MIGRATION: sync.swapped        (GET takes all at 7)" == lines[3]
    assert "  7 MIGRATION: sync.flushed        GET takes all" == lines[7]


@needs_kvm
def test_one_refused_design_stops_the_command_and_one_among_others_does_not():
    assert isinstance(run("pml-slot-deleted").exception, CannotSay)
    result = run("naive", "rearm-if-new")
    assert 1 == result.return_value
    expected = "rearm-if-new: refused: rearm-if-new has no shared part `kernel`, so there is no log to compare."
    assert expected == result.output.splitlines()[-1]


@pytest.mark.parametrize("args", [[], ["--all", "naive"]])
def test_designs_or_all_of_them_are_named(args):
    refused = run(*args).exception
    assert "name the designs to replay, or say --all for the refuted ones of the gallery: not both." == str(refused)


@pytest.mark.parametrize("more", [["--property", "promise_kept"], ["--environment", "qemu"]])
def test_all_asks_the_recorded_questions(more):
    expected = "--all asks each design its recorded question: leave --property and --environment out."
    assert expected == str(run("--all", *more).exception)


# ---------------------------------------------------------------- the gallery


@needs_kvm
def test_the_table_has_those_that_agree_first_and_counts_each_kind(monkeypatch):
    some = {"naive", "ring-initially-set", "pml-wrong-page", "multifd-unflushed"}
    monkeypatch.setattr(replay_gallery, "refuted", lambda: [e for e in REFUTED if e.design in some])
    result = run("--all")
    rows = [line.split()[:3] for line in result.output.splitlines()[:-1]]
    assert [
        ["S-1", "naive", "agrees"],
        ["K-16", "ring-initially-set", "agrees"],
        ["K-11", "pml-wrong-page", "refused"],
        ["Q-24", "multifd-unflushed", "refused"],
    ] == rows
    assert "2 of 4 agree, 2 are refused by name, 0 undetermined, 0 disagree" == result.output.splitlines()[-1]
    assert 0 == result.return_value


@needs_kvm
def test_a_row_that_a_limit_left_open_is_undetermined_and_so_is_the_table(monkeypatch):
    monkeypatch.setattr(replay_gallery, "refuted", lambda: [e for e in REFUTED if e.design == "naive"])
    result = run("--all", "--max-states", "5", "--format", "json")
    assert 3 == result.return_value
    told = json.loads(result.output)["replays"]
    assert [("S-1", "naive", "undetermined")] == [(t["entry"], t["design"], t["result"]) for t in told]


@needs_kvm
@pytest.mark.slow
def test_of_the_refuted_designs_of_the_gallery_at_least_30_are_performed_and_none_disagrees():
    """The counts that docs/findings-kernel.md tells."""
    told = [*replay_gallery.rows(LIMITS, 64, Working())]
    words = [row.word for row in told]
    assert (0, 0) == (words.count("disagrees"), words.count("undetermined"))
    assert 30 <= words.count("agrees")
    assert len(told) == words.count("agrees") + words.count("refused")


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
