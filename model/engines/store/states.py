"""A set of packed states as the search sees it, whatever it is kept in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from model.engines.store.packing import Columns, Words


class Frontier(Protocol):
    """A level as the (words, n) array that it is, or stands for; a slice of its columns is an array."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, key: tuple[slice, slice], /) -> Words: ...


class States(Protocol):
    """A growing set of states; those added since the last level are the next one."""

    @property
    def most(self) -> int:
        """At most so many states were added since the last level."""
        ...

    def fresh(self) -> int:
        """How many states were added since the last level."""
        ...

    def counted(self) -> int:
        """How many states were added since the last level, as far as memory knows."""
        ...

    def make_room(self, nothing_done: bool = False) -> None:
        """Make room where the set is full.

        Args:
            nothing_done: with as much room as there can be, not a single state was added.

        Raises:
            Full, NoRoom: there is none to be had.
        """
        ...

    def close(self) -> None:
        """Give back what is not memory."""
        ...


class Blocks(States, Protocol):
    """A set that NumPy can work on, and that a checkpoint can hold.

    Attributes:
        words: words of a state.
        sparing: within a limit of memory, so that working by NumPy takes too much.
    """

    words: int
    sparing: bool

    @property
    def memory(self) -> Any:
        """The `bitset.Visited` that what is added goes into."""
        ...

    def unseen(self, columns: Columns) -> Any:
        """Positions of the states that are not known to be in the set; may run beside `add`."""
        ...

    def add(self, columns: Columns) -> None:
        """Add states; that some of them are equal or in the set already does no harm."""
        ...

    def next_level(self) -> Frontier:
        """The states added since the last level, sorted; they are old from now on."""
        ...

    def hold(self, frontier: Frontier) -> None:
        """Leave room for this level."""
        ...

    def rows(self, *, old: bool) -> Iterator[Words]:
        """The blocks as of the last level, sorted, some at a time: each a row of its name and its bits."""
        ...

    def load(self, rows: Words) -> None:
        """Add blocks that are not there, as old ones."""
        ...

    def store(self, frontier: Iterator[Words], count: int) -> Frontier:
        """A level that is handed in by parts."""
        ...
