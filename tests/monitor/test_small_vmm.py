"""A VMM with one hazard at a time: the page is really lost on this kernel, and the monitor says so."""

import pytest

from tests.support.kvm import needs_kvm
from tests.support.recorder import needs_ptrace
from tests.support.small_vmm import BY_CALL, MARKED, RING, SILENT, build, needs_gcc, results

pytestmark = [needs_kvm, needs_ptrace, needs_gcc]

BROKEN = {
    "dropped": {"dropped-log"},
    "removed": {"dropped-log"},
    "initially-set": {"unread-page"},
    "legacy-twice": {"unread-page"},
    "stale-mask": {"blind-clear", "unread-page"},
    "stale-mask-set": {"unread-page"},
    "late-clear": {"unread-page"},
    "reset-before-publishing": {"unread-page"},
    "reset-after-reading": {"unread-page"},
    "twice": {"blind-clear", "unread-page"},
}
BROKEN_IN_SILENCE = {
    "dropped": {"dropped-log"},
    "removed": {"dropped-log"},
    "initially-set": {"initially-set-cleared"},
    "stale-mask": {"blind-clear"},
    "stale-mask-set": {"initially-set-cleared"},
    "twice": {"blind-clear"},
}
LOST, KEPT = "lost: page 3", "nothing lost"


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    at = tmp_path_factory.mktemp("vmm")
    return results(build(at), at)


@pytest.mark.parametrize("more", [(), ("copy",)], ids=["one descriptor", "dup'ed descriptor"])
@pytest.mark.parametrize("case", MARKED)
def test_a_hazard_loses_the_page_and_is_found_and_the_right_order_passes(found, case, more):
    assert (LOST, 1, BROKEN[case]) == (*found[case, "wrong", *more][:2], set(found[case, "wrong", *more][2]))
    assert (KEPT, 0, []) == found[case, "right", *more]


@pytest.mark.parametrize("case", BY_CALL)
def test_reads_by_process_vm_readv_are_seen_without_a_marker(found, case):
    assert (LOST, 1, ["unread-page"]) == found[case, "wrong", "call"]
    assert (KEPT, 0, []) == found[case, "right", "call"]


@pytest.mark.parametrize("case", SILENT)
def test_six_of_them_are_found_where_the_vmm_marks_no_reads(found, case):
    assert (LOST, 1, BROKEN_IN_SILENCE[case]) == (
        *found[case, "wrong", "silent"][:2],
        {*found[case, "wrong", "silent"][2]},
    )
    assert (KEPT, 0, []) == found[case, "right", "silent"]


@pytest.mark.parametrize("how", ["wrong", "right"])
@pytest.mark.parametrize("case", RING)
def test_a_ring_without_marks_of_reads_is_undetermined(found, case, how):
    assert (3, []) == found[case, how, "silent"][1:]
