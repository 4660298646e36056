"""A display that is refreshed by the main loop, and syncs before it collects."""

from model.expr import MIGRATION, NONE, Client, Flag, always, every, operation, wait_for


@always
class Display:
    """Every client but MIGRATION is a display: it collects only inside a refresh, after a sync of its own.

    A refresh is what QEMU's main loop runs for a display, cut where QEMU's functions end: the timer is due, the main
    loop enters (with a big lock it takes it here), the log is synced, a snapshot is allocated, the bits are collected
    and cleared, the pages are drawn, and the main loop leaves. A display that missed an update is not judged by
    no_lost_write, which speaks of MIGRATION here; promise_kept speaks of every client.

    Source: QEMU 7.2 softmmu/memory.c, memory_region_snapshot_and_clear_dirty() calls memory_region_sync_dirty_bitmap()
    first; 7.2 softmmu/physmem.c, cpu_physical_memory_snapshot_and_clear_dirty() allocates, copies and clears the bits,
    then calls memory_region_clear_dirty_bitmap(); 7.2 hw/display/vga.c, vga_draw_graphic() draws after that; the same
    in 10.0 under system/.
    """

    needs = ("sync", "collect", "clear", "user", "mine")
    due = Flag("the display's timer is due", per=Client)
    inside = Flag("the main loop is in this display's refresh", per=Client)
    synced = Flag("the refresh has synced the log", per=Client)
    ready = Flag("the refresh has a snapshot to collect into", per=Client)

    @operation
    def wake(s, me):
        wait_for(~(me == MIGRATION) & ~s.due[me])
        s.due[me] = True

    @operation
    def enter(s, me):
        wait_for(s.due[me] & ~s.inside[me])
        s.inside[me] = True

    @operation
    def snapshot(s, me):
        wait_for(s.inside[me] & s.synced[me] & ~s.ready[me])
        s.ready[me] = True

    @operation
    def leave(s, me):
        wait_for(s.inside[me] & s.ready[me] & (s.mine[me] <= NONE))
        ended(s, me)

    def observe(step, before, s, me):
        if step.by != Client.name:
            return
        migration = me == MIGRATION
        if step.operation == "sync":
            if step.first:
                wait_for(migration | (before.inside[me] & ~before.synced[me]))
            if step.last:
                s.synced[me] = ~migration
        elif step.operation == "collect" and step.first:
            wait_for(migration | before.ready[me])
        elif step.operation == "clear" and step.first:
            wait_for(migration | before.inside[me])

    def holds(s):
        """A refresh that goes on was due."""
        return every(Client, lambda client: s.due[client] | ~s.inside[client])


def ended(s, me):
    """The refresh is over; the next one begins with a timer."""
    for flag in (s.due, s.inside, s.synced, s.ready):
        flag[me] = False
