"""What real kernels and VMMs did: recorded replays and recordings, `reports/replays.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from model.verify.result import Result

FILE = Path(__file__).parents[1] / "replays.toml"


@dataclass(frozen=True)
class Replay:
    """One design on one kernel.

    Attributes:
        digest: the beginning of the design's digest when it was performed.
        performed: what was performed, in words.
        model, seen: what the model says, and what the kernel did.
    """

    design: str
    property: str
    digest: str
    kernel: str
    performed: str
    model: str
    seen: str

    def sentence(self) -> str:
        """`model: lost; Linux 6.18.44: lost`."""
        return f"model: {self.model}; {self.kernel}: {self.seen}"

    def command(self) -> str:
        """What performs it on the reader's kernel."""
        return f"clearorder replay {self.design} --property {self.property}"


@dataclass(frozen=True)
class Recording:
    """A VMM whose ioctls were recorded: blind CLEARs that the monitor found, pages that differed at the destination."""

    vmm: str
    how: str
    blind: str
    differing: str


@cache
def recordings() -> tuple[Recording, ...]:
    """Every recording of a real VMM."""
    return tuple(Recording(**each) for each in _document()["recording"])


@cache
def recorded() -> tuple[Replay, ...]:
    """Every recorded replay."""
    return tuple(Replay(**each) for each in _document()["replay"])


def _document() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def replays_of(result: Result) -> list[Replay]:
    """Those of this very design and property; none where the design has changed since."""
    digest, asked = result.program.digest, (result.design, result.property)
    return [r for r in recorded() if (r.design, r.property) == asked and digest.startswith(r.digest)]
