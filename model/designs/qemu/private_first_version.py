"""After the author's first version: a cache that is filled and never asked."""

from model import NONE, operation, wait_for
from model.designs.dirty_log import DirtyLog, SlotCache


class PrivateFirstVersion(SlotCache):
    """The clear carries the client's own bitmap from the top, leftovers of earlier rounds included.

    The slot has a persistent bitmap already, and every GET fills it; the clear does not look at it. Clearing a superset
    only costs copies to the client that owns the bitmap, who reads all of it later; another client never hears of a
    write that nobody had synced yet.

    Source: after github.com/xzpeter/qemu, branch kvm-clear-dirty-log-v1, but neither of its commits does quite this:
    ebd1e5c410 "memory: Introduce memory listener hook log_clear()", 2019-04-16, clears the bits that it has just taken
    (its own message is stale), and 52993373c2 clears by rb->bmap at the time of sending (migration/ram.c, before the
    page's bit is taken). Replaced by the per-slot cache before anything was posted.
    """

    @operation
    def collect(s, me):
        s.mine[me] |= s.user[me]
        s.user[me] = NONE
        yield "collected"
        s.kernel -= s.mine[me]                 # log_clear(rb->bmap): the words as they are, s.cache is not asked
        yield "cleared"

    @operation
    def send(s, me, want):
        wait_for(want <= s.mine[me])
        DirtyLog.read(s, me, want)
