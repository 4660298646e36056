"""A vCPU's dirty ring as user space sees it: entries that wait, those that were looked at, those marked for RESET.

Source: Linux Documentation/virt/kvm/api.rst 8.29, KVM_CAP_DIRTY_LOG_RING; include/uapi/linux/kvm.h, kvm_dirty_gfn.
"""

from __future__ import annotations

import mmap
import struct
from itertools import takewhile

DIRTY, RESET = 1, 2  # KVM_DIRTY_GFN_F_DIRTY, KVM_DIRTY_GFN_F_RESET
ENTRY = 16  # bytes: flags, slot, offset


class Ring:
    """The ring in `entries`, a power of two of bytes.

    An entry is first taken (looked at) and later marked; RESET gives back what is marked, in order, and stops at the
    first entry that is not.
    """

    def __init__(self, entries: mmap.mmap) -> None:
        self.entries, self.size = entries, len(entries)
        self.taken = self.marked = 0  # entries so far

    def waiting(self) -> list[tuple[int, int]]:
        """(slot, page) of each entry that was not taken yet, the oldest first."""
        last = self.taken + self.size // ENTRY
        return [(slot, page) for flags, slot, page in takewhile(_dirty, map(self._entry, range(self.taken, last)))]

    def unmarked(self) -> list[tuple[int, int]]:
        """(slot, page) of each entry that was taken and not marked yet."""
        return [self._entry(number)[1:] for number in range(self.marked, self.taken)]

    def take(self, count: int = 1) -> None:
        """The oldest entries have been looked at."""
        self.taken += count

    def mark(self, count: int) -> None:
        """The oldest taken entries may be given back by the next RESET."""
        for number in range(self.marked, self.marked + count):
            struct.pack_into("<I", self.entries, self._at(number), RESET)
        self.marked += count

    def harvest(self) -> list[tuple[int, int]]:
        """Every entry that waits, taken and marked."""
        found = self.waiting()
        self.take(len(found))
        self.mark(self.taken - self.marked)
        return found

    def _entry(self, number: int) -> tuple[int, int, int]:
        flags, slot, page = struct.unpack_from("<IIQ", self.entries, self._at(number))
        return flags, slot, page

    def _at(self, number: int) -> int:
        return number * ENTRY % self.size


def _dirty(entry: tuple[int, int, int]) -> bool:
    return bool(entry[0] & DIRTY)
