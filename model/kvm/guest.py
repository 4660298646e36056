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


def listing(text: str) -> tuple[Line, ...]:
    """A listing from its text: on each line the bytes, two spaces, the source, and what it is for after a semicolon."""
    return tuple(_line(row.strip()) for row in text.strip().splitlines())


def _line(row: str) -> Line:
    made, _, rest = row.partition("  ")
    source, _, why = rest.partition(";")
    return Line(made, source.strip(), why.strip())


WHERE, VALUE, STOP, COUNT = 0, 1, 2, 3  # words of the mailbox

STORE = listing("""
    48 8b 3e     step: mov rdi, [rsi]  ; mailbox word 0: the address to write to
    48 8b 46 08  mov rax, [rsi+8]      ; mailbox word 1: the value
    48 89 07     mov [rdi], rax        ; the store that KVM logs
    e6 10        out 0x10, al          ; tell the host that it is done
    eb f2        jmp step
""")

RUN = listing("""
    48 8b 4e 10  free: mov rcx, [rsi+16]  ; mailbox word 2: not 0 when the host wants us to stop
    48 85 c9     test rcx, rcx
    75 17        jnz done
    48 ff c0     inc rax                  ; every store has a value of its own
    48 89 07     mov [rdi], rax           ; the store that KVM logs
    48 89 46 18  mov [rsi+24], rax        ; mailbox word 3: how far we are
    48 01 d7     add rdi, rdx             ; the next page
    48 39 df     cmp rdi, rbx
    72 e5        jb free
    48 89 ef     mov rdi, rbp             ; from the first page again
    eb e0        jmp free
    e6 11        done: out 0x11, al       ; tell the host that no store follows
    eb dc        jmp free
""")


def code(lines: tuple[Line, ...]) -> bytes:
    """The machine code of a listing."""
    return bytes.fromhex("".join(line.code for line in lines))


def source(lines: tuple[Line, ...]) -> str:
    """The listing as the GNU assembler reads it."""
    return "".join(f"{line.source}\n" for line in (Line("", ".intel_syntax noprefix", ""), *lines))
