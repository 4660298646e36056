"""What the tests with a real QEMU share: a boot sector that dirties memory, a QMP client, a RAM comparison."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import pytest

from model.kvm.driver import missing

QEMU = shutil.which("qemu-system-x86_64")
REASON = missing() or ("" if QEMU else "qemu-system-x86_64 is missing: apt-get install qemu-system-x86")
needs_qemu = pytest.mark.skipif(bool(REASON), reason=REASON or "QEMU works")
MEMORY = 32 << 20
PAGE = 4096

# Fills 4,096 pages from 4 MiB, prints B on COM1, then writes a counter to one pseudo-random of these pages at a time,
# with a delay, and prints a dot every 256 writes. Real mode with a flat ds, so that it reaches above 1 MiB.
BOOT_SOURCE = """
.intel_syntax noprefix
.code16
start:  cli
        xor ax, ax
        mov ds, ax
        lgdt [0x7c00 + gdtr - start]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp wide
wide:   mov bx, 8
        mov ds, bx
        and al, 0xfe
        mov cr0, eax
        mov ebx, 1
        mov edi, 0x400000
        mov ecx, 4096
fill:   mov [edi], ebx
        inc ebx
        add edi, 4096
        dec ecx
        jnz fill
        mov dx, 0x3f8
        mov al, 'B'
        out dx, al
        mov ebp, 12345
again:  imul ebp, ebp, 1664525
        add ebp, 1013904223
        mov edi, ebp
        shr edi, 20
        shl edi, 12
        add edi, 0x400000
        inc ebx
        mov [edi], ebx
        mov ecx, 400
delay:  dec ecx
        jnz delay
        test bl, bl
        jnz again
        mov al, '.'
        out dx, al
        jmp again
gdtr:   .word 15
        .long 0x7c00 + gdt - start
gdt:    .quad 0
        .quad 0x00cf92000000ffff
"""
BOOT_CODE = bytes.fromhex(
    "fa31c08ed80f0116867c0f20c00c010f22c0eb00bb08008edb24fe0f22c066bb0100000066bf0000400066b900100000"
    "6766891f66436681c700100000664975efbaf803b042ee66bd393000006669ed0d6619006681c55ff36e3c6689ef66c1"
    "ef1466c1e70c6681c70000400066436766891f66b990010000664975fc84db75ccb02eeeebc70f008c7c000000000000"
    "00000000ffff00000092cf00"
)


def boot_sector() -> bytes:
    return BOOT_CODE.ljust(510, b"\0") + b"\x55\xaa"


class Qemu:
    """A QEMU under KVM that boots the sector; ended by force when the block ends.

    Args:
        wrap: a command that is put in front, such as the recorder.
        incoming: where to wait for a migration instead of booting.
    """

    def __init__(self, at: Path, name: str, wrap: Sequence[str] = (), incoming: str = "") -> None:
        self.at, self.name, self.serial = at, name, at / f"serial.{name}"
        image = at / "boot.img"
        image.write_bytes(boot_sector())
        self.argv = [
            *wrap,
            *(QEMU or "", "-accel", "kvm", "-cpu", "qemu64,kvm=off", "-m", str(MEMORY >> 20), "-nodefaults"),
            *("-display", "none", "-serial", f"file:{self.serial}", "-qmp", f"unix:{at}/qmp.{name},server=on,wait=off"),
            *("-drive", f"file={image},format=raw,if=ide,snapshot=on"),
            *("-global", "migration.x-clear-bitmap-shift=6"),
            *(("-S", "-incoming", incoming) if incoming else ()),
        ]

    def __enter__(self) -> Qemu:
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL)
        try:
            self._connect(time.monotonic() + 30)
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        return self

    def _connect(self, deadline: float) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(f"{self.at}/qmp.{self.name}")
                break
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.socket.close()
                    raise
                time.sleep(0.02)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self("qmp_capabilities")

    def __call__(self, command: str, **arguments: object) -> dict:
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        try:
            self.file.close()
            self.socket.close()
        finally:
            if self.process.poll() is None:
                self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def running(self) -> None:
        """Wait until the guest has filled its memory."""
        deadline = time.monotonic() + 30
        while not (self.serial.exists() and self.serial.read_bytes()):
            assert time.monotonic() < deadline, "the guest did not reach its loop"
            time.sleep(0.02)

    def migrate(self, uri: str, seconds: float) -> dict:
        """Migrate slowly for that long, then let it converge; returns the last query-migrate."""
        self("migrate-set-parameters", **{"max-bandwidth": 16 << 20, "downtime-limit": 1})
        self("migrate", uri=uri)
        begin = time.monotonic()
        while (state := self("query-migrate"))["status"] not in ("completed", "failed", "cancelled"):
            if time.monotonic() - begin > seconds:
                self("migrate-set-parameters", **{"max-bandwidth": 1 << 30, "downtime-limit": 2000})
            assert time.monotonic() - begin < 60, f"the migration does not end: {state}"
            time.sleep(0.05)
        return state

    def memory(self) -> bytes:
        file = self.at / f"memory.{self.name}"
        self("pmemsave", val=0, size=MEMORY, filename=str(file))
        return file.read_bytes()


def different_pages(one: bytes, two: bytes) -> list[int]:
    return [i // PAGE for i in range(0, MEMORY, PAGE) if one[i : i + PAGE] != two[i : i + PAGE]]
