"""The measurement that clears without a sync of its own."""

from model import operation
from model.designs.qemu.dirty_rate_reset import Calculator, DirtyRateReset


class DirtyRateUnsynced(DirtyRateReset):
    """It clears every slot from end to end, by what somebody else's sync has left in the cache.

    Everybody was told of that at the time, so nothing is lost: the rule is not "sync before you clear" but "clear
    through the cache".

    Source: our mutant of QEMU 7.2 dirtyrate_manual_reset_protect().
    """

    @operation(by=Calculator)
    def measure(s, me):
        with s.slots_lock:
            me.whole = s.cache
            s.kernel -= me.whole
            yield "cleared"
            s.cache -= me.whole
            yield "forgotten"
