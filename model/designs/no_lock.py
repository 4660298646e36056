"""The cache without the slots lock, and a variant that keeps the report in a register."""

from model import Pages, every_client, operation, wait_for
from model.designs.dirty_log import DirtyLog


class NoLock(DirtyLog):
    """The per-slot cache's steps with nothing that keeps two threads apart.

    Source: a mutant; QEMU 36adac4934 added the lock because the cache is used "even without the BQL".
    """

    cache = Pages("KVMSlot.dirty_bmap")

    @operation
    def sync(s, me):
        s.cache = s.kernel
        yield "reported"
        s.user[every_client] |= s.cache        # by now another thread may have changed the cache
        yield "merged"

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        yield "chosen"
        me.known = s.cache & want
        s.kernel -= me.known
        yield "cleared"
        s.cache -= me.known
        yield "forgotten"
        DirtyLog.read(s, me, want)
        yield "read"
