"""No lock, but the report travels in a register and a clear forgets in the same step."""

from model import Pages, every_client, operation, wait_for
from model.designs.dirty_log import DirtyLog


class NoLockRegister(DirtyLog):
    """Between `reported` and `merged` a page is in no bitmap, so the promise is broken, yet two clients lose nothing.

    Source: a variant for the difference between the two forms of safety; QEMU has the lock (36adac4934).
    """

    cache = Pages("KVMSlot.dirty_bmap")

    @operation
    def sync(s, me):
        me.seen = s.kernel                     # the buffer that KVM_GET_DIRTY_LOG filled
        s.cache = s.kernel
        yield "reported"
        s.user[every_client] |= me.seen
        yield "merged"

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        s.kernel -= s.cache & want
        s.cache -= s.cache & want
        yield "cleared"
        DirtyLog.read(s, me, want)
        yield "read"
