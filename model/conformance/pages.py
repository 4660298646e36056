"""The pages of one slot, each with the number of the set of states that explain it, moved on ioctl by ioctl."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.conformance.automaton import DEAD, WIDTH, Explanations, Ids
from model.conformance.letters import Letter
from model.monitor.bitmap import CHUNK, WORD, Bits

Letters = npt.NDArray[np.uint8]
MOST_TOGETHER, MOST_ORDERS = 15, 4_096  # ioctls that overlap, and sets of them that may have come first


@dataclass(frozen=True)
class Event:
    """A GET or CLEAR that worked: where it stands in the recording, and what it says of each page.

    Attributes:
        bits: pages of the slot that a GET reports, or that a CLEAR names.
        first, end: the pages it is about: all of the slot, or a CLEAR's range.
        yes: what it says of a page in `bits`; of another it says `no`.
    """

    line: int
    begin: int
    finish: int
    thread: int
    time: int | None
    kind: str
    bits: Bits
    first: int
    end: int
    yes: Letter
    no: Letter

    def before(self, other: Event) -> bool:
        return self.finish < other.begin

    def letter(self, page: int) -> Letter:
        """What it says of a page."""
        if not self.first <= page < self.end:
            return Letter.ELSEWHERE
        return self.yes if self.bits.has(page) else self.no

    def letters(self, start: int, stop: int) -> Letters:
        """What it says of pages `start` to `stop`, within one chunk."""
        found = np.full(stop - start, Letter.ELSEWHERE, np.uint8)
        low, high = max(start, self.first), min(stop, self.end)
        if low < high:
            found[low - start : high - start] = np.where(_bits(self.bits, low, high), self.yes, self.no)
        return found


def _bits(bits: Bits, start: int, stop: int) -> npt.NDArray[np.bool_]:
    """Whether each of the pages `start` to `stop`, within one chunk, is in a bitmap."""
    number, low = divmod(start, CHUNK)
    value = bits.chunks.get(number, bits.rest) >> low & ((1 << stop - start) - 1)
    data = np.frombuffer(value.to_bytes(-(-(stop - start) // 8), "little"), np.uint8)
    return np.unpackbits(data, count=stop - start, bitorder="little").view(np.bool_)


class TooMany(Exception):
    """More ioctls overlap than are put in every order."""


class Pages:
    """The sets of a slot's pages.

    A CLEAR says ELSEWHERE of all pages outside of its range; that is caught up with, word by word, when a page is
    looked at again, and at most as often as it changes anything.

    Args:
        start: the set that every page is in.
    """

    def __init__(self, explanations: Explanations, pages: int, start: int) -> None:
        self.explanations, self.pages = explanations, pages
        self.ids: Ids = np.full(pages, start, np.uint16) if start else np.zeros(pages, np.uint16)
        self.clears = 0
        self.seen = np.zeros(-(-pages // WORD), np.uint32)

    def take(self, event: Event) -> int | None:
        """Move on by an ioctl that overlaps no other; the first page that nothing explains then, or None."""
        low, high = self._around([event])
        for start, stop in blocks(low, high):
            self._catch_up(start, stop)
            after = self.explanations.steps(self.ids[start:stop], event.letters(start, stop))
            if (after == DEAD).any():
                return start + int(np.argmax(after == DEAD))
            self.ids[start:stop] = after
        self._passed([event], low, high)
        return None

    def take_all(self, events: Sequence[Event]) -> tuple[int, int] | None:
        """Move on by ioctls that overlap, in every order that they can have had.

        Returns:
            None; or the number of the first of them with which nothing explains some page, and that page.

        Raises:
            TooMany: there are too many orders.
        """
        low, high = self._around(events)
        for start, stop in blocks(low, high):
            self._catch_up(start, stop)
        before = self.ids[low:high].copy()
        last = self._take_together(events, low, high)
        if last is None:
            self._passed(events, low, high)
            return None
        found = len(events) - 1, last
        for count in range(len(events) - 1, 0, -1):  # the first so many that began are the beginning of an order
            self.ids[low:high] = before
            page = self._take_together(events[:count], low, high)
            if page is None:
                break
            found = count - 1, page
        self.ids[low:high] = before
        return found

    def _take_together(self, events: Sequence[Event], low: int, high: int) -> int | None:
        orders = Orders(self.explanations, events)
        for start, stop in blocks(low, high):
            rows = [event.letters(start, stop) for event in events]
            after = orders.steps(self.ids[start:stop], rows)
            self.ids[start:stop] = after
            if (after == DEAD).any():
                return start + int(np.argmax(after == DEAD))
        return None

    def set_of(self, page: int) -> int:
        """The set that a page is in before the next ioctl."""
        start = page - page % WORD
        self._catch_up(start, min(start + WORD, self.pages))
        return int(self.ids[page])

    def _around(self, events: Sequence[Event]) -> tuple[int, int]:
        """The pages of all words that one of them is about."""
        low, high = min(e.first for e in events), max(e.end for e in events)
        return low - low % WORD, min(-(-high // WORD) * WORD, self.pages)

    def _passed(self, events: Sequence[Event], low: int, high: int) -> None:
        """These pages have been told of these ioctls; of a CLEAR among them the others have to be."""
        self.clears += sum(e.kind == "clear" for e in events)
        self.seen[low // WORD : -(-high // WORD)] = self.clears

    def _catch_up(self, start: int, stop: int) -> None:
        """Tell pages of the CLEARs that were not about their words."""
        words = self.seen[start // WORD : -(-stop // WORD)]
        missed = self.clears - words
        if not missed.any():
            return
        ids = self.ids[start:stop]
        left = missed if len(missed) == 1 else np.repeat(missed, WORD)[: stop - start]
        elsewhere = np.full(1, Letter.ELSEWHERE, np.uint8)
        for count in range(int(missed.max())):
            after = np.where(left > count, self.explanations.steps(ids, elsewhere), ids)
            if (after == ids).all():
                break
            ids[:] = after
        words[:] = self.clears


def blocks(low: int, high: int) -> Iterator[tuple[int, int]]:
    """The pages from `low` to `high`, cut where a bitmap's chunks end."""
    while low < high:
        stop = min(high, (low // CHUNK + 1) * CHUNK)
        yield low, stop
        low = stop


class Orders:
    """Ioctls that overlap, in every order in which each that ended before another began comes first."""

    def __init__(self, explanations: Explanations, events: Sequence[Event]) -> None:
        self.explanations = explanations
        self.first = [sum(1 << i for i, e in enumerate(events) if e.before(event)) for event in events]
        self.all = (1 << len(events)) - 1
        self.known: dict[tuple[int, ...], int] = {}
        if len(events) > MOST_TOGETHER:
            raise TooMany
        self.begun = self._begun()

    def _begun(self) -> list[int]:
        """Every set of them that can have come before the others, smaller ones first."""
        found, level = [0], {0}
        while level:
            level = {done | 1 << i for done in level for i in self._next(done)}
            found += sorted(level)
            if len(found) > MOST_ORDERS:
                raise TooMany
        return found

    def _next(self, done: int) -> Iterator[int]:
        return (i for i, first in enumerate(self.first) if not done >> i & 1 and not first & ~done)

    def steps(self, ids: Ids, rows: Sequence[Letters]) -> Ids:
        """The sets after all of them, for a column of pages with a row of letters for each ioctl."""
        key = ids.astype(np.int64)
        for row in rows:
            key = key * WIDTH + row
        keys, which = np.unique(key, return_inverse=True)
        after = [self.step(tuple(self._column(int(k), len(rows)))) for k in keys]
        return np.array(after, np.uint16)[which]

    def _column(self, key: int, rows: int) -> Iterator[int]:
        yield key // WIDTH**rows
        yield from (key // WIDTH ** (rows - 1 - i) % WIDTH for i in range(rows))

    def step(self, column: tuple[int, ...]) -> int:
        """The set after all of them, from a set and the letter of each."""
        if column not in self.known:
            self.known[column] = self._step(column[0], column[1:])
        return self.known[column]

    def _step(self, start: int, letters: Sequence[int]) -> int:
        led: dict[int, list[int]] = {0: [start]}
        for done in self.begun:
            here = self.explanations.union(led[done])
            if done == self.all:
                return here
            for i in self._next(done):
                led.setdefault(done | 1 << i, []).append(self.explanations.step(here, letters[i]))
        raise AssertionError("the last of them is all of them")
