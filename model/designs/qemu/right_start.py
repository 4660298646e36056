"""The clear of the range that was meant."""

from model import operation, wait_for
from model.designs.dirty_log import DirtyLog, SlotCache
from model.designs.qemu.wrong_start import read_is_settled as read_is_settled


class RightStart(SlotCache):
    """The range is computed before the loop moves the page number on.

    What the client takes from its own bitmap is cleared below as well, so the next sync reports what is new.

    Source: QEMU 25aa6b3718, 2020-02-18, cpu_physical_memory_test_and_clear_dirty().
    """

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        yield "chosen"
        with s.slots_lock:
            me.known = s.cache & want          # memory_region_clear_dirty_bitmap(mr, start, length)
            s.kernel -= me.known
            yield "cleared"
            s.cache -= me.known
            yield "forgotten"
        DirtyLog.read(s, me, want)
        yield "read"
