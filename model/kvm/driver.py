"""KVM's dirty log from plain Python: VMs whose vCPUs write a given value to a given page on command.

A VM has one slot without a log for the guest's code, page tables and mailboxes, and data slots numbered from 0. A
write is one KVM_RUN: the host puts address and value in the vCPU's mailbox, the guest stores it and leaves by `out`.

Source: Linux include/uapi/linux/kvm.h; Documentation/virt/kvm/api.rst 4.8, 4.35, 4.117, 8.29; x86-64.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType

from model.kvm.boot import BOOT_PAGES, BOOT_SLOT, DATA_AT, MOST_VCPUS, filled
from model.kvm.device import (
    CAP_DIRTY_LOG_RING,
    CAP_DIRTY_LOG_RING_ACQ_REL,
    CAP_MANUAL_DIRTY_LOG_PROTECT2,
    INITIALLY_SET,
    LEGACY,
    LOG_DIRTY_PAGES,
    MANUAL,
    PAGE,
    REQUESTS,
    KvmError,
    Memory,
    ioctl,
    missing,
    open_kvm,
)
from model.kvm.vcpu import Vcpu

__all__ = ["INITIALLY_SET", "LEGACY", "MANUAL", "PAGE", "REQUESTS", "KvmError", "Vm", "missing"]


class Slot:
    """A memory slot with a log: where the guest sees it, its memory, and the buffers of GET and CLEAR."""

    def __init__(self, number: int, gpa: int, pages: int) -> None:
        self.number, self.gpa, self.pages = number, gpa, pages
        self.memory = Memory(pages)
        size = -(-pages // 64) * 8  # the kernel reads and writes whole words
        self.reported, self.mask = ctypes.create_string_buffer(size), ctypes.create_string_buffer(size)
        self.get = struct.pack("<IIQ", number, 0, ctypes.addressof(self.reported))


class Vm:
    """A virtual machine with logged slots; a context manager that releases whatever it took.

    Args:
        slots: pages of each slot; they follow one another from guest address DATA_AT.
        manual: LEGACY, MANUAL (manual protect) or INITIALLY_SET (manual protect, and a new log reads all ones).
        ring: bytes of each vCPU's dirty ring, a power of two from 4096 to 1 MiB; 0 is the bitmap.
        vcpus: how many virtual processors, at most MOST_VCPUS.

    Raises:
        MissingTool: /dev/kvm cannot be used.
        KvmError: the kernel refuses something.
    """

    def __init__(self, slots: Sequence[int] = (128,), *, manual: int = MANUAL, ring: int = 0, vcpus: int = 1) -> None:
        if not 1 <= vcpus <= MOST_VCPUS:
            raise KvmError("KVM_CREATE_VCPU", {"vcpus": vcpus}, f"this driver has mailboxes for 1 to {MOST_VCPUS}")
        self.ring, self.slots = ring, [*self._layout(slots)]
        with ExitStack() as stack:
            for slot in self.slots:
                stack.callback(slot.memory.close)
            self.device = open_kvm()
            stack.callback(os.close, self.device)
            self.fd = ioctl(self.device, "KVM_CREATE_VM")
            stack.callback(os.close, self.fd)
            self._set_up(stack, manual, vcpus)
            self._held = stack.pop_all()

    @staticmethod
    def _layout(slots: Sequence[int]) -> list[Slot]:
        gpa, made = DATA_AT, []
        for number, pages in enumerate(slots):
            made.append(Slot(number, gpa, pages))
            gpa += pages * PAGE
        return made

    def _set_up(self, stack: ExitStack, manual: int, vcpus: int) -> None:
        if manual:
            self.enable(CAP_MANUAL_DIRTY_LOG_PROTECT2, manual)
        if self.ring:
            newer = ioctl(self.fd, "KVM_CHECK_EXTENSION", CAP_DIRTY_LOG_RING_ACQ_REL)
            self.enable(CAP_DIRTY_LOG_RING_ACQ_REL if newer else CAP_DIRTY_LOG_RING, self.ring)
        self.boot = filled()
        stack.callback(self.boot.close)
        self._region(BOOT_SLOT, 0, 0, BOOT_PAGES, self.boot.address)
        for slot in self.slots:
            self.set_region(slot.number)
        self.vcpus: list[Vcpu] = []
        for number in range(vcpus):
            self.vcpus.append(Vcpu(self.device, self.fd, self.boot, number, self.ring))
            stack.callback(self.vcpus[-1].close)

    def __enter__(self) -> Vm:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the vCPUs and release every descriptor and mapping; a second call does nothing."""
        self._held.close()

    # -- set-up ioctls

    def enable(self, cap: int, *values: int) -> None:
        padded = [*values, 0, 0, 0, 0][:4]
        ioctl(self.fd, "KVM_ENABLE_CAP", struct.pack("<II4Q64x", cap, 0, *padded), cap=cap, args=list(values))

    def set_region(self, slot: int, *, log: bool = True, pages: int | None = None, gpa: int | None = None) -> None:
        """Make, move or delete (0 pages) a slot, or turn its log on or off."""
        it = self.slots[slot]
        it.gpa = it.gpa if gpa is None else gpa
        count = it.pages if pages is None else pages
        self._region(it.number, LOG_DIRTY_PAGES if log and count else 0, it.gpa, count, it.memory.address)

    def _region(self, slot: int, flags: int, gpa: int, pages: int, address: int) -> None:
        packed = struct.pack("<IIQQQ", slot, flags, gpa, pages * PAGE, address)
        ioctl(self.fd, "KVM_SET_USER_MEMORY_REGION", packed, slot=slot, flags=flags, gpa=gpa, pages=pages)

    # -- the dirty log

    def get(self, slot: int = 0) -> int:
        """KVM_GET_DIRTY_LOG: bit p is set if page p of the slot was written since it was last cleared."""
        it = self.slots[slot]
        ioctl(self.fd, "KVM_GET_DIRTY_LOG", it.get, slot=slot)
        return int.from_bytes(it.reported.raw, "little")

    def clear(self, mask: int, slot: int = 0, *, first: int = 0, pages: int | None = None) -> None:
        """KVM_CLEAR_DIRTY_LOG: bit 0 of the mask is page `first`; without `pages`, to the end of the slot."""
        it = self.slots[slot]
        count = it.pages - first if pages is None else pages
        size = -(-count // 64) * 8
        buffer = it.mask if 0 <= size <= len(it.mask) else ctypes.create_string_buffer(max(size, 8))
        if size > 0:
            ctypes.memmove(buffer, (mask & ((1 << 8 * size) - 1)).to_bytes(size, "little"), size)
        packed = struct.pack("<IIQQ", it.number, count & 0xFFFFFFFF, first, ctypes.addressof(buffer))
        ioctl(self.fd, "KVM_CLEAR_DIRTY_LOG", packed, slot=slot, first=first, pages=count, mask=mask)

    def harvest(self, vcpu: int = 0) -> list[tuple[int, int]]:
        """(slot, page) of each new entry of a vCPU's ring; they are marked for RESET."""
        return self.vcpus[vcpu].ring.harvest()

    def reset(self) -> int:
        """KVM_RESET_DIRTY_RINGS: the harvested pages fault again; returns how many entries that were."""
        return ioctl(self.fd, "KVM_RESET_DIRTY_RINGS")

    # -- memory

    def write(self, page: int, value: int, slot: int = 0, vcpu: int = 0) -> bool:
        """The guest writes `value` at the start of the page.

        False if its dirty ring is full: the page is logged, and the store follows when the ring has been reset and
        the vCPU runs again, which the next write sees to.
        """
        return self.vcpus[vcpu].write(self.slots[slot].gpa + page * PAGE, value)

    def store(self, page: int, value: int, slot: int = 0) -> None:
        """The VMM itself writes: KVM logs nothing."""
        self.slots[slot].memory.words[page * (PAGE // 8)] = value

    def read(self, page: int, slot: int = 0) -> int:
        """What the page holds: its first 64-bit word."""
        return self.slots[slot].memory.words[page * (PAGE // 8)]

    def contents(self, slot: int = 0) -> list[int]:
        """The first word of every page, read one after the other."""
        return self.slots[slot].memory.words[:: PAGE // 8].tolist()

    def run(self, vcpu: int, first: int, pages: int, slot: int = 0, value: int = 0) -> None:
        """Let a vCPU write these pages round and round, without leaving the guest, until `stop`."""
        self.vcpus[vcpu].start(self.slots[slot].gpa + first * PAGE, pages, value)

    def stop(self, vcpu: int) -> int:
        """Stop a free-running vCPU; returns the last value that it wrote."""
        return self.vcpus[vcpu].stop()
