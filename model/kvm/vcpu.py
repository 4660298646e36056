"""One virtual processor: a guest at CPL 3 that stores what its mailbox says, its dirty ring, and running freely.

Source: Linux Documentation/virt/kvm/api.rst, KVM_RUN, 8.29 (the ring); x86-64.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import threading
from contextlib import ExitStack

from model.kvm import guest
from model.kvm.boot import CODE_AT, FREE_AT, MAILBOX_AT, PML4, STACK
from model.kvm.device import EXIT_DIRTY_RING_FULL, EXIT_IO, PAGE, REQUESTS, RING_OFFSET, KvmError, Memory, ioctl
from model.kvm.ring import Ring


class Vcpu:
    """Virtual processor `number` of a VM whose guest lies in `boot`.

    Args:
        device, vm: descriptors of /dev/kvm and of the VM.
        ring: bytes of its dirty ring; 0 is none.
    """

    ring: Ring

    def __init__(self, device: int, vm: int, boot: Memory, number: int, ring: int = 0) -> None:
        self.thread: threading.Thread | None = None
        self.failure: KvmError | None = None
        self.unfinished = False
        with ExitStack() as stack:
            self.fd = ioctl(vm, "KVM_CREATE_VCPU", number, vcpu=number)
            stack.callback(os.close, self.fd)
            self.state = self._map(stack, ioctl(device, "KVM_GET_VCPU_MMAP_SIZE"), 0)
            self.state_words = self._view(stack, memoryview(self.state).cast("I"))
            if ring:
                self.ring = Ring(self._map(stack, ring, RING_OFFSET))
            self.mailbox_at = MAILBOX_AT + number * PAGE
            words = boot.words[self.mailbox_at // 8 : (self.mailbox_at + PAGE) // 8]
            self.mailbox = self._view(stack, words)
            self._set_cpuid(device)
            self._set_segments()
            self._set_registers(CODE_AT)
            self._held = stack.pop_all()

    def _map(self, stack: ExitStack, size: int, offset: int) -> mmap.mmap:
        found = mmap.mmap(self.fd, size, offset=offset)
        stack.callback(found.close)
        return found

    @staticmethod
    def _view(stack: ExitStack, view: memoryview[int]) -> memoryview[int]:
        stack.callback(view.release)
        return view

    def close(self) -> None:
        try:
            if self.thread:
                self.stop()
        finally:
            self._held.close()

    def _set_cpuid(self, device: int) -> None:
        """What the host's processor can do, or long mode is not offered."""
        most = 200
        buffer = bytearray(8 + 40 * most)
        struct.pack_into("<I", buffer, 0, most)
        ioctl(device, "KVM_GET_SUPPORTED_CPUID", buffer)
        ioctl(self.fd, "KVM_SET_CPUID2", buffer)

    def _set_segments(self) -> None:
        """64-bit mode at CPL 3 with the identity page tables."""
        registers = bytearray(312)
        ioctl(self.fd, "KVM_GET_SREGS", registers)
        for i in range(6):  # cs ds es fs gs ss: base, limit, selector, type, present, dpl, db, s, l, g, avl
            code = i == 0
            struct.pack_into(
                "<QIH8B", registers, 24 * i, 0, 0xFFFFFFFF, 0x0B if code else 0x13,
                *(0xB if code else 3, 1, 3, not code, 1, code, 1, 0),
            )  # fmt: skip
        paging, pae, long_mode = 0x80010033, 0x20, 0x500
        struct.pack_into("<QQQQQQ", registers, 224, paging, 0, PML4, pae, 0, long_mode)
        ioctl(self.fd, "KVM_SET_SREGS", bytes(registers))

    def _set_registers(self, rip: int, **values: int) -> None:
        names = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp")
        given = {"rsi": self.mailbox_at, "rsp": STACK, **values}
        iopl_3 = 0x3002
        packed = struct.pack("<18Q", *(given.get(n, 0) for n in names), *([0] * 8), rip, iopl_3)
        ioctl(self.fd, "KVM_SET_REGS", packed)

    def enter(self) -> int | None:
        """One KVM_RUN; returns the exit reason, None if a signal came first."""
        try:
            fcntl.ioctl(self.fd, REQUESTS["KVM_RUN"], 0)
        except InterruptedError:
            return None
        except OSError as error:
            raise KvmError("KVM_RUN", {}, error) from None
        return self.state_words[2]

    def write(self, gpa: int, value: int) -> bool:
        if self.unfinished and not self._finish():
            return False
        self.mailbox[guest.WHERE], self.mailbox[guest.VALUE] = gpa, value
        return self._finish()

    def _finish(self) -> bool:
        """Run up to the `out` that ends a store; False if the dirty ring is full before that."""
        while (reason := self.enter()) is None:
            pass
        if reason not in (EXIT_IO, EXIT_DIRTY_RING_FULL):
            raise KvmError("KVM_RUN", {}, f"the vCPU stopped with exit reason {reason}")
        self.unfinished = reason == EXIT_DIRTY_RING_FULL
        return not self.unfinished

    # -- free running

    def start(self, gpa: int, pages: int, value: int) -> None:
        self._set_registers(FREE_AT, rdi=gpa, rbp=gpa, rbx=gpa + pages * PAGE, rdx=PAGE, rax=value)
        self.mailbox[guest.STOP] = self.mailbox[guest.COUNT] = 0
        self.failure = None
        self.thread = threading.Thread(target=self._until_stopped, daemon=True)
        self.thread.start()

    def _until_stopped(self) -> None:
        try:
            while (reason := self.enter()) != EXIT_IO:
                if reason not in (None, EXIT_DIRTY_RING_FULL):
                    raise KvmError("KVM_RUN", {}, f"the vCPU stopped with exit reason {reason}")
        except KvmError as error:
            self.failure = error

    def stop(self) -> int:
        if self.thread is None:
            raise KvmError("KVM_RUN", {}, "this vCPU is not running")
        self.mailbox[guest.STOP] = 1
        self.thread.join(30)
        if self.thread.is_alive():
            raise KvmError("KVM_RUN", {}, "the vCPU did not stop within 30 seconds")
        self.thread = None
        self._set_registers(CODE_AT)
        if self.failure:
            raise self.failure
        return self.mailbox[guest.COUNT]
