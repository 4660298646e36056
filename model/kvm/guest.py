"""What the guest runs: two loops of 64-bit code at CPL 3, as source with its bytes.

User mode, because KVM-PVM runs only that natively, with write faults; IOPL 3, so that `out` leaves to the host.
Registers: rsi is the vCPU's mailbox, a page of 64-bit words.
"""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """One instruction: its bytes in hexadecimal, its source in Intel syntax, and what it is for."""

    code: str
    source: str
    why: str


WHERE, VALUE, STOP, COUNT = 0, 1, 2, 3  # words of the mailbox

STORE = (
    Line("48 8b 3e", "step: mov rdi, [rsi]", "mailbox word 0: the address to write to"),
    Line("48 8b 46 08", "mov rax, [rsi+8]", "mailbox word 1: the value"),
    Line("48 89 07", "mov [rdi], rax", "the store that KVM logs"),
    Line("e6 10", "out 0x10, al", "tell the host that it is done"),
    Line("eb f2", "jmp step", ""),
)

RUN = (
    Line("48 8b 4e 10", "free: mov rcx, [rsi+16]", "mailbox word 2: not 0 when the host wants us to stop"),
    Line("48 85 c9", "test rcx, rcx", ""),
    Line("75 17", "jnz done", ""),
    Line("48 ff c0", "inc rax", "every store has a value of its own"),
    Line("48 89 07", "mov [rdi], rax", "the store that KVM logs"),
    Line("48 89 46 18", "mov [rsi+24], rax", "mailbox word 3: how far we are"),
    Line("48 01 d7", "add rdi, rdx", "the next page"),
    Line("48 39 df", "cmp rdi, rbx", ""),
    Line("72 e5", "jb free", ""),
    Line("48 89 ef", "mov rdi, rbp", "from the first page again"),
    Line("eb e0", "jmp free", ""),
    Line("e6 11", "done: out 0x11, al", "tell the host that no store follows"),
    Line("eb dc", "jmp free", ""),
)


def code(listing: tuple[Line, ...]) -> bytes:
    """The machine code of a listing."""
    return bytes.fromhex("".join(line.code for line in listing))


def source(listing: tuple[Line, ...]) -> str:
    """The listing as the GNU assembler reads it."""
    return "".join(f"{line.source}\n" for line in (Line("", ".intel_syntax noprefix", ""), *listing))
