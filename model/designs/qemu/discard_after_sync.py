"""The start of a migration: log on, first sync, and only then drop what was discarded."""

from model import ALL, NONE, AnyPages, Client, Flag, Lock, Pages, operation, wait_for
from model.designs.dirty_log import DirtyLog
from model.designs.qemu.slot_removed_uncollected import MainLoop
from model.designs.top_layer_and_cache import TopLayerAndCache
from model.expr import always


@always
class discarded_stays_unsent:
    """No page is sent that was discarded before the migration began and not plugged since."""

    vain = Flag("a discarded page was sent after the start")

    def observe(step, before, s, me):
        if step.by == Client.name and step.operation == "clear" and "mine" in step.writes:
            s.vain |= before.started & ~((before.mine[me] - s.mine[me]) & before.discarded <= NONE)

    def holds(s):
        return ~s.vain


class DiscardAfterSync(TopLayerAndCache):
    """All bits are set at the start, in the kernel's log and in RAMBlock.bmap, for pages without content as well.

    After the first sync the cache shows them, so dropping them from RAMBlock.bmap clears them in the kernel too, and no
    later sync brings them back. Nothing is at stake but work: a discarded page may be sent or not.

    Source: QEMU be39b4cd20, 2021-10-11: "It's important to fixup the dirty bitmap *after* our initial bitmap sync";
    QEMU 7.2 migration/ram.c, ram_init_bitmaps(), which drops the BQL before migration_bitmap_clear_discarded_pages()
    (in 10.0 its caller holds the BQL over both); what keeps plugging out meanwhile is virtio_mem_is_busy() in
    hw/virtio/virtio-mem.c, which refuses while a migration runs.
    """

    kernel = Pages("KVM's dirty log, KVM_DIRTY_LOG_INITIALLY_SET", initially=ALL)
    mine = Pages("RAMBlock.bmap: starts all ones", per=Client, initially=ALL)
    unread = Pages("ghost: at the start the destination has nothing", per=Client, initially=ALL)
    discarded = Pages("RamDiscardManager: pages without content, such as unplugged virtio-mem")
    started = Flag("ram_init_bitmaps() is done")
    bql = Lock("nothing is plugged while a migration starts: virtio_mem_is_busy()")

    @operation
    def write(s, me, page):
        wait_for(page & s.discarded <= NONE)   # what is not plugged is not written
        DirtyLog.write(s, me, page)

    @operation(by=MainLoop)
    def plug(s, me, page):
        with s.bql:
            s.discarded -= page
            yield "plugged"

    @operation
    def start(s, me, dropped: AnyPages):
        wait_for(~s.started)
        yield "begun"
        with s.bql:
            s.discarded = dropped
            yield "logging"                    # memory_global_dirty_log_start()
            with s.slots_lock:
                s.cache = s.kernel             # migration_bitmap_sync_precopy()
                yield "reported"
                s.user[me] |= s.cache
                yield "merged"
            s.mine[me] |= s.user[me]
            s.user[me] = NONE
            yield "collected"
            with s.slots_lock:
                me.known = s.cache & s.discarded     # ramblock_dirty_bitmap_clear_discarded_pages()
                s.kernel -= me.known
                yield "cleared"
                s.cache -= me.known
                yield "forgotten"
            s.mine[me] -= s.discarded
            s.unread[me] -= s.discarded        # nobody needs what has no content
            s.started = True
            yield "dropped"
