"""What the tests on the real kernel share: a mark that skips them by name, and the ten-line model of a log."""

import pytest

from model.kvm.driver import INITIALLY_SET, LEGACY, missing

needs_kvm = pytest.mark.skipif(bool(missing()), reason=missing() or "/dev/kvm works")


class Log:
    """What KVM is believed to do with a slot's dirty log: a bit a page, and nothing else."""

    def __init__(self, pages: int, manual: int) -> None:
        self.pages, self.manual = pages, manual
        self.fresh()

    def fresh(self) -> None:
        self.bits = (1 << self.pages) - 1 if self.manual == INITIALLY_SET else 0

    def write(self, page: int) -> None:
        self.bits |= 1 << page

    def get(self) -> int:
        reported = self.bits
        if self.manual == LEGACY:
            self.bits = 0
        return reported

    def refuses(self, first: int, count: int) -> bool:
        """EINVAL, and nothing is cleared."""
        ends = first + count == self.pages
        return bool(first % 64) or first > self.pages or count > self.pages - first or bool(count % 64 and not ends)

    def clear(self, mask: int, first: int, count: int) -> None:
        self.bits &= ~((mask & ((1 << count) - 1)) << first)
