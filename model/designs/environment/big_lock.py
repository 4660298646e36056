"""The big QEMU lock (BQL): what the main loop runs excludes itself, and migration's send does not take it."""

from model.expr import MIGRATION, Client, Flag, always, every, wait_for

UNLOCKED = ("clear", "wake", "snapshot")  # the clear and the read of a send, and what changes nothing of the log
FREED_BY = ("leave", "leave_early")


@always
class BigLock:
    """A client holds the BQL through a sync and the collect that follows, a display through its whole refresh.

    MIGRATION sends (clears and reads) without it. Every other operation of a client takes it and gives it back.

    Source: QEMU 7.2 migration/ram.c, ram_save_pending() (10.0: ram_state_pending_exact()) takes the BQL around
    migration_bitmap_sync_precopy(), which syncs and collects; 7.2 util/main-loop.c, os_host_main_loop_wait() gives it
    back only while it polls; ram_save_iterate() takes RAMState.bitmap_mutex and not the BQL.
    """

    needs = ("sync", "collect", "clear")
    bql = Flag("holds the BQL", per=Client)

    def observe(step, before, s, me):
        if step.by != Client.name or step.operation in UNLOCKED:
            return
        if step.operation in FREED_BY:
            s.bql[me] = False
            return
        if step.first:
            wait_for(before.bql[me] | every(Client, lambda other: ~before.bql[other]))
            s.bql[me] = True
        if step.last and step.operation != "sync":
            s.bql[me] = ~(me == MIGRATION)

    def holds(s):
        """Nobody holds the BQL while another does."""
        return every(
            Client, lambda one: ~s.bql[one] | every(Client, lambda other: ~s.bql[other] | (one == other))
        )
