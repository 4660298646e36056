"""The last round: the vCPUs stand still, and nothing is cleared any more."""

from model import ALL, NONE, Flag, every_client, operation, wait_for
from model.designs.dirty_log import DirtyLog
from model.designs.per_slot_cache import PerSlotCache


class NoClearInLastRound(PerSlotCache):
    """With the vCPUs stopped, the final round syncs once and sends what is left without clearing it.

    A clear would cost time and buy nothing, for no later sync will look. If the migration fails after all, the next one
    starts with all bits set and every bit of the kernel's log still stands, so it misses nothing either.

    Source: QEMU fd0377150d, 2025-05-14, "There won't be any ram sync after the stage of save_complete", and adb13d6e42,
    2025-06-13; QEMU 10.2 migration/ram.c, migration_bitmap_clear_dirty(): `if (!rs->last_stage &&
    !migration_in_postcopy())`. QEMU 7.2 and 10.0 still clear there. The author of fd0377150d asks about postcopy and
    COLO himself.
    """

    paused = Flag("the vCPUs are stopped")
    finished = Flag("the destination has been handed over to")

    @operation
    def write(s, me, page):
        wait_for(~s.paused)
        DirtyLog.write(s, me, page)

    @operation
    def complete(s, me):
        wait_for(~s.paused)
        s.paused = True                        # vm_stop_force_state()
        yield "paused"
        with s.slots_lock:
            s.cache = s.kernel                 # migration_bitmap_sync(rs, last_stage = true)
            yield "reported"
            s.user[every_client] |= s.cache
            yield "merged"
        s.mine[me] |= s.user[me]
        s.user[me] = NONE
        yield "collected"
        DirtyLog.read(s, me, s.mine[me])       # last_stage: no KVM_CLEAR_DIRTY_LOG before the pages
        yield "sent"
        s.finished = True
        yield "finished"

    @operation
    def retry(s, me):
        wait_for(s.finished)                   # the destination failed: go on here, and migrate again elsewhere
        s.finished = False
        s.paused = False
        s.mine[me] = ALL                       # ram_list_init_bitmaps(): RAMBlock.bmap starts all ones
        s.unread[me] = ALL
