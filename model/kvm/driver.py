"""KVM's dirty log from plain Python: VMs whose vCPUs write a given value to a given page on command.

A VM has one slot without a log for the guest's code, page tables and mailboxes, and data slots numbered from 0. A
write is one KVM_RUN: the host puts address and value in the vCPU's mailbox, the guest stores it and leaves by `out`.

Source: Linux include/uapi/linux/kvm.h; Documentation/virt/kvm/api.rst 4.8, 4.35, 4.117, 8.29; x86-64.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import platform
import struct
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from model.errors import MissingTool, ModelError
from model.kvm import guest

DEVICE = Path("/dev/kvm")
PAGE = 4096


def _request(direction: int, number: int, size: int = 0) -> int:
    return direction << 30 | size << 16 | 0xAE00 | number


NONE, WRITE, READ, BOTH = 0, 1, 2, 3
REQUESTS = {
    "KVM_GET_API_VERSION": _request(NONE, 0x00),
    "KVM_CREATE_VM": _request(NONE, 0x01),
    "KVM_CHECK_EXTENSION": _request(NONE, 0x03),
    "KVM_GET_VCPU_MMAP_SIZE": _request(NONE, 0x04),
    "KVM_GET_SUPPORTED_CPUID": _request(BOTH, 0x05, 8),
    "KVM_CREATE_VCPU": _request(NONE, 0x41),
    "KVM_GET_DIRTY_LOG": _request(WRITE, 0x42, 16),
    "KVM_SET_USER_MEMORY_REGION": _request(WRITE, 0x46, 32),
    "KVM_RUN": _request(NONE, 0x80),
    "KVM_SET_REGS": _request(WRITE, 0x82, 144),
    "KVM_GET_SREGS": _request(READ, 0x83, 312),
    "KVM_SET_SREGS": _request(WRITE, 0x84, 312),
    "KVM_SET_CPUID2": _request(WRITE, 0x90, 8),
    "KVM_ENABLE_CAP": _request(WRITE, 0xA3, 104),
    "KVM_CLEAR_DIRTY_LOG": _request(BOTH, 0xC0, 24),
    "KVM_RESET_DIRTY_RINGS": _request(NONE, 0xC7),
}
CAP_MANUAL_DIRTY_LOG_PROTECT2 = 168
CAP_DIRTY_LOG_RING, CAP_DIRTY_LOG_RING_ACQ_REL = 192, 223
LEGACY, MANUAL, INITIALLY_SET = 0, 1, 3  # argument of capability 168
LOG_DIRTY_PAGES = 1
EXIT_IO, EXIT_DIRTY_RING_FULL = 2, 31
RING_OFFSET = 64 * PAGE  # KVM_DIRTY_LOG_PAGE_OFFSET on x86
GFN_DIRTY, GFN_RESET = 1, 2

BOOT_SLOT, BOOT_PAGES = 400, 32
CODE_AT, PML4, PDPT, PD, STACK, MAILBOX_AT = 0x1000, 0x2000, 0x3000, 0x4000, 0x7000, 0x8000
FREE_AT = CODE_AT + 0x100
MOST_VCPUS = BOOT_PAGES - MAILBOX_AT // PAGE
DATA_AT = 0x100000
PRESENT_TABLE, PRESENT_PAGE = 0x27, 0xE7  # user, accessed and dirty set: walking never writes guest memory


class KvmError(ModelError):
    """The kernel refused an ioctl, or a vCPU stopped for a reason that is not ours.

    Attributes:
        errno: the kernel's error number, 0 where a vCPU stopped.
    """

    exit_code = 3

    def __init__(self, request: str, arguments: dict[str, Any], error: OSError | str) -> None:
        given = ", ".join(f"{k}={v:#x}" if k in ("gpa", "mask") else f"{k}={v}" for k, v in arguments.items())
        self.errno = error.errno or 0 if isinstance(error, OSError) else 0
        if isinstance(error, OSError):
            error = f"{errno.errorcode.get(self.errno, self.errno)}, {os.strerror(self.errno)}"
        super().__init__(f"{request}({given}): {error}.")


def ioctl(fd: int, request: str, argument: Any = 0, **arguments: Any) -> int:
    """One KVM ioctl.

    Args:
        argument: what the kernel is handed: an int, or the bytes of a structure.
        arguments: the same in words, for the error.

    Raises:
        KvmError: the kernel refused it.
    """
    try:
        return fcntl.ioctl(fd, REQUESTS[request], argument)
    except OSError as error:
        raise KvmError(request, arguments, error) from None


def open_kvm() -> int:
    """A descriptor of /dev/kvm, to be closed by the caller.

    Raises:
        MissingTool: there is no /dev/kvm, it cannot be opened, or it is not that of an x86-64 machine.
    """
    if platform.machine() != "x86_64":
        raise MissingTool(f"the KVM driver speaks x86-64, and this machine is {platform.machine()}.")
    try:
        return os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        raise MissingTool(f"{DEVICE} is missing: this needs Linux with KVM and virtualisation turned on.") from None
    except OSError as error:
        raise MissingTool(
            f"{DEVICE} cannot be opened ({os.strerror(error.errno or 0)}): you may have to join the group that owns it."
        ) from None


def missing() -> str:
    """Why the driver cannot be used here, or an empty string."""
    try:
        os.close(open_kvm())
    except MissingTool as reason:
        return reason.message
    return ""


class Memory:
    """Anonymous memory with a known address, whole pages, zero at first."""

    def __init__(self, pages: int) -> None:
        self.bytes = mmap.mmap(-1, pages * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        pin = ctypes.c_char.from_buffer(self.bytes)
        self.address = ctypes.addressof(pin)
        del pin
        self.words = memoryview(self.bytes).cast("Q")

    def close(self) -> None:
        self.words.release()
        self.bytes.close()


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
        self.boot = Memory(BOOT_PAGES)
        stack.callback(self.boot.close)
        self._fill_boot()
        self._region(BOOT_SLOT, 0, 0, BOOT_PAGES, self.boot.address)
        for slot in self.slots:
            self.set_region(slot.number)
        self.vcpus = []
        for number in range(vcpus):
            self.vcpus.append(Vcpu(self, number))
            stack.callback(self.vcpus[-1].close)

    def _fill_boot(self) -> None:
        """The guest's code, and page tables that map the first GiB onto itself with pages of 2 MiB."""
        for at, listing in ((CODE_AT, guest.STORE), (FREE_AT, guest.RUN)):
            code = guest.code(listing)
            self.boot.bytes[at : at + len(code)] = code
        struct.pack_into("<Q", self.boot.bytes, PML4, PDPT | PRESENT_TABLE)
        struct.pack_into("<Q", self.boot.bytes, PDPT, PD | PRESENT_TABLE)
        for i in range(512):
            struct.pack_into("<Q", self.boot.bytes, PD + 8 * i, i << 21 | PRESENT_PAGE)

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
        return self.vcpus[vcpu].harvest()

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


