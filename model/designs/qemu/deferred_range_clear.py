"""The deferred clear with ranges of any shape, which has chunks of every size among its behaviours."""

from model import ALL, NONE, Client, Pages, operation, wait_for
from model.designs.dirty_log import DirtyLog, SlotCache


class DeferredRangeClear(SlotCache):
    """Before a page is sent, what is owed in some range around it is cleared by the cache.

    The range is chosen anew each time and may be any set of pages with the page in it, so chunks of 64 pages and of
    1 GiB, aligned or not, are special cases. Every client keeps a note of its own of what it owes; a display that
    clears all of its frame buffer at once never has a part of it left.

    Source: as deferred-chunked-clear, QEMU 002cad6b16; the generalisation is ours, for the proof.
    """

    owed = Pages("RAMBlock.clear_bmap, page by page: this client owes a clear since it last collected", per=Client)

    @operation
    def collect(s, me):
        s.mine[me] |= s.user[me]
        s.user[me] = NONE
        s.owed[me] = ALL

    @operation
    def clear(s, me, page, span):
        wait_for((page <= s.mine[me]) & (page <= span))
        yield "chosen"
        with s.slots_lock:
            me.known = s.cache & span & s.owed[me]   # what was paid already is not cleared again
            s.kernel -= me.known
            yield "cleared"
            s.cache -= me.known
            s.owed[me] -= span
            yield "forgotten"
        DirtyLog.read(s, me, page)
        yield "read"
