"""The measurement that goes past the cache."""

from model import NONE, operation
from model.designs.qemu.dirty_rate_reset import Calculator, DirtyRateReset


class DirtyRateClearsUnseen(DirtyRateReset):
    """It clears every slot by a mask of all ones, without a sync.

    A write that no sync had reported yet is gone: the naive clear, by a user that has nothing to lose by it.

    Source: our mutant of QEMU 7.2 dirtyrate_manual_reset_protect().
    """

    @operation(by=Calculator)
    def measure(s, me):
        with s.slots_lock:
            s.kernel = NONE
            yield "cleared"
            s.cache = NONE
            yield "forgotten"
