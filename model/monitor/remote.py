"""Work on a stopped process from outside: its memory, its registers, and system calls made in its name.

Source: Linux man pages ptrace(2), proc(5); x86-64.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

CONT, GETREGS, SETREGS, SYSCALL, SINGLESTEP, SEIZE, INTERRUPT, LISTEN = 7, 12, 13, 24, 9, 0x4206, 0x4207, 0x4208
DETACH = 17
WALL = 0x40000000
WORDS = 27
R10, R9, R8, RAX, RDX, RSI, RDI, ORIG_RAX, RIP = 7, 8, 9, 10, 12, 13, 14, 15, 16  # places in user_regs_struct
PAGE = 4096


class _Piece(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    libc.process_vm_readv.argtypes = [
        *(ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong),
        *(ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong),
    ]
    libc.process_vm_readv.restype = ctypes.c_ssize_t
    return libc


LIBC = _libc()
# One call of each a time: the recorder has one thread, and makes a few of them at every ioctl.
SMALL, REGISTERS, MINE, THEIRS = (
    ctypes.create_string_buffer(PAGE),
    ctypes.create_string_buffer(8 * WORDS),
    _Piece(),
    _Piece(),
)
REGISTERS_AT, MINE_AT, THEIRS_AT = ctypes.addressof(REGISTERS), ctypes.addressof(MINE), ctypes.addressof(THEIRS)
LAYOUT = struct.Struct(f"<{WORDS}Q")


def ptrace(request: int, tid: int, address: int = 0, data: int = 0) -> None:
    """One ptrace request; raises OSError."""
    if LIBC.ptrace(request, tid, address, data) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def peek(tid: int, address: int, size: int) -> bytes:
    """Memory of a process; shorter than `size`, or empty, where it ends or is not mapped."""
    buffer = SMALL if size <= PAGE else ctypes.create_string_buffer(size)
    MINE.base, MINE.length = ctypes.addressof(buffer), size
    THEIRS.base, THEIRS.length = address, size
    count = LIBC.process_vm_readv(tid, MINE_AT, 1, THEIRS_AT, 1, 0)
    return ctypes.string_at(buffer, count) if count > 0 else b""


def poke(tid: int, address: int, what: bytes) -> None:
    """Write memory of a process that we trace, code too."""
    with Path(f"/proc/{tid}/mem").open("r+b", buffering=0) as memory:
        memory.seek(address)
        memory.write(what)


def registers(tid: int) -> list[int]:
    """The registers of a stopped thread, as user_regs_struct has them."""
    ptrace(GETREGS, tid, 0, REGISTERS_AT)
    return list(LAYOUT.unpack_from(REGISTERS))


def set_registers(tid: int, values: list[int]) -> None:
    LAYOUT.pack_into(REGISTERS, 0, *values)
    ptrace(SETREGS, tid, 0, REGISTERS_AT)


def signed(value: int) -> int:
    """A register as the kernel's long."""
    return ctypes.c_long(value).value


class Mapping(NamedTuple):
    """A line of /proc/PID/maps."""

    start: int
    end: int
    rights: str
    offset: int
    path: str


def mappings(pid: int) -> list[Mapping]:
    found = []
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        ends, rights, offset, _, _, *path = line.split(maxsplit=5)
        start, end = (int(x, 16) for x in ends.split("-"))
        found.append(Mapping(start, end, rights, int(offset, 16), path[0] if path else ""))
    return found


def threads(pid: int) -> list[int]:
    """The threads of a process; empty when it has ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()]
    return []


def process_of(tid: int) -> int:
    """The process that a thread belongs to."""
    with contextlib.suppress(OSError):
        found = re.search(r"^Tgid:\s*(\d+)", Path(f"/proc/{tid}/status").read_text(), re.MULTILINE)
        return int(found[1]) if found else tid
    return tid


def entry(pid: int) -> int:
    """Where the program of a process begins once the dynamic linker has done its work: AT_ENTRY."""
    words = struct.iter_unpack("<QQ", Path(f"/proc/{pid}/auxv").read_bytes())
    return next(value for kind, value in words if kind == 9)


@dataclass(frozen=True)
class Borrowed:
    """A stopped thread that makes system calls for us, with an address of a `syscall` instruction in it."""

    tid: int
    instruction: int

    def __call__(self, number: int, *arguments: int) -> int:
        """The result, negative error numbers as the kernel has them."""
        values = registers(self.tid)
        values[RAX], values[ORIG_RAX], values[RIP] = number, (1 << 64) - 1, self.instruction
        for place, value in zip((RDI, RSI, RDX, R10, R8, R9), (*arguments, 0, 0, 0, 0, 0, 0), strict=False):
            values[place] = value & (1 << 64) - 1
        set_registers(self.tid, values)
        ptrace(SINGLESTEP, self.tid)
        _, status = os.waitpid(self.tid, WALL)
        if not os.WIFSTOPPED(status):
            raise ProcessLookupError
        return signed(registers(self.tid)[RAX])


@contextlib.contextmanager
def borrowed(tid: int, instruction: int) -> Iterator[Borrowed]:
    """The thread's registers are as before when the block ends: a call that was interrupted goes on."""
    before = registers(tid)
    try:
        yield Borrowed(tid, instruction)
    finally:
        set_registers(tid, before)