class Vcpu:
    """One virtual processor of a Vm."""

    def __init__(self, vm: Vm, number: int) -> None:
        self.vm, self.thread, self.head, self.unfinished = vm, None, 0, False
        self.failure: KvmError | None = None
        with ExitStack() as stack:
            self.fd = ioctl(vm.fd, "KVM_CREATE_VCPU", number, vcpu=number)
            stack.callback(os.close, self.fd)
            self.state = self._map(stack, ioctl(vm.device, "KVM_GET_VCPU_MMAP_SIZE"), 0)
            self.state_words = self._view(stack, memoryview(self.state).cast("I"))
            if vm.ring:
                self.entries = self._map(stack, vm.ring, RING_OFFSET)
            self.mailbox_at = MAILBOX_AT + number * PAGE
            words = vm.boot.words[self.mailbox_at // 8 : (self.mailbox_at + PAGE) // 8]
            self.mailbox = self._view(stack, words)
            self._set_cpuid()
            self._set_segments()
            self._set_registers(CODE_AT)
            self._held = stack.pop_all()

    thread: threading.Thread | None

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

    def _set_cpuid(self) -> None:
        """What the host's processor can do, or long mode is not offered."""
        most = 200
        buffer = bytearray(8 + 40 * most)
        struct.pack_into("<I", buffer, 0, most)
        ioctl(self.vm.device, "KVM_GET_SUPPORTED_CPUID", buffer)
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

    def harvest(self) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        while True:
            at = self.head * 16 % self.vm.ring
            flags, slot, page = struct.unpack_from("<IIQ", self.entries, at)
            if not flags & GFN_DIRTY:
                return found
            found.append((slot, page))
            struct.pack_into("<I", self.entries, at, GFN_RESET)
            self.head += 1

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
