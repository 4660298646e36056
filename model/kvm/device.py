"""/dev/kvm: its requests by name, what the kernel refuses, and memory that it can be handed.

Source: Linux include/uapi/linux/kvm.h; x86-64.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import platform
from pathlib import Path
from typing import Any

from model.errors import MissingTool, ModelError

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
