"""Wrong order: the page is read, and then its bit is cleared."""

from model import operation, wait_for
from model.designs.dirty_log import DirtyLog, SlotCache


class ReadBeforeClear(SlotCache):
    """Read, then clear: a write between the two sets no new bit, and the clear takes the old one away.

    Source: the order that QEMU fec5e8c92b, c0bad49946 and 86b124bc76 repaired in the display and block migration.
    """

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        yield "chosen"
        DirtyLog.read(s, me, want)             # too early
        yield "read"
        with s.slots_lock:
            me.known = s.cache & want
            s.kernel -= me.known
            yield "cleared"
            s.cache -= me.known
            yield "forgotten"
