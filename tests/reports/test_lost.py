"""Pages that are lost for good are those that no run brings, and nothing else is called lost."""

import pytest

from model.designs.catalogue import load
from model.instance.breadth_first import BreadthFirst
from model.instance.instance import Instance
from model.program.design import record
from reports.lost import Lost

STATES = 120  # the nearest ones; in each design below a page was called lost within a few moves


def marks(name, **sizes):
    """What is said of the nearest states."""
    instance = Instance(record(load(name)), 1, sizes)
    lost, found, seen = Lost(instance), set(), 0
    for level in BreadthFirst([instance.initial], instance.successors).levels():
        found |= {said for state in level for said in lost.sentences(state)}
        seen += len(level)
        if seen > STATES:
            break
    return found


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("exact-clear", "what the guest's next write takes away is owed to nobody"),
        ("wait-for-the-block", "a write that has begun ends, and brings the page"),
        ("multifd-flushed", "a channel that brings an old content writes nothing"),
        ("per-slot-cache", "it is safe"),
    ],
)
def test_nothing_is_lost_in_a_safe_design(name, why):
    assert set() == marks(name), why


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("top-layer", "MIGRATION for good: no run brings it, unless the guest writes it again."),
        ("unmap-without-report", "MIGRATION for good: no run brings it, unless somebody writes it again."),
    ],
)
def test_what_is_lost_is_said_and_who_could_write_it_again(name, said):
    """A device is not the guest."""
    assert f"Page 0 is lost to {said}" in marks(name)
