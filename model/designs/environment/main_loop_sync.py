"""A sync from the main loop while migration sends."""

from model.designs.environment.display import ended
from model.expr import NONE, Client, always, every, operation, wait_for


@always
class MainLoopSync:
    """A refresh may end after its sync: the main loop has synced the log for everybody, and collects nothing.

    That is what the dirty-rate measurement does to a migration that is sending, and the first half of what
    auto-converge does: the collect into RAMBlock.bmap that follows waits for bitmap_mutex, which a migration holds
    while it sends, so it is MIGRATION's own collect between two pages. It is a mixin to `Display`, whose refreshes it
    ends.

    Source: QEMU 7.2 migration/dirtyrate.c, global_dirty_log_sync(), under the BQL; 10.0 migration/cpu-throttle.c,
    cpu_throttle_dirty_sync_timer_tick() calls migration_bitmap_sync_precopy(); 7.2 and 10.0 migration/ram.c,
    migration_bitmap_sync() and ram_save_iterate() take bitmap_mutex.
    """

    needs = ("sync", "mine")

    @operation
    def leave_early(s, me):
        wait_for(s.inside[me] & s.synced[me] & ~s.ready[me] & (s.mine[me] <= NONE))
        ended(s, me)

    def holds(s):
        """Whoever has left has nothing that is due."""
        return every(Client, lambda client: s.due[client] | ~s.synced[client])
