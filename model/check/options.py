"""What was asked on the command line of `check`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from model.cli.options import Sizes


@dataclass(frozen=True)
class Options(Sizes):
    """One field an option; the command's help says what each means.

    Attributes:
        form: the name of a format.
        refines: two designs, or None.
    """

    slots: int | None
    vcpus: int | None
    properties: tuple[str, ...]
    invariants: tuple[str, ...]
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
    watch: bool
    quiet: bool
    verbose: bool
    color: str
