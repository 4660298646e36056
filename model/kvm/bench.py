"""A VM on which scripts are performed: the same acts as on paper, and what the real kernel shows after them.

Every model page is a page of one logged slot. The guest writes a new version each time, and each client copies the
content of the pages that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from model.kvm.acts import Act
from model.kvm.device import INITIALLY_SET, LEGACY, MANUAL
from model.kvm.driver import Vm
from model.kvm.paper import Seen, Setup, first_of, union
from model.verify.wording import members

STRIDE = 64  # model pages lie in different words of the bitmap; 1 puts them side by side
RING_BYTES = 4096
MANUAL_MODES = {"manual": MANUAL, "initially_set": INITIALLY_SET, "legacy": LEGACY, "ring": MANUAL}


class Bench:
    """A VM of a setup: clients with copies of every page, and a guest that writes versions."""

    def __init__(self, setup: Setup, vm: Vm, stride: int = STRIDE) -> None:
        self.setup, self.vm, self.stride = setup, vm, stride
        self.masks = [self._at_stride(pages) for pages in range(setup.full + 1)]
        self.all_ones = (1 << vm.slots[0].pages) - 1
        self.shown = {mask: pages for pages, mask in enumerate(self.masks)}
        self.every = self._at_stride(setup.full)
        self.ioctls = 0
        self.begin()

    def _at_stride(self, pages: int) -> int:
        return union(1 << page * self.stride for page in members(pages))

    # -- the start

    def begin(self) -> None:
        """A fresh log, version 0 everywhere, and copies that lack what the design says is unread at the start."""
        getattr(self, f"_begin_{self.setup.mode}")()
        for page in range(self.setup.pages):
            self.vm.store(page * self.stride, 0)
        self.versions = [0] * self.setup.pages
        self.copies: dict[int, list[int | None]] = {
            client: [None if unread >> page & 1 else 0 for page in range(self.setup.pages)]
            for client, unread in self.setup.unread
        }

    def _begin_manual(self) -> None:
        self.vm.clear(self.all_ones)

    def _begin_initially_set(self) -> None:
        self.vm.set_region(0, log=False)
        self.vm.set_region(0)

    def _begin_legacy(self) -> None:
        self.vm.get()

    def _begin_ring(self) -> None:
        for vcpu in self.vm.vcpus:
            vcpu.ring.harvest()
        self.vm.reset()
        if self.setup.open:  # the log of a slot whose pages the guest has mapped for writing already
            self.vm.set_region(0, log=False)
            for page in range(self.setup.pages):
                self.vm.write(page * self.stride, 0)
            self.vm.set_region(0)

    # -- acts

    def do(self, act: Act) -> int | None:
        """One act on the kernel; returns the pages that it reports."""
        self.ioctls += act.kind not in ("read", "forget", "store")
        found: int | None = getattr(self, f"_{act.kind}")(act)
        return found

    def _write(self, act: Act) -> None:
        for page in members(act.pages):
            self.versions[page] += 1
        self._touch(act)

    def _touch(self, act: Act) -> None:
        for page in members(act.pages):
            self.vm.write(page * self.stride, self.versions[page], vcpu=act.who)

    def _store(self, act: Act) -> None:
        for page in members(act.pages):
            self.versions[page] += 1
            self.vm.store(page * self.stride, self.versions[page])

    def _get(self, act: Act) -> int:
        return self.shown[self.vm.get() & self.every]

    _take = _get

    def _clear(self, act: Act) -> None:
        self.vm.clear(self.all_ones if act.all_ones else self.masks[act.pages])

    def _harvest(self, act: Act) -> int:
        ring = self.vm.vcpus[act.who].ring
        waiting = ring.waiting()[:1]
        ring.take(len(waiting))
        return union(1 << page // self.stride for _, page in waiting)

    def _reset(self, act: Act) -> int:
        for vcpu in self.vm.vcpus:
            given = first_of(tuple(page // self.stride for _, page in vcpu.ring.unmarked()), act.pages)
            vcpu.ring.mark(given)
        return self.vm.reset()

    def _read(self, act: Act) -> None:
        for page in members(act.pages):
            self.copies[act.who][page] = self.vm.read(page * self.stride)

    def _forget(self, act: Act) -> None:
        for page in members(act.pages):
            self.copies[act.who][page] = None

    # -- what is seen

    def seen(self) -> Seen:
        """The log as GET reports it, or the entries that wait; no log where GET would empty it."""
        if self.setup.mode == "ring":
            waiting = [vcpu.ring.waiting() for vcpu in self.vm.vcpus]
            return Seen(None, tuple(tuple(page // self.stride for _, page in entries) for entries in waiting))
        self.ioctls += self.setup.mode != "legacy"
        return Seen(None if self.setup.mode == "legacy" else self.shown[self.vm.get() & self.every])

    def source(self) -> tuple[int, ...]:
        """What every page holds."""
        return tuple(self.vm.read(page * self.stride) for page in range(self.setup.pages))

    def stale(self, client: int) -> int:
        """Pages whose content at the source differs from the client's copy."""
        copy = self.copies[client]
        return union(1 << p for p, version in enumerate(self.source()) if copy[p] != version)


@contextmanager
def bench(setup: Setup, stride: int = STRIDE) -> Iterator[Bench]:
    """A Bench on a new VM, which is released at the end.

    Raises:
        MissingTool, KvmError: as for Vm.
    """
    manual = INITIALLY_SET if setup.open else MANUAL_MODES[setup.mode]
    ring = RING_BYTES if setup.mode == "ring" else 0
    with Vm((setup.pages * stride,), manual=manual, ring=ring, vcpus=setup.vcpus) as vm:
        yield Bench(setup, vm, stride)
