"""Designs alone and among the clients of a real QEMU: the same question in each environment, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from model.designs.catalogue import DEFAULT_PROPERTIES, built_in_properties, load
from model.designs.environment import ENVIRONMENTS, inhabit
from model.expr import Client
from model.instance.problem import Problem
from model.program.design import record
from model.studies.comparison import SEARCH
from model.verify.judge import violation

COMPARED = (
    "top-layer",
    "asker-only",
    "wrong-start-for-one",
    "colo-checkpoint-uncleared",
    "no-lock",
    "cache-not-forgotten",
    "top-layer-and-cache",
    "per-slot-cache",
)
PAGES, CLIENTS = 1, 2


@dataclass(frozen=True)
class Surrounded:
    """A design in one environment: moves to a lost write and to a broken promise, None where every state was seen."""

    design: str
    environment: str
    loss: int | None
    broken: int | None


def surrounded(designs: Sequence[str] = COMPARED) -> tuple[Surrounded, ...]:
    """Each design in every environment, with one page and two clients.

    Raises:
        Unsettled: a search ended at a limit.
    """
    return tuple(_in(design, environment) for design in designs for environment in ENVIRONMENTS)


def _in(design: str, environment: str) -> Surrounded:
    program, known = record(inhabit(load(design), environment)), built_in_properties()
    asked = (Problem.of(program, known[name]).at(PAGES, {Client.name: CLIENTS}) for name in DEFAULT_PROPERTIES)
    loss, broken = (len(found) if (found := violation(each, SEARCH)) else None for each in asked)
    return Surrounded(design, environment, loss, broken)
