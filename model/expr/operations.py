"""What threads do: the mark in front of an operation, and the words that speak of the step being recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from model.errors import DesignError, here
from model.expr.nodes import lift
from model.expr.sorts import Client, Guest, Sort


@dataclass(frozen=True)
class Operation:
    """What `@operation` leaves on a class: the function, and whose threads run it."""

    function: Callable[..., Any]
    by: Sort

    def __get__(self, instance: object, owner: type) -> Operation:
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


def operation(function: Callable[..., Any] | None = None, *, by: Sort | None = None) -> Any:
    """Mark a method as an operation: every thread of `by` may run it at any moment while it is idle.

    Without `by`, an operation called `write` is the guest's and every other one is a client's.
    """
    if by is not None and not isinstance(by, Sort):
        raise DesignError(f"by={by!r} is no index sort; write by=Client, by=Guest or by=Vcpu, without quotes.", here())
    if function is None:
        return lambda f: operation(f, by=by)
    function = function.__func__ if isinstance(function, staticmethod) else function
    if not isinstance(function, FunctionType):
        raise DesignError("@operation stands in front of a method: @operation, then def sync(s, me): ...", here())
    owner = by or (Guest if function.__name__ == "write" else Client)
    return Operation(function, owner)


recorders: list[Any] = []


def fence() -> None:
    """The step that is being recorded waits until the thread's store buffer is empty (`memory="tso"`)."""
    if not recorders:
        raise DesignError("fence() only has a meaning inside an @operation.", here())
    recorders[-1].fence()


def wait_for(condition: object) -> None:
    """The step that is being recorded can only be taken while `condition` holds."""
    if not recorders:
        raise DesignError("wait_for(...) is a guard of a step and only has a meaning inside an @operation.", here())
    recorders[-1].guard(lift(condition))
