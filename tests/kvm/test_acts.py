"""What a move asks of KVM, and which designs are refused because no ioctl does what they do."""

import pytest

from model import ALL, NONE, Client, Design, Pages, Queue, Sort, Vcpu, operation
from model.designs.catalogue import load
from model.errors import CannotSay
from model.instance.instance import Instance
from model.kvm.acts import Act, Acts
from model.program.design import record
from tests.support.designs import Logged, Plain
from tests.support.moves import moves

Device = Sort("Device", "a device", ("the device",), size=1)


def acts_of(design, label, before=None, pages=2, sizes=None, **arguments):
    """What the move with this label (and these arguments) asks for in a state, by default the first one."""
    instance = Instance(record(design), pages, sizes or {})
    move = next(m for m in moves(instance, label) if arguments.items() <= {**m.arguments, **m.ground.indices}.items())
    state = list(instance.initial)
    for key, value in (before or {}).items():
        state[instance.position[key]] = value
    return Acts(instance)(move, tuple(state))


@pytest.mark.parametrize(
    ("design", "label", "arguments", "before", "expected"),
    [
        ("naive", "write", {"page": 2}, {}, [Act("write", 2)]),
        ("naive", "sync", {}, {}, [Act("get")]),
        ("naive", "collect", {}, {}, []),
        ("naive", "clear.cleared", {}, {}, [Act("clear", 3, all_ones=True)]),
        ("legacy-get", "sync.swapped", {}, {}, [Act("take", 3)]),
        ("legacy-get", "fault.marked", {"page": 1}, {}, [Act("touch", 1)]),
        ("manual-clear", "sync", {}, {}, [Act("get")]),
        ("diff-snapshot-failed", "write", {"page": 1, "device": 0}, {}, [Act("write", 1)]),
        ("diff-snapshot-failed", "write", {"page": 1, "device": 1}, {}, [Act("store", 1)]),
        ("clear-by-bmap", "device_write", {"page": 2}, {}, [Act("store", 2)]),
        ("last-sync-before-stop", "retry", {}, {}, [Act("forget", 3)]),
        ("dirty-ring", "write", {"page": 1}, {}, [Act("write", 1)]),
        ("dirty-ring", "rewrite", {"page": 1}, {}, [Act("write", 1)]),
        ("dirty-ring", "harvest", {"vcpu": 1}, {}, [Act("harvest", who=1)]),
        ("dirty-ring", "reset", {}, {("taken", None): 2}, [Act("reset", 2)]),
    ],
)
def test_a_move_is_translated_to_what_the_kernel_is_asked(design, label, arguments, before, expected):
    """A write that the log does not have is the VMM's own; `rewrite` and a fault are the guest's."""
    assert expected == acts_of(load(design), label, before, **arguments)


@pytest.mark.parametrize(
    ("name", "legacy"), [("legacy-get", True), ("diff-snapshot", True), ("naive", False), ("manual-clear", False)]
)
def test_a_design_whose_every_look_empties_the_log_has_the_legacy_get(name, legacy):
    assert legacy is Acts(Instance(record(load(name)), 1)).interface.legacy


class Forgetful(Logged):
    """Sets bits of the log from user space."""

    mark = operation(Logged.write.function, by=Client)


class Both(Design):
    """A log and rings."""

    kernel = Pages("the log")
    ring = Queue("the ring", per=Vcpu, length=1)

    @operation(by=Vcpu)
    def write(s, me, page):
        s.kernel |= page
        s.ring[me].push(page)


class Partly(Design):
    """Clears and marks in one step."""

    kernel = Pages("the log")
    cache = Pages("a bitmap")

    @operation
    def swap(s, me):
        s.kernel = s.cache


@pytest.mark.parametrize(
    ("design", "label", "expected"),
    [
        (Plain, "take", "plain has no shared part `kernel`, so there is no log to compare."),
        (Both, "write", "both has `kernel` and `ring`; a VM has a log or rings."),
        (
            Forgetful,
            "mark",
            "forgetful: mark sets kernel := kernel | page; on KVM a log gains bits by writes of the guest only.",
        ),
        (
            Partly,
            "swap",
            "partly: swap sets kernel := cache; on KVM a log gains bits by writes of the guest and loses them by "
            "CLEAR.",
        ),
    ],
)
def test_what_kvm_has_no_ioctl_for_is_refused_by_name(design, label, expected):
    with pytest.raises(CannotSay) as error:
        acts_of(design, label)
    assert expected == str(error.value)


class Half(Design):
    """A ring whose pages are given back by a step that protects all."""

    armed = Pages("write-protected", initially=ALL)
    ring = Queue("the ring", per=Vcpu, length=1)
    unread = Pages("ghost: what nobody has read")

    @operation(by=Vcpu)
    def write(s, me, page):
        s.ring[me].push(page)
        s.armed -= page
        s.unread |= page

    @operation(by=Device)
    def disarm(s, me):
        s.armed = NONE


def test_only_a_write_opens_a_page_of_a_ring():
    with pytest.raises(CannotSay) as error:
        acts_of(Half, "disarm", sizes={"Vcpu": 1})
    assert "half: disarm sets armed := NONE; on KVM only a write opens a page." == str(error.value)
