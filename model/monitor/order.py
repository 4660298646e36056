"""The ioctls of a recording in the order in which they began, and what is missing in their numbering."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush

from model.monitor.recording import Damage, End, Gap, Ioctl, Item

WINDOW, WINDOW_BYTES = 4096, 32 << 20  # how far a line may be from its place in the order of begins
NEAR = 64  # positions between a damaged line and the hole that it leaves, at most


def in_order(items: Iterable[Item]) -> Iterator[Item]:
    """The same items in the order in which the ioctls began; a Damage stands where the line before it ended.

    Positions are dense, so an item leaves as soon as everything that began before it has returned; where positions
    are missing it leaves when WINDOW newer ones wait. One that comes later than that is a Damage. Missing positions
    are a Gap, unless a damaged line near them had them or the trailer says that their ioctls never returned.
    """
    waiting = _Waiting()
    for item in items:
        if isinstance(item, End):
            waiting.trailer = item
            continue
        waiting.add(item)
        yield from waiting.ready()
    yield from waiting.rest()
    if waiting.trailer:
        yield waiting.trailer


class _Waiting:
    """Items that wait for what began before them.

    Attributes:
        complete: everything that began before this position is here, or known to be missing.
        ahead: positions that are here and not yet part of that.
        damage: the newest position when a damaged line was read; what began before it may have lost a neighbour.
        explaining: such positions whose holes in the numbering were not met yet.
        odd: a single position that is missing: an ioctl that never returned, or half of a line that is lost.
    """

    def __init__(self) -> None:
        self.queue: list[tuple[int, int, Ioctl | Damage]] = []
        self.ahead: set[int] = set()
        self.held: set[tuple[int, int]] = set()
        self.complete, self.newest, self.damage, self.size = 0, 0, -1, 0
        self.last = (-1, -1)
        self.explaining: list[int] = []
        self.trailer: End | None = None
        self.odd: int | None = None
        self.gap = False

    def add(self, item: Ioctl | Damage) -> None:
        if isinstance(item, Ioctl) and self.seen(item.begin, item.end):
            item = Damage(item.line, f"position {item.begin} was taken, or its line is far from its place")
        if isinstance(item, Damage):
            self.damage = self.newest
            self.explaining.append(self.newest)
            heappush(self.queue, (self.newest, item.line, item))
            return
        item.doubtful = item.begin < self.damage
        self.newest = max(self.newest, item.end)
        self.held.add((item.begin, item.end))
        self.size += len(item.bm)
        heappush(self.queue, (item.begin, item.line, item))
        self.ahead |= {p for p in (item.begin, item.end) if p >= self.complete}
        self.advance()

    def advance(self) -> None:
        while self.complete in self.ahead:
            self.ahead.discard(self.complete)
            self.complete += 1

    def seen(self, begin: int, end: int) -> bool:
        """An ioctl of these positions has left already, or waits."""
        return (begin, end) <= self.last or (begin, end) in self.held

    def ready(self) -> Iterator[Ioctl | Damage]:
        """Those that wait for nothing any more, or for too long."""
        while self.queue and (self.queue[0][0] < self.complete or self.full):
            yield from self.skipped(self.queue[0][0])
            yield self.leave()

    @property
    def full(self) -> bool:
        return len(self.queue) > WINDOW or self.size > WINDOW_BYTES

    def skipped(self, position: int) -> Iterator[Damage]:
        """Go on at this position; those before it that are not here are missing."""
        while self.complete < position:
            first = self.complete
            here = (p for p in self.ahead if first < p < position)
            self.complete = position if self.gap else min(here, default=position)
            yield from self.missing(first, self.complete - 1)
            self.ahead = {p for p in self.ahead if p >= self.complete} if self.gap else self.ahead
            self.advance()

    def missing(self, first: int, last: int) -> Iterator[Damage]:
        """A hole in the numbering, positions `first` to `last`: a Gap if that is how a lost line looks."""
        if self.gap:
            return
        count = last - first + 1
        if self.trailer:
            count -= sum(first <= at <= last for at in self.trailer.unreturned)
        while count > 0 and (near := next((n for n in self.explaining if abs(last - n) <= NEAR), None)) is not None:
            self.explaining.remove(near)
            count -= 2
        if count <= 0 or (first, last) == (0, 0):  # a recorder may count from 1
            return
        if count == 1 and self.odd is None:
            self.odd = first
            return
        first = first if self.odd is None else min(self.odd, first)
        self.gap = count % 2 == 1 or first > 0  # what is missing at the start ended before the first line
        where = f"{first} to {last}" if count > 1 else f"{first} and {last}"
        line = self.queue[0][1] if self.queue else 0
        yield Gap(
            line, f"lines are missing before it, positions {where} of the order; what follows is not certain", first
        )

    def leave(self) -> Ioctl | Damage:
        begin, _, item = heappop(self.queue)
        if isinstance(item, Ioctl):
            self.last = begin, item.end
            self.held.discard(self.last)
            self.size -= len(item.bm)
            item.doubtful |= self.gap or self.odd is not None
        return item

    def rest(self) -> Iterator[Ioctl | Damage]:
        """All that still wait, and what the trailer says of positions after them."""
        while self.queue:
            yield from self.skipped(self.queue[0][0])
            yield self.leave()
        if self.trailer:
            yield from self.skipped(max(self.trailer.positions, self.newest + 1))
        else:
            yield from self.skipped(self.newest + 1)
