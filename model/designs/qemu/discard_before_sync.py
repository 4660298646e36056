"""The start of a migration with the drop in the wrong place."""

from model import NONE, AnyPages, operation, wait_for
from model.designs.qemu.discard_after_sync import DiscardAfterSync
from model.designs.qemu.discard_after_sync import discarded_stays_unsent as discarded_stays_unsent


class DiscardBeforeSync(DiscardAfterSync):
    """The discarded pages are dropped first, when the cache is still empty, so nothing is cleared below.

    The first sync then reports them all over again, and they are sent: pages without content, copied for nothing.

    Source: the order that QEMU be39b4cd20, 2021-10-11, warns of.
    """

    @operation
    def start(s, me, dropped: AnyPages):
        wait_for(~s.started)
        yield "begun"
        with s.bql:
            s.discarded = dropped
            s.unread[me] -= dropped
            s.mine[me] -= dropped              # too early: the kernel's log keeps them
            yield "dropped"
            with s.slots_lock:
                s.cache = s.kernel
                yield "reported"
                s.user[me] |= s.cache
                yield "merged"
            s.mine[me] |= s.user[me]
            s.user[me] = NONE
            s.started = True
            yield "collected"
