"""The pages of one slot, each in the set of states that explain it, moved on ioctl by ioctl.

Pages are kept in blocks; a block is a partition, set -> bitmap of the pages in it. There are few sets, so that an ioctl
costs a few operations on integers for each block that it is about, however many pages those are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from model.conformance.automaton import DEAD, Explanations
from model.conformance.letters import Letter
from model.monitor.bitmap import CHUNK, Bits

BLOCK = 4096  # pages; a chunk of a recording's bitmap is a whole number of blocks
MOST_TOGETHER, MOST_ORDERS = 64, 4_096  # ioctls that overlap, and sets of them that may have come first

Split = tuple[tuple[int, int], ...]  # (letter, pages of a block of which an ioctl says it)
Block = dict[int, int]
ELSEWHERE, EVERY_PAGE = int(Letter.ELSEWHERE), (1 << BLOCK) - 1


@dataclass(slots=True)
class Event:
    """A GET, CLEAR or marker of a read that worked: where it stands in the recording, and what it says of each page.

    Attributes:
        bits: pages of the slot that a GET reports, or that a CLEAR or a read names.
        first, end: the pages it is about: all of the slot, or the range of a CLEAR or a read.
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
            return Letter.NOTHING if self.kind == "read" else Letter.ELSEWHERE
        return self.yes if self.bits.has(page) else self.no

    def split(self, start: int) -> Split:
        """What it says of the pages of the block that starts there; of pages that are not listed, ELSEWHERE."""
        low, high = max(self.first - start, 0), min(self.end - start, BLOCK)
        around = (1 << high) - (1 << low) if low < high else 0
        named = self.bits.chunks.get(start // CHUNK, self.bits.rest) >> start % CHUNK & around
        rest = EVERY_PAGE if self.kind == "read" else around
        return (int(self.yes), named), (int(self.no), rest ^ named)


class TooMany(Exception):
    """More ioctls overlap than are put in every order."""


class Pages:
    """The sets of a slot's pages.

    A CLEAR says ELSEWHERE of all pages outside of its range. Blocks that it is not about are told when they are looked
    at again, and at most as often as it changes anything.

    Args:
        start: the set that every page is in.
    """

    def __init__(self, explanations: Explanations, pages: int, start: int) -> None:
        self.explanations, self.pages, self.clears = explanations, 0, 0
        self.blocks: list[Block] = []
        self.seen: list[int] = []
        self.grow(pages, start)

    def grow(self, pages: int, start: int) -> None:
        """There are so many pages at least; those that come in are in the set `start`."""
        while self.pages < pages:
            inside = self.pages % BLOCK
            more = min(pages - self.pages, BLOCK - inside)
            if not inside:
                self.blocks.append({})
                self.seen.append(self.clears)
            block = self._caught_up(len(self.blocks) - 1)
            block[start] = block.get(start, 0) | (1 << inside + more) - (1 << inside)
            self.pages += more

    def take(self, event: Event) -> int | None:
        """Move on by an ioctl that overlaps no other; the first page that nothing explains then, or None."""
        numbers = self._around([event])
        for number in numbers:
            block = self._caught_up(number)
            after = self._after(block, event.split(number * BLOCK))
            if DEAD in after:
                return number * BLOCK + lowest(after[DEAD])
            self.blocks[number] = after
        self._passed([event], numbers)
        return None

    def take_all(self, events: Sequence[Event]) -> tuple[int, int] | None:
        """Move on by ioctls that overlap, in every order that they can have had.

        Returns:
            None; or the number of the first of them with which nothing explains some page, and that page.

        Raises:
            TooMany: there are too many orders.
        """
        numbers = self._around(events)
        after, page = self._together(events, numbers)
        if page is None:
            for number, block in zip(numbers, after, strict=True):
                self.blocks[number] = block
            self._passed(events, numbers)
            return None
        found = len(events) - 1, page
        for count in range(len(events) - 1, 0, -1):  # the first so many that began are the beginning of an order
            _, page = self._together(events[:count], numbers)
            if page is None:
                break
            found = count - 1, page
        return found

    def _together(self, events: Sequence[Event], numbers: Iterable[int]) -> tuple[list[Block], int | None]:
        """The blocks after all of them; or the first page that nothing explains then."""
        orders, found = Orders(self.explanations, events), []
        for number in numbers:
            after = orders.after(self._caught_up(number), [e.split(number * BLOCK) for e in events])
            if DEAD in after:
                return [], number * BLOCK + lowest(after[DEAD])
            found.append(after)
        return found, None

    def set_of(self, page: int) -> int:
        """The set that a page is in before the next ioctl."""
        number, at = divmod(page, BLOCK)
        return next(s for s, pages in self._caught_up(number).items() if pages >> at & 1)

    def _around(self, events: Sequence[Event]) -> range:
        """The blocks that one of them is about, and those between."""
        low, high = min(e.first for e in events), min(max(e.end for e in events), self.pages)
        return range(low // BLOCK, -(-high // BLOCK))

    def _passed(self, events: Sequence[Event], numbers: range) -> None:
        """These blocks have been told of these ioctls; of a CLEAR among them the others have to be."""
        clears = sum(e.kind == "clear" for e in events)
        if clears:
            self.clears += clears
            self.seen[numbers.start : numbers.stop] = [self.clears] * len(numbers)

    def _caught_up(self, number: int) -> Block:
        """A block, told of the CLEARs that were not about it."""
        for _ in range(self.clears - self.seen[number]):
            after = self._after(self.blocks[number], ())
            if after == self.blocks[number]:
                break
            self.blocks[number] = after
        self.seen[number] = self.clears
        return self.blocks[number]

    def _after(self, block: Block, split: Split) -> Block:
        """A block after an ioctl that overlaps no other; the inner loop of everything."""
        table, step, found = self.explanations.table, self.explanations.step, Block()
        get = found.get
        for number, pages in block.items():
            row = table[number]
            for letter, said in split:
                if here := pages & said:
                    led = row[letter]
                    led = step(number, letter) if led is None else led
                    found[led] = get(led, 0) | here
                    pages ^= here
            if pages:
                led = row[ELSEWHERE]
                led = step(number, ELSEWHERE) if led is None else led
                found[led] = get(led, 0) | pages
        return found


def lowest(bitmap: int) -> int:
    """The number of the lowest one."""
    return (bitmap & -bitmap).bit_length() - 1


class Orders:
    """Ioctls that overlap, in every order in which each that ended before another began comes first.

    Raises:
        TooMany: there are more than are tried.
    """

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

    def after(self, block: Block, splits: Sequence[Split]) -> Block:
        """A block after all of them."""
        columns: dict[tuple[int, ...], int] = {(number,): pages for number, pages in block.items()}
        for split in splits:
            columns = dict(self._finer(columns, split))
        found = Block()
        for column, pages in columns.items():
            led = self.step(column)
            found[led] = found.get(led, 0) | pages
        return found

    def _finer(self, columns: dict[tuple[int, ...], int], split: Split) -> Iterator[tuple[tuple[int, ...], int]]:
        """Each column of a set and letters with one letter more, and the pages that are left of it."""
        for column, pages in columns.items():
            for letter, said in split:
                if here := pages & said:
                    yield (*column, letter), here
                    pages ^= here
            if pages:
                yield (*column, ELSEWHERE), pages

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
