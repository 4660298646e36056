"""What a state of an instance is: one number per field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

State = tuple[int, ...]
Position = Mapping[tuple[str, int | None], int]  # where the field of a variable, and of an element, stands in a state


@dataclass(frozen=True)
class Field:
    """One field of a state: a bitmap of `pages` bits, a truth value, or the location of a thread.

    Attributes:
        number: the element that it belongs to, or None where it is shared.
        width: bits that it takes.
        initial: its value before the first move, or the sort-wide default.
    """

    name: str
    number: int | None
    sort: str
    width: int
    initial: int
    per: str | None
    role: str

    @property
    def key(self) -> tuple[str, int | None]:
        return self.name, self.number
