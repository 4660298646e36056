"""Bitmaps of a slot as a recording writes them: sparse, of any length, and cheap where they are uniform.

A bitmap is cut into chunks of 65,536 pages, each a Python integer; chunks that look like `rest` are not stored. So
"every page" of a slot of unknown size costs nothing, and a run of a million equal words costs one integer.
"""

from __future__ import annotations

import re
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice, pairwise

WORD = 64
CHUNK_WORDS = 1024
CHUNK = CHUNK_WORDS * WORD
FULL = (1 << CHUNK) - 1
EVERY_WORD = FULL // ((1 << WORD) - 1)  # a one at the bottom of each word: times a word, that word repeated
MAX_PAGES = 1 << 31  # KVM_MEM_MAX_NR_PAGES is one less
MAX_UNSORTED = 1 << 20

RUN = re.compile(r"(\d{1,15}):([0-9a-fA-F]{1,16})(?:\*(\d{1,15}))?(,|\Z)", re.ASCII)


ONE_WORD = re.compile(r"(\d{1,15}):([0-9a-fA-F]{1,16})\Z", re.ASCII)


class BadBitmap(ValueError):
    """A bitmap is not in the form `W:HEX` or `W:HEX*N`, or says two things of one word."""


@dataclass(slots=True, unsafe_hash=True)
class Bits:
    """A set of pages, never changed once it is made; `rest` (0 or FULL) is every chunk that `chunks` does not list."""

    chunks: dict[int, int] = field(default_factory=dict)
    rest: int = 0

    def __or__(self, other: Bits) -> Bits:
        if not self:
            return other
        return self._with(other, lambda a, b: a | b)

    def __sub__(self, other: Bits) -> Bits:
        return self._with(other, lambda a, b: a ^ (a & b))

    def __and__(self, other: Bits) -> Bits:
        return self - (EVERY - other)

    def __bool__(self) -> bool:
        return bool(self.chunks) or bool(self.rest)

    def _with(self, other: Bits, operator: Callable[[int, int], int]) -> Bits:
        """Chunk by chunk; `operator(a, 0)` is `a`, so chunks that only `self` lists stay where `other.rest` is 0.

        Chunks that were one object give results that are one object, so a uniform bitmap stays small.
        """
        if not other or not self:
            return self
        rest = operator(self.rest, other.rest)
        stays = not other.rest
        chunks = dict(self.chunks) if stays else {}
        known: dict[tuple[int, int], int] = {}
        for number in other.chunks if stays else {*self.chunks, *other.chunks}:
            one, two = self.chunks.get(number, self.rest), other.chunks.get(number, other.rest)
            value = known.get((id(one), id(two)))
            if value is None:
                value = operator(one, two)
                known[id(one), id(two)] = value = FULL if value == FULL else value
            if value == rest:
                chunks.pop(number, None)
            else:
                chunks[number] = value
        return Bits(chunks, rest)

    @property
    def weight(self) -> int:
        """How much memory it takes, in units of 9 KB: distinct chunks up to their last page, and listing them."""
        if len(self.chunks) < 8:
            return len(self.chunks)
        distinct = {id(value): value for value in self.chunks.values()}
        return sum(64 + value.bit_length() for value in distinct.values()) // CHUNK + len(self.chunks) // 64

    def count(self) -> int:
        """How many pages; of a bitmap that is 0 where nothing is stored."""
        return sum(value.bit_count() for value in self.chunks.values())

    def has(self, page: int) -> bool:
        return bool(self.chunks.get(page // CHUNK, self.rest) >> page % CHUNK & 1)

    def first(self) -> int | None:
        """The lowest stored page."""
        return next((first for first, _ in self.ranges()), None)

    def ranges(self) -> Iterator[tuple[int, int]]:
        """(first page, last page) of each run of stored pages, ascending; adjacent runs are joined."""
        open_run: tuple[int, int] | None = None
        for first, last in self._chunk_ranges():
            if open_run and open_run[1] + 1 == first:
                open_run = open_run[0], last
                continue
            if open_run:
                yield open_run
            open_run = first, last
        if open_run:
            yield open_run

    def _chunk_ranges(self) -> Iterator[tuple[int, int]]:
        for number in sorted(self.chunks):
            value, at = self.chunks[number], number * CHUNK
            while value:
                gap = (value & -value).bit_length() - 1
                value >>= gap
                ones = (~value & (value + 1)).bit_length() - 1
                yield at + gap, at + gap + ones - 1
                value >>= ones
                at += gap + ones

    def shifted(self, pages: int) -> Bits:
        """Every stored page, `pages` further on."""
        if not pages:
            return self
        jump, shift = divmod(pages, CHUNK)
        moved: dict[int, int] = {}
        for number, value in self.chunks.items():
            low, high = value << shift & FULL, value << shift >> CHUNK
            for place, part in ((number + jump, low), (number + jump + 1, high)):
                if part:
                    moved[place] = moved.get(place, 0) | part
        return Bits(moved)

    def below(self, pages: int) -> Bits:
        """The stored pages below number `pages`."""
        last, keep = divmod(pages, CHUNK)
        cut = {n: v if n < last else v & ((1 << keep) - 1) for n, v in self.chunks.items() if n <= last}
        return Bits({n: v for n, v in cut.items() if v})


NOTHING = Bits()
EVERY = Bits(rest=FULL)


def span(first: int, after: int) -> Bits:
    """Pages `first` to `after` - 1."""
    after = min(after, MAX_PAGES)
    if first >= after:
        return NOTHING
    return Bits(dict.fromkeys(range(after // CHUNK + 1), FULL)).below(after) - (
        Bits(dict.fromkeys(range(first // CHUNK + 1), FULL)).below(first)
    )


def union(bitmaps: Iterable[Bits]) -> Bits:
    """All pages of all of them."""
    total = NOTHING
    for bitmap in bitmaps:
        total |= bitmap
    return total


def parse(text: str, pages: int = MAX_PAGES) -> tuple[Bits, bool]:
    """The bitmap that a recording's `bm` spells, and whether it names no page from number `pages` on.

    Args:
        text: runs `W:HEX` or `W:HEX*N`, comma separated, in any order; "" is all zero.
        pages: pages of the slot or of the mask, at most MAX_PAGES; what lies past them is left out.

    Raises:
        BadBitmap: the text has another form, or gives one word twice.
    """
    pages = min(pages, MAX_PAGES)
    if (one := ONE_WORD.match(text)) and (found := _one_word(int(one[1]), int(one[2], 16), pages)):
        return found, True
    try:
        found, fits = _fill(_runs(text), -(-pages // WORD))
    except _Unsorted:
        found, fits = _fill(_sorted(text), -(-pages // WORD))
    place = (pages - 1) // CHUNK
    if found.chunks.get(place, 0).bit_length() <= pages - place * CHUNK:
        return found, fits
    return found.below(pages), False


def _one_word(word: int, value: int, pages: int) -> Bits | None:
    """The commonest bitmap, the mask of a chunk of 64 pages; None where pages lie past the end."""
    if not value or word * WORD + value.bit_length() > pages:
        return None
    number, offset = divmod(word, CHUNK_WORDS)
    return Bits({number: value << offset * WORD})


class _Unsorted(Exception):
    pass


def _sorted(text: str) -> Iterator[tuple[int, int, int]]:
    """The runs in order, for a recorder that does not write them so."""
    runs = list(islice(_runs(text), MAX_UNSORTED + 1))
    if len(runs) > MAX_UNSORTED:
        raise BadBitmap(f"more than {MAX_UNSORTED:,} runs that do not ascend")
    runs.sort()
    for one, two in pairwise(runs):
        if one[0] + one[1] > two[0]:
            raise BadBitmap(f"word {two[0]} is given twice")
    return iter(runs)


def _fill(runs: Iterator[tuple[int, int, int]], words: int) -> tuple[Bits, bool]:
    """Chunks from ascending runs, cut off after `words` words; False where something was cut off."""
    chunks: dict[int, int] = {}
    pieces: list[tuple[int, int]] = []  # (word, value) of the chunk that is being filled
    after, fits = 0, True
    for word, count, value in runs:
        if word < after:
            raise _Unsorted
        after = word + count
        if after > words:
            fits = fits and not value
            count = max(words - word, 0)
        if pieces and pieces[0][0] // CHUNK_WORDS != word // CHUNK_WORDS:
            _flush(chunks, pieces)
        while count:
            offset = word % CHUNK_WORDS
            if not offset and count >= CHUNK_WORDS:
                here = _whole_chunks(chunks, word // CHUNK_WORDS, count // CHUNK_WORDS, value)
            else:
                here = min(CHUNK_WORDS - offset, count)
                pieces += [(place, value) for place in range(word, word + here)]
                if offset + here == CHUNK_WORDS:
                    _flush(chunks, pieces)
            word += here
            count -= here
    _flush(chunks, pieces)
    return Bits(chunks), fits


def _whole_chunks(chunks: dict[int, int], number: int, how_many: int, value: int) -> int:
    """Add chunks of nothing but `value`, which are one object; returns how many words that were."""
    pattern = value * EVERY_WORD
    if pattern:
        chunks.update(dict.fromkeys(range(number, number + how_many), FULL if pattern == FULL else pattern))
    return how_many * CHUNK_WORDS


def _flush(chunks: dict[int, int], pieces: list[tuple[int, int]]) -> None:
    """Move the words that were gathered for one chunk to `chunks`."""
    if not pieces:
        return
    number = pieces[0][0] // CHUNK_WORDS
    buffer = array("Q", bytes(8 * (pieces[-1][0] % CHUNK_WORDS + 1)))
    for word, value in pieces:
        buffer[word % CHUNK_WORDS] = value
    pieces.clear()
    whole = int.from_bytes(buffer.tobytes(), sys.byteorder)
    if whole:
        chunks[number] = FULL if whole == FULL else whole


def _runs(text: str) -> Iterator[tuple[int, int, int]]:
    at, comma = 0, ""
    for match in RUN.finditer(text):
        word, value, times, comma = match.groups()
        if match.start() != at:
            break
        at = match.end()
        count = int(times) if times else 1
        if not count:
            raise BadBitmap(f"a run of no words at character {match.start() + 1}")
        yield int(word), count, int(value, 16)
    if at != len(text) or comma:
        raise BadBitmap(f"{text[at : at + 20]!r} at character {at + 1} is not a run W:HEX or W:HEX*N")


def spell(bitmap: bytes | memoryview) -> str:
    """The runs that a recording writes for a bitmap of whole little-endian 64-bit words."""
    words = memoryview(bitmap).cast("B").cast("Q")
    found, start = [], 0
    for index in range(1, len(words) + 1):
        if index < len(words) and words[index] == words[start]:
            continue
        if words[start]:
            times = f"*{index - start}" if index - start > 1 else ""
            found.append(f"{start}:{words[start]:x}{times}")
        start = index
    return ",".join(found)
