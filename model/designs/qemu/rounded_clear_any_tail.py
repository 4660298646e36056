"""The rounded clear with a tail of any shape, which has words of every size among its behaviours."""

from model import AnyPages, operation, wait_for
from model.designs.dirty_log import DirtyLog, SlotCache


class RoundedClearAnyTail(SlotCache):
    """Beside the page, the ioctl clears the cached bits of any other pages, and the cache forgets the page only.

    Rounding to 64 pages, or to any other granule, is a special case. That nothing is lost does not hang on which pages
    the tail has: it needs that whatever the cache shows, every client has still to clear and to read.

    Source: as rounded-clear, QEMU before 4054adbdd2; the generalisation is ours, for the proof.
    """

    @operation
    def clear(s, me, page, tail: AnyPages):
        wait_for(page <= s.mine[me])
        yield "chosen"
        with s.slots_lock:
            me.known = s.cache & (page | tail)
            s.kernel -= me.known
            yield "cleared"
            s.cache -= page
            yield "forgotten"
        DirtyLog.read(s, me, page)
        yield "read"
