"""What the guest runs: firmware of 64 KiB in place of a BIOS, as source with its bytes.

The processor starts at the last 16 bytes, goes on in 32-bit mode without paging, and finds at WORDS which memory it has
to write. So nothing boots: no BIOS, no disk and no waiting. Registers keep what the loops need; there is no stack.

Source: Intel SDM volume 3, 9.1.4 (first instruction executed) and 9.9.1 (switching to protected mode).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from model.kvm.guest import Line, code, listing

SIZE = 0x10000
WORDS, START, GDT, RESET = 0xFF00, 0xFF80, 0xFFA0, 0xFFF0
FRAME_BUFFER, MODE = 0xE0000000, 16  # where SCREEN puts it; the word at which it finds the mode
RUNNING = b"R"  # printed on COM1 when the watched pages have been written once
STOP_ALSO = b"."  # any byte on COM1: write the watched pages only


class Part(NamedTuple):
    """A piece of the firmware: where it begins, in which mode it runs, and its listing."""

    at: int
    mode: str
    listing: tuple[Line, ...]


FILL = listing("""
    b8 10 00 00 00        body: mov eax, 16            ; the data segment: all 4 GiB
    8e d8                 mov ds, eax
    2e 8b 3d 00 ff ff ff  mov edi, cs:[0xffffff00]     ; words 0 and 1: pages that are written once
    2e 8b 0d 04 ff ff ff  mov ecx, cs:[0xffffff04]
    e3 0b                 jecxz filled
    c6 07 01              fill: mov byte ptr [edi], 1  ; so that migration has to send the whole page
    81 c7 00 10 00 00     add edi, 4096
    e2 f5                 loop fill
""")

TELL = listing("""
    66 ba f8 03  mov dx, 0x3f8  ; COM1: we are running
    b0 52        mov al, 'R'
    ee           out dx, al
""")

WRITER = (
    *FILL,
    *listing("""
    2e 8b 35 0c ff ff ff  filled: mov esi, cs:[0xffffff0c]  ; words 2 and 3: pages written until we are told
    2e 8b 2d 10 ff ff ff  mov ebp, cs:[0xffffff10]          ; words 4 and 5: the watched pages
    2e 8b 25 14 ff ff ff  mov esp, cs:[0xffffff14]
    31 db                 xor ebx, ebx
    43                    round: inc ebx                    ; every round has a value of its own
    66 ba fd 03           mov dx, 0x3fd                     ; COM1: has a byte come?
    ec                    in al, dx
    a8 01                 test al, 1
    74 02                 jz untold
    31 f6                 xor esi, esi                      ; the watched pages only from now on
    89 f1                 untold: mov ecx, esi
    e3 11                 jecxz hot
    2e 8b 3d 08 ff ff ff  mov edi, cs:[0xffffff08]
    89 1f                 also: mov [edi], ebx
    81 c7 00 10 00 00     add edi, 4096
    e2 f6                 loop also
    89 ef                 hot: mov edi, ebp
    89 e1                 mov ecx, esp
    89 1f                 page: mov [edi], ebx              ; the store that QEMU has to log
    81 c7 00 10 00 00     add edi, 4096
    49                    dec ecx
    75 f5                 jnz page
    83 fb 01              cmp ebx, 1
    75 cb                 jne round
"""),
    *TELL,
    *listing("""
    eb c2  jmp round
"""),
)

SCREEN = listing("""
    66 ba f8 0c     screen: mov dx, 0xcf8  ; the VGA is device 2: its frame buffer to 3.5 GiB
    b8 10 10 00 80  mov eax, 0x80001010
    ef              out dx, eax
    66 ba fc 0c     mov dx, 0xcfc
    b8 00 00 00 e0  mov eax, 0xe0000000
    ef              out dx, eax
    66 ba f8 0c     mov dx, 0xcf8          ; and its memory and ports on
    b8 04 10 00 80  mov eax, 0x80001004
    ef              out dx, eax
    66 ba fc 0c     mov dx, 0xcfc
    b8 03 00 00 00  mov eax, 3
    ef              out dx, eax
    66 ba c0 03     mov dx, 0x3c0          ; a picture, not a blank screen
    b0 20           mov al, 0x20
    ee              out dx, al
    be 40 ff ff ff  mov esi, 0xffffff40    ; words 16 to 20: registers of the mode
    b9 05 00 00 00  mov ecx, 5
    66 ba ce 01     mode: mov dx, 0x1ce    ; VBE: index, then value
    2e 66 8b 06     mov ax, cs:[esi]
    66 ef           out dx, ax
    42              inc edx
    2e 66 8b 46 02  mov ax, cs:[esi+2]
    66 ef           out dx, ax
    83 c6 04        add esi, 4
    e2 e9           loop mode
