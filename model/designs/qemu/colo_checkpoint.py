"""COLO: the last round comes again and again."""

from model import MIGRATION, NONE, Flag, every_client, operation, wait_for
from model.designs.dirty_log import DirtyLog
from model.designs.top_layer_and_cache import TopLayerAndCache


class CheckpointedLog(TopLayerAndCache):
    """A guest that is paused for each checkpoint; the display goes on meanwhile.

    Source: QEMU 7.2 and 10.0 migration/colo.c, colo_do_checkpoint_transaction().
    """

    paused = Flag("the vCPUs are stopped for a checkpoint")

    @operation
    def write(s, me, page):
        wait_for(~s.paused)
        DirtyLog.write(s, me, page)


class ColoCheckpoint(CheckpointedLog):
    """Each checkpoint stops the vCPUs, syncs, and sends what is left, clearing it first as in any other round.

    The next checkpoint syncs again, so this is not the last stage in the sense of the last round of a migration.

    Source: QEMU 7.2 and 10.0 migration/ram.c, ram_save_complete(): last_stage is false under COLO.
    """

    @operation
    def checkpoint(s, me):
        wait_for((me == MIGRATION) & ~s.paused)
        s.paused = True
        yield "paused"
        with s.slots_lock:
            s.cache = s.kernel                 # migration_bitmap_sync()
            yield "reported"
            s.user[every_client] |= s.cache
            yield "merged"
        s.mine[me] |= s.user[me]
        s.user[me] = NONE
        yield "collected"
        with s.slots_lock:
            me.known = s.cache & s.mine[me]    # migration_bitmap_clear_dirty(): not last_stage
            s.kernel -= me.known
            yield "cleared"
            s.cache -= me.known
            yield "forgotten"
        DirtyLog.read(s, me, s.mine[me])
        s.paused = False
        yield "read"
