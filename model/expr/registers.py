"""How a register of a thread is named among the variables of a program: `me.known`."""

from __future__ import annotations

PREFIX = "me."


def register(name: str) -> str:
    """The variable of the register `me.name`."""
    return PREFIX + bare(name)


def is_register(variable: str) -> bool:
    """The variable is a register of a thread."""
    return variable.startswith(PREFIX)


def bare(variable: str) -> str:
    """`known` for `me.known`; a part's name as it is."""
    return variable.removeprefix(PREFIX)
