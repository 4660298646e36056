"""What was asked on the command line of `check`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """One field an option; the command's help says what each means.

    Attributes:
        extra: (sort, elements) of each `--size`.
        form: the name of a format.
        refines: two designs, or None.
    """

    pages: int
    clients: int
    slots: int | None
    vcpus: int | None
    extra: tuple[tuple[str, int], ...]
    properties: tuple[str, ...]
    engine: str
    max_states: int | None
    timeout: float | None
    depth: int | None
    memory: int | None
    symmetry: bool
    reductions: tuple[str, ...]
    kernel: str
    checkpoint: Path | None
    form: str
    output: Path | None
    refines: tuple[str, str] | None
    report: Path | None
    certificate: Path | None
    proofs: bool
    explain: bool
    show: bool
    listing: bool
    quiet: bool
    verbose: bool
    color: str