""")

RANDOM = (
    *FILL,
    *listing("""
    2e 8b 35 08 ff ff ff  filled: mov esi, cs:[0xffffff08]  ; word 2: the watched pages
    2e 8b 2d 10 ff ff ff  mov ebp, cs:[0xffffff10]          ; word 4: cycles from a write to the next
    bc 39 30 00 00        mov esp, 12345
    31 db                 xor ebx, ebx
    43                    round: inc ebx                    ; every write has a value of its own
    69 e4 0d 66 19 00     imul esp, esp, 1664525            ; a linear congruential generator
    81 c4 5f f3 6e 3c     add esp, 1013904223
    89 e7                 mov edi, esp
    c1 ef 08              shr edi, 8
    2e 23 3d 0c ff ff ff  and edi, cs:[0xffffff0c]          ; word 3: a page of the watched ones
    89 1c 3e              mov [esi+edi], ebx                ; the store that KVM has to log
    0f 31                 rdtsc
    89 c1                 mov ecx, eax
    0f 31                 pause: rdtsc
    29 c8                 sub eax, ecx
    39 e8                 cmp eax, ebp
    72 f8                 jb pause
    83 fb 01              cmp ebx, 1
    75 d3                 jne round
"""),
    *TELL,
    *listing("""
    eb ca  jmp round
"""),
)

TO_32_BIT = listing("""
    fa                       start: cli
    2e 66 0f 01 16 a0 ff     data32 lgdt cs:[0xffa0]   ; the table below
    0f 20 c0                 mov eax, cr0
    0c 01                    or al, 1                  ; protected mode
    0f 22 c0                 mov cr0, eax
    66 ea 00 00 ff ff 08 00  data32 jmp 8, 0xffff0000  ; to the first byte of the firmware
""")

SEGMENTS = listing("""
    17 00                    .word 23                  ; limit and address of three descriptors
    a8 ff ff ff              .long 0xffffffa8
    00 00                    .word 0
    00 00 00 00 00 00 00 00  .quad 0
    ff ff 00 00 00 9b cf 00  .quad 0x00cf9b000000ffff  ; 8: code, 4 GiB; accessed already, so never written
    ff ff 00 00 00 93 cf 00  .quad 0x00cf93000000ffff  ; 16: data, 4 GiB
""")

AT_RESET = listing("""
    eb 8e  jmp start  ; real mode, CS base 0xffff0000
""")


def mode(width: int, height: int) -> tuple[int, ...]:
    """The words of a mode of the display with 32 bits a pixel: off, size, on with a linear frame buffer.

    Source: QEMU docs/specs/standard-vga.rst; Linux drivers/gpu/drm/tiny/bochs.c.
    """
    registers = ((4, 0), (1, width), (2, height), (3, 32), (4, 0x41))
    return tuple(value << 16 | index for index, value in registers)


def parts(body: tuple[Line, ...]) -> tuple[Part, ...]:
    """The firmware around a body, in the order of its addresses."""
    return (
        Part(0, ".code32", body),
        Part(START, ".code16", TO_32_BIT),
        Part(GDT, ".code16", SEGMENTS),
        Part(RESET, ".code16", AT_RESET),
    )


def firmware(body: tuple[Line, ...], words: Sequence[int] = ()) -> bytes:
    """The 64 KiB that QEMU is handed with `-bios`.

    Args:
        body: the listing that runs in 32-bit mode.
        words: what it reads from WORDS on, 32 bits each; 32 of them at most.
    """
    image = bytearray(SIZE)
    for part in parts(body):
        made = code(part.listing)
        image[part.at : part.at + len(made)] = made
    struct.pack_into(f"<{len(words)}I", image, WORDS, *words)
    return bytes(image)


def source(body: tuple[Line, ...]) -> str:
    """The firmware as the GNU assembler reads it; the words are zero."""
    lines = [".intel_syntax noprefix"]
    for part in parts(body):
        lines += [f".org {part.at:#x}", part.mode, *(line.source for line in part.listing)]
    return "\n".join([*lines, f".org {SIZE:#x}", ""])
