"""Every command asks what `check` asks of a design, at the sizes that are typed, store buffers included."""

import json

import pytest

from model.designs.catalogue import load
from model.errors import CannotSay
from model.explorer.command import Options as ExploreOptions
from model.explorer.command import _session
from model.studies.campaign import campaign
from model.verify.defaults import asked_of
from tests.support.command import clearorder
from tests.support.paths import ROOT

FOLDER = ROOT / "tests" / "data" / "reproducers"
ENDS = FOLDER / "silent" / "finished_never_set.py"  # complete_copy is asked, and holds vacuously
LIVE = FOLDER / "scope" / "live.py"  # threads of its own kinds, and properties of infinite runs
BUFFERED = "skip-if-dirty-store-buffer"


def said(verb, *arguments):
    """(exit code, output with blanks closed up)."""
    done = clearorder(verb, *arguments)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("spec", ["soft-dirty", BUFFERED, str(ENDS), str(LIVE), "per-slot-cache"])
def test_a_campaign_asks_what_check_asks(spec):
    wanted = [p.name for p in asked_of(load(spec))]
    assert wanted == [c.property for c in campaign([spec], (), [(1, 1)])]


def test_a_sweep_has_sizes_of_other_sorts(tmp_path):
    """Files from before are gone on with: a configuration without other sizes has the key that it had."""
    code, _ = said("sweep", BUFFERED, "--size", "1x1", "--size", "Buffer=1", "-q", "-o", tmp_path / "rows")
    (row,) = map(json.loads, (tmp_path / "rows").read_text().splitlines())
    assert (1, "same_content", [["Buffer", 1]]) == (code, row["property"], row["others"])
    (plain,) = campaign(["per-slot-cache"], ("promise_kept",), [(1, 1)])
    assert "others" not in plain.words
    code, _ = said("sweep", "naive", "--size", "1x1", "--size", "Slot=2", "-q", "-o", tmp_path / "none")
    assert (3, "refused") == (code, json.loads((tmp_path / "none").read_text().splitlines()[0])["verdict"])


def test_liveness_works_where_threads_are_of_their_own_kinds():
    """Whatever makes a page unread is a write; nobody owes one, and once there are no more the bitmaps drain."""
    code, told = said("liveness", LIVE, "--property", "drained", "--property", "harvested_is_sent")
    assert (0, True) == (code, "live harvested_is_sent proved 1 page, 2 clients, 1 cpu, 1 reaper" in told)
    code, told = said("liveness", "dirty-ring")
    assert (1, True) == (code, "dirty-ring every_write_is_read proved 1 page, 1 client, 2 vcpus" in told)
    assert "not asked: told_is_read: told_is_read cannot be asked of dirty-ring" in told


def test_liveness_does_not_guess_who_writes(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from model import *\nfrom model.expr import eventually\n\n\nclass Mine(Design):\n    '''No ghost.'''\n\n"
        "    log = Pages('log')\n\n    @operation(by=Vcpu)\n    def store(s, me, page):\n        s.log |= page\n\n\n"
        "@eventually\ndef empty(s):\n    '''Empty.'''\n    return s.log <= NONE\n"
    )
    code, told = said("liveness", tmp_path / "mine.py")
    assert (2, True) == (code, "has operations of Vcpu, and which of them write is not known. Declare unread" in told)


def test_repair_tries_a_fence():
    """The store must be seen before the look: one fence, with buffers of any size."""
    for entries in (1, 2):
        code, told = said("repair", BUFFERED, "--size", f"Buffer={entries}")
        assert (0, True) == (code, "write.looked: fence() before it" in told)
        assert f"store buffers of {entries}: proved" in told


def test_mutants_have_sizes_of_other_sorts():
    code, told = said("mutants", BUFFERED, "--pages", 1, "--size", "Buffer=1", "--timeout", 0.01)
    assert (0, True) == (code, "same_content" in told)
    assert (2, True) == (lambda c, t: (c, "naive has no Buffer" in t))(*said("mutants", "naive", "--size", "Buffer=1"))


def test_cost_says_what_holds_vacuously():
    code, told = said("cost", ENDS, "--pages", 1, "--clients", 1, "--source", "none", "--format", "json")
    (row,) = json.loads(told)["rows"]
    assert (0, ["complete_copy"], "finished is never set", False) == (code, row["asked"], row["vacuous"], row["safe"])


@pytest.mark.parametrize(
    ("spec", "words", "property", "sizes"),
    [
        (str(FOLDER / "repair" / "repair_deadlock.py:FlushBufferBlindly"), (), "complete_copy", {}),
        ("per-slot-cache", ("--property", "no_blind_clear"), "no_blind_clear", {"Client": 2}),
        ("top-layer", ("--clients", 3), "no_lost_write", {"Client": 3}),
        (BUFFERED, ("--size", "Buffer=1"), None, {"Buffer": 1}),
    ],
)
def test_replay_asks_what_check_asks(spec, words, property, sizes, monkeypatch):
    """A design with an end of its own; and what is named."""
    asked = []

    def refused(question, **_):
        asked.append(question)
        raise CannotSay("not performed here")

    monkeypatch.setattr("model.kvm.device.missing", lambda: "")
    monkeypatch.setattr("model.kvm.trial.tried", refused)
    assert 2 == said("replay", spec, *words)[0]
    (question,) = asked
    assert (property or asked_of(load(spec), ())[0].name) == question.property.name
    assert sizes.items() <= question.sizes.items()


def test_explore_has_buffers_of_the_size_that_is_typed():
    asked = ExploreOptions(1, 1, (("Buffer", 1),), (), "", 0)
    assert 1 == _session(BUFFERED, asked).program.buffer
