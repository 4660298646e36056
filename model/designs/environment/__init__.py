"""Environments: what surrounds a design where it runs, as mixins that any design of clients can be put into."""

from __future__ import annotations

from model.designs.catalogue import load
from model.designs.environment.big_lock import BigLock
from model.designs.environment.display import Display
from model.designs.environment.main_loop_sync import MainLoopSync
from model.errors import UsageError, did_you_mean
from model.expr import Client, Guest, Property
from model.program.design import Design, record

ENVIRONMENTS: dict[str, tuple[Property, ...]] = {"none": (), "qemu": (Display, MainLoopSync, BigLock)}


def load_in(spec: str, environment: str) -> type[Design]:
    """The design that `spec` names, in that environment; raises as `load` and `inhabit`."""
    return inhabit(load(spec), environment)


def inhabit(design: type[Design], environment: str) -> type[Design]:
    """The design in that environment: the same operations with the guards and steps of each mixin; "none" is itself.

    Raises:
        UsageError: there is no such environment, or the design has no clients that it could speak of.
    """
    known_environment(environment)
    return within(design, environment, ENVIRONMENTS[environment])


def known_environment(environment: str) -> None:
    """Refuse a name that no environment has.

    Raises:
        UsageError: the message offers the nearest name.
    """
    if environment not in ENVIRONMENTS:
        raise UsageError(
            f"there is no environment '{environment}'{did_you_mean(environment, list(ENVIRONMENTS))} "
            f"It is one of {', '.join(ENVIRONMENTS)}."
        )


def within(design: type[Design], environment: str, mixins: tuple[Property, ...]) -> type[Design]:
    """The design with these mixins, which reports call `environment`.

    Raises:
        UsageError: the design lacks what a mixin is about, or has threads that none of them speaks of.
    """
    if not mixins:
        return design
    _can_stand_in(design, environment, mixins)
    own = {"__module__": design.__module__, "__doc__": design.__doc__, "__qualname__": design.__qualname__}
    return type(design.__name__, (design,), own | {"environment": environment, "mixins": mixins})


def _can_stand_in(design: type[Design], environment: str, mixins: tuple[Property, ...]) -> None:
    program = record(design)
    refused = f"{program.name} cannot be put into the environment {environment}:"
    if program.environment:
        raise UsageError(f"{refused} it is in the environment {program.environment} already.")
    known = {*program.parts, *program.operations}
    missing = [n for n in dict.fromkeys(n for m in mixins for n in m.needs) if n not in known]
    if missing:
        raise UsageError(
            f"{refused} that is about clients that sync, collect and clear, and {program.title} has no "
            f"{', '.join(missing)}."
        )
    others = sorted({s.by for s in program.steps} - {Client.name, Guest.name})
    if others:
        raise UsageError(
            f"{refused} that says which lock clients take, and {program.title} has threads of {', '.join(others)} "
            f"besides, of which it says nothing."
        )
    by = {s.operation: s.by for s in program.steps}
    if wrong := [n for n in ("sync", "collect", "clear") if by.get(n) != Client.name]:
        raise UsageError(f"{refused} {', '.join(wrong)} of {program.title} is not a client's operation.")
