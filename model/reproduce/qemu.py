"""The QEMU that the user named: whether it is one, and which version it says it is."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from model.errors import MissingTool, UsageError

VERSION = re.compile(r"QEMU emulator version (\d+)\.(\d+)(?:\.(\d+))?")
SECONDS = 20.0


class BadQemu(UsageError):
    """What the user named is no QEMU system emulator, or not one that can run the scenario."""


@dataclass(frozen=True)
class Qemu:
    """A QEMU system emulator.

    Attributes:
        version: major, minor, micro, as it says itself.
        said: the first line of `--version`.
    """

    path: Path
    version: tuple[int, int, int]
    said: str

    @property
    def name(self) -> str:
        return "QEMU " + ".".join(map(str, self.version))


def find(named: str) -> Qemu:
    """The QEMU of a path, or of a name on PATH.

    Raises:
        BadQemu: it cannot be run, or is something else.
        MissingTool: there is nothing of that name on PATH.
    """
    path = Path(named).resolve() if "/" in named else _on_path(named)
    try:
        done = subprocess.run([path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise BadQemu(f"{path} --version does not end within {SECONDS:.0f} s: it is no QEMU.") from None
    except OSError as error:
        raise BadQemu(f"cannot run {path}: {error.strerror}. Name a qemu-system-x86_64.") from None
    line = (done.stdout + done.stderr).decode(errors="replace").strip().partition("\n")[0]
    found = VERSION.search(line)
    if not found:
        said = f"--version says {line[:80]!r}" if line else "--version says nothing"
        raise BadQemu(f"{path} is no QEMU system emulator ({said}). Name a qemu-system-x86_64.")
    major, minor, micro = (int(part or 0) for part in found.groups())
    return Qemu(path, (major, minor, micro), line)


def _on_path(name: str) -> Path:
    found = shutil.which(name)
    if not found:
        raise MissingTool(f"there is no '{name}' on PATH: apt-get install qemu-system-x86, or name one with --qemu.")
    return Path(found).resolve()
