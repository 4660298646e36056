"""A run as a script for KVM: what is on paper, at which move an ioctl is performed, and which runs are refused."""

from dataclasses import replace

import pytest

from model.designs.catalogue import find_property, load
from model.errors import CannotSay
from model.instance.instance import Instance
from model.kvm.acts import Act, Acts
from model.kvm.paper import Impossible, Paper, Setup
from model.kvm.script import scripted
from model.program.design import record
from model.verify.portfolio import answer
from model.verify.question import Question

RING = Setup(pages=2, vcpus=2, mode="ring", open=False, unread=((0, 3),))
MANUAL = replace(RING, mode="manual")


def counterexample(name, rule="complete_copy", **sizes):
    design = load(name)
    trace = answer(Question(design, find_property(rule, design), 1, sizes, "lanes")).trace
    return scripted(Acts(trace.instance), trace.moves)


def after(setup, *acts):
    """The paper after these acts, and what the last one reported."""
    paper, report = Paper.fresh(setup), None
    for act in acts:
        paper, report = paper.do(act)
    return paper, report


# ---------------------------------------------------------------- paper


def test_on_paper_the_log_is_a_bit_a_page():
    written = after(MANUAL, Act("write", 3))[0]
    assert (3, 3) == (written.log, written.do(Act("get"))[1])
    assert 2 == written.do(Act("clear", 1))[0].log
    assert (0, 3) == (lambda p, r: (p.log, r))(*written.do(Act("take", 3)))
    assert (1, 1) == written.versions


def test_on_paper_a_copy_is_stale_until_it_is_read_and_a_store_of_the_vmm_is_not_logged():
    paper = after(MANUAL, Act("read", 3), Act("store", 2))[0]
    assert (2, 0) == (paper.stale(0), paper.log)
    assert 0 == paper.do(Act("read", 2))[0].stale(0)
    assert 1 == paper.do(Act("read", 3))[0].do(Act("forget", 1))[0].stale(0)


def test_on_paper_a_ring_has_an_entry_for_the_first_write_after_a_reset():
    written = [Act("write", 1), Act("write", 1), Act("touch", 2, who=1)]
    assert ((0,), (1,)) == after(RING, *written)[0].seen.rings
    paper, report = after(RING, *written, Act("harvest", who=1))
    assert (((0,), ()), 2) == (paper.seen.rings, report)
    again = paper.do(Act("reset", 2))[0].do(Act("write", 2))[0]
    assert ((0, 1), ()) == again.seen.rings


def test_on_paper_nothing_is_harvested_of_an_empty_ring_and_reset_keeps_the_order():
    with pytest.raises(Impossible, match="no entry of vCPU 0 waits to be harvested"):
        after(RING, Act("harvest"))
    taken = [Act("write", 1), Act("write", 2), Act("harvest"), Act("harvest")]
    assert 1 == after(RING, *taken, Act("reset", 1))[0].protected
    with pytest.raises(Impossible, match=r"cannot give back \{1\} of \{0, 1\}"):
        after(RING, *taken, Act("reset", 2))


# ---------------------------------------------------------------- at which move


def test_an_ioctl_that_a_design_spells_out_is_performed_where_the_run_is_one_of_kvm():
    """The reader does not wait for GET to return, so GET takes effect at its flush, after the read and the write."""
    script = counterexample("legacy-get-reads-early")
    done = {n: [d.act.kind for d in line.done] for n, line in enumerate(script.lines, 1) if line.done}
    expected = {1: ["touch"], 2: ["write"], 5: ["read"], 6: ["write"], 7: ["take"], 10: ["take"]}
    assert expected == done
    assert [(3, "take", 7)] == [(n, a.kind, at) for n, x in enumerate(script.lines, 1) for a, at in x.elsewhere]
    assert ("legacy", 1, [1, 0]) == (
        script.setup.mode,
        script.end.stale(0),
        [d.report for line in script.lines for d in line.done if d.act.kind == "take"],
    )


def test_of_a_design_without_steps_inside_every_ioctl_is_performed_at_its_own_move():
    script = counterexample("top-layer", "no_lost_write", Client=2)
    assert [] == [line.elsewhere for line in script.lines if line.elsewhere]
    assert ["write", "get", "clear", "read", "write", "clear", "get"] == [
        d.act.kind for line in script.lines for d in line.done
    ]


def test_the_set_up_is_that_of_the_design():
    assert Setup(1, 1, "ring", True, ((0, 1),)) == counterexample("ring-initially-set").setup
    two = Instance(record(load("dirty-ring")), 2, {"Vcpu": 3})
    assert Setup(2, 3, "ring", False, ((0, 3),)) == scripted(Acts(two), []).setup
    all_ones = Instance(record(load("initially-set")), 1, {"Vcpu": 1})
    assert "initially_set" == scripted(Acts(all_ones), []).setup.mode


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "pml-slot-deleted",
            "pml-slot-deleted: after move 1, write, the log is {} by the design and {0} on KVM: it models what KVM "
            "does inside (`armed`, `pml`), and no ioctl does that.",
        ),
        (
            "fault-marks-first",
            "fault-marks-first: after move 6, write, the log is {} by the design and {0} on KVM: it models what KVM "
            "does inside (`armed`), and no ioctl does that.",
        ),
        (
            "incomplete-flush",
            "incomplete-flush: after move 9, write, the log is {} by the design and {0} on KVM: it models what KVM "
            "does inside (`armed`, `tlb`), and no ioctl does that.",
        ),
    ],
)
def test_a_run_of_what_kvm_does_inside_is_refused_by_name(name, expected):
    with pytest.raises(CannotSay) as error:
        counterexample(name, Vcpu=1)
    assert expected == str(error.value)
