"""What the discussion of 2019 left open, as designs: two slots over one block, and pages that a device maps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from model.designs.catalogue import built_in_properties, load
from model.designs.dirty_log import DirtyLog, SlotCache
from model.engines.packed import search as lanes
from model.expr import ALL, NONE, Client, Pages, choose, every_client, operation, shifted, wait_for
from model.instance.problem import Problem
from model.program.design import Design, record
from model.program.tracing import Page, SomePages
from model.studies.comparison import SEARCH
from model.studies.cost import Device
from model.verdict import Proved, Refuted, Undetermined
from model.verify.judge import Judge, Unsettled

FIRST = 1  # the block's page at which the second slot begins


def _cleared(s: Any, me: Any, span: Any, second: Any) -> Iterator[str]:
    """The cached bits of a range leave log and cache of each slot; `second`: the range by the second slot's numbers."""
    with s.slots_lock:
        me.known = s.cache & span
        s.kernel -= me.known
        yield "cleared"
        s.cache -= me.known
        me.others = s.second_cache & second
        s.second -= me.others
        yield "second cleared"
        s.second_cache -= me.others
        yield "forgotten"


class TwoSlots(SlotCache):
    """Two memory slots over one RAM block, as of a display whose memory the guest sees at two addresses.

    The clients' bitmaps are numbered by the block, each slot's log and cache by the slot; the second slot begins at the
    block's second page. A write goes through either slot and marks that slot's log alone. A clear carries a range of
    the block, which becomes a range of each slot that it touches.

    Source: QEMU 7.2 accel/kvm/kvm-all.c, kvm_physical_log_clear(), whose loop goes over all slots of the range, and
    kvm_slot_sync_dirty_pages(), ram_start_offset; that only the slot is marked that is written through: measured on
    Linux 6.18.
    """

    second = Pages("KVM's dirty log of the second slot, by its own numbers")
    second_cache = Pages("KVMSlot.dirty_bmap of the second slot")

    @operation
    def write(s: Any, me: Any, page: Page, through: bool) -> None:
        wait_for(~through | (page <= shifted(ALL, FIRST)))
        s.kernel |= choose(through, NONE, page)
        s.second |= choose(through, shifted(page, -FIRST), NONE)
        s.unread[every_client] |= page

    @operation
    def sync(s: Any, me: Any) -> Iterator[str]:
        with s.slots_lock:
            s.cache = s.kernel
            yield "reported"
            s.user[every_client] |= s.cache
            yield "merged"
            s.second_cache = s.second
            yield "second reported"
            s.user[every_client] |= shifted(s.second_cache, FIRST)
            yield "second merged"

    @operation
    def clear(s: Any, me: Any, want: SomePages, span: SomePages) -> Iterator[str]:
        wait_for(want <= s.mine[me])
        wait_for(want <= span)  # type: ignore[operator]
        yield "chosen"
        yield from _cleared(s, me, span, shifted(span, -FIRST))
        DirtyLog.read(s, me, want)  # type: ignore[no-untyped-call]
        yield "read"


class Unconverted(TwoSlots):
    """The second slot is cleared by the block's numbers, as if it began where the block begins.

    Source: our mutant of QEMU 7.2 kvm_physical_log_clear().
    """

    @operation
    def clear(s: Any, me: Any, want: SomePages, span: SomePages) -> Iterator[str]:
        wait_for(want <= s.mine[me])
        wait_for(want <= span)  # type: ignore[operator]
        yield "chosen"
        yield from _cleared(s, me, span, span)
        DirtyLog.read(s, me, want)  # type: ignore[no-untyped-call]
        yield "read"


def with_mapping(design: type[Design], *, marks_first: bool = False) -> type[Design]:
    """The design with a device that maps a page, stores in it, and marks every client's bitmap when it unmaps it.

    A run in which the guest stops lets the device finish first, as QEMU does before the last sync.

    Args:
        marks_first: it marks when it maps, before it stores, which is wrong.

    Source: QEMU 7.2 softmmu/physmem.c, address_space_unmap(), which ends in invalidate_and_set_dirty(); vhost's log is
    merged in the same way, hw/virtio/vhost.c, vhost_dev_sync_region().
    """

    def dma(s: Any, me: Any, page: Page) -> Iterator[str]:
        s.unread[every_client] |= page
        yield "stored"
        s.user[every_client] |= page
        yield "unmapped"

    def early(s: Any, me: Any, page: Page) -> Iterator[str]:
        s.user[every_client] |= page
        yield "mapped"
        s.unread[every_client] |= page
        yield "stored"

    words = {
        "dma": operation(early if marks_first else dma, by=Device),
        "__doc__": design.__doc__,
        "__module__": design.__module__,
    }
    return type(f"{design.__name__}{'MarkedFirst' if marks_first else 'Mapped'}", (design,), words)


@dataclass(frozen=True)
class Question:
    """One question that was answered by a search of every state, or by a shortest run.

    Attributes:
        moves: to a lost write, or None where none is reachable.
        states: that were visited.
    """

    pages: int
    clients: int
    moves: int | None
    states: int


@dataclass(frozen=True)
class Questions:
    """The answers, by what was asked; `mapped_anywhere`: proved for any number of pages and clients."""

    slots: Question
    unconverted: Question
    mapped: Question
    marked_first: Question
    mapped_anywhere: bool


def answers(seconds: float) -> Questions:
    """Every question, asked now.

    Args:
        seconds: for the proof that a mapping device is safe with any number of pages and clients.

    Raises:
        Unsettled: a search ended at a limit.
    """
    cached = load("per-slot-cache")
    rule = built_in_properties()["no_lost_write"]
    proof = Judge([rule]).proof(record(with_mapping(cached)), seconds) if seconds else None
    return Questions(
        slots=ask(TwoSlots, 2, 1),
        unconverted=ask(Unconverted, 2, 1),
        mapped=ask(with_mapping(cached), 1, 2),
        marked_first=ask(with_mapping(cached, marks_first=True), 1, 2),
        mapped_anywhere=isinstance(proof, Proved),
    )


def ask(design: type[Design], pages: int, clients: int) -> Question:
    """Whether a write can be lost, with so many pages and clients."""
    asked = Problem.of(record(design), built_in_properties()["no_lost_write"]).at(pages, {Client.name: clients})
    found = lanes.search(asked, SEARCH)
    if isinstance(found, Undetermined):
        raise Unsettled(f"{design.__name__}: {found.reason}.")
    return Question(pages, clients, found.depth if isinstance(found, Refuted) else None, found.states)
