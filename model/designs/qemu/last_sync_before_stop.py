"""The last round with the two first lines exchanged."""

from model import NONE, every_client, operation, wait_for
from model.designs.dirty_log import DirtyLog
from model.designs.qemu.no_clear_in_last_round import NoClearInLastRound


class LastSyncBeforeStop(NoClearInLastRound):
    """The final sync runs while the guest still does; what it writes before it stops is reported to nobody.

    The kernel's log has the page, and no later sync will ask for it. It shows what the last round without a clear rests
    on: no write after the final sync.

    Source: a mutant of QEMU 10.0 migration_completion_precopy(), which stops the VM first.
    """

    @operation
    def complete(s, me):
        wait_for(~s.paused)
        yield "begun"
        with s.slots_lock:
            s.cache = s.kernel
            yield "reported"
            s.user[every_client] |= s.cache
            yield "merged"
        s.mine[me] |= s.user[me]
        s.user[me] = NONE
        yield "collected"
        s.paused = True                        # too late
        yield "paused"
        DirtyLog.read(s, me, s.mine[me])
        yield "sent"
        s.finished = True
        yield "finished"
