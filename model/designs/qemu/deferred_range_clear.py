"""The deferred clear with ranges of any shape, which has chunks of every size among its behaviours."""

from model import MIGRATION, operation, wait_for
from model.designs.qemu.deferred_chunked_clear import DeferredChunkedClear


class DeferredRangeClear(DeferredChunkedClear):
    """Before a page is sent, what is owed in some range around it is cleared by the cache.

    The range is chosen anew each time and may be any set of pages with the page in it, so chunks of 64 pages and of
    1 GiB, aligned or not, are special cases. What makes the order right is in the two lines that remain: the owed part
    is cleared before the read, and only by the cache.

    Source: as deferred-chunked-clear, QEMU 002cad6b16; the generalisation is ours, for the proof.
    """

    @operation
    def clear(s, me, page, span):
        wait_for((me == MIGRATION) & (page <= span))
        yield "chosen"
        with s.bitmap_mutex:
            me.owed = span & s.owed
            s.owed -= span
            yield "paid"
            with s.slots_lock:
                me.known = s.cache & me.owed
                s.kernel -= me.known
                yield "cleared"
                s.cache -= me.known
                yield "forgotten"
            s.unread[me] -= page & s.mine[me]
            s.mine[me] -= page
            yield "read"
