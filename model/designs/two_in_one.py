"""One bitmap a client: nothing is private while it is being cleared."""

from model import operation, wait_for
from model.designs.dirty_log import SlotCache


class TwoInOne(SlotCache):
    """What was synced and what is being read share one bitmap, so another client's sync sets a bit in between.

    Source: a mutant; QEMU 10.0 keeps RAMBlock.bmap apart from ram_list.dirty_memory (migration/ram.c).
    """

    collect = None

    @operation
    def clear(s, me, want):
        wait_for(want <= s.user[me])
        yield "chosen"
        with s.slots_lock:
            me.known = s.cache & want
            s.kernel -= me.known
            yield "cleared"
            s.cache -= me.known
            yield "forgotten"
        s.user[me] -= want
        s.unread[me] -= want
        yield "read"
