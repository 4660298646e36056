"""The measurement whose sync is for itself alone."""

from model import operation
from model.designs.qemu.dirty_rate_reset import Calculator, DirtyRateReset


class DirtyRateTellsItself(DirtyRateReset):
    """It fetches the log into the cache, counts the bits, and tells no client; then it clears what the cache shows.

    The cache vouches for bits that no client has. The readers never hear of what was written before.

    Source: our mutant of QEMU 7.2 calculate_dirtyrate_dirty_bitmap(); the shape of chunked-asker-only.
    """

    @operation(by=Calculator)
    def measure(s, me):
        with s.slots_lock:
            s.cache = s.kernel
            yield "reported"
            me.whole = s.cache
            s.kernel -= me.whole
            yield "cleared"
            s.cache -= me.whole
            yield "forgotten"
