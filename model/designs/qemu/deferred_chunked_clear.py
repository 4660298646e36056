"""What migration does: each chunk of a block is cleared just before its first page is sent."""

from model import ALL, MIGRATION, NONE, Lock, Pages, operation, wait_for, whole
from model.designs.dirty_log import DirtyLog, SlotCache

CHUNK = 2                                      # pages; QEMU: 2^clear_bitmap_shift, 1 GiB by default


class DeferredChunkedClear(SlotCache):
    """A sync leaves a note per chunk that a clear is owed; the first page of the chunk that is sent pays it.

    The clear goes over the whole chunk, by the slot's cache, and so also over pages that are not sent now. Those are
    still in RAMBlock.bmap, or were reported by another client's sync and wait in MIGRATION's dirty_memory. The display
    has no chunks: it snapshots, clears and draws.

    Source: QEMU 002cad6b16 "migration: Split log_clear() into smaller chunks"; migration/ram.c,
    migration_bitmap_clear_dirty(), migration_clear_memory_region_dirty_bitmap(); "This _must_ be called before we send
    any of the page in the chunk".
    """

    owed = Pages("RAMBlock.clear_bmap, page by page: the page's chunk still owes a clear")
    bitmap_mutex = Lock("RAMState.bitmap_mutex: guards RAMBlock.bmap and clear_bmap")

    @operation
    def collect(s, me):
        with s.bitmap_mutex:
            wait_for(me == MIGRATION)
            s.mine[me] |= s.user[me]           # cpu_physical_memory_sync_dirty_bitmap(), word by word
            s.user[me] = NONE
            s.owed = ALL                       # clear_bmap_set(), even where nothing was dirty
            yield "collected"

    @operation
    def clear(s, me, page):
        wait_for(me == MIGRATION)
        yield "chosen"
        with s.bitmap_mutex:
            me.span = whole(page, CHUNK) & s.owed    # clear_bmap_test_and_clear(): all of the chunk, or nothing
            s.owed -= whole(page, CHUNK)
            yield "paid"
            with s.slots_lock:
                me.known = s.cache & me.span   # kvm_log_clear_one_slot()
                s.kernel -= me.known
                yield "cleared"
                s.cache -= me.known
                yield "forgotten"
            s.unread[me] -= page & s.mine[me]  # test_and_clear_bit(rb->bmap), then ram_save_target_page()
            s.mine[me] -= page
            yield "read"

    @operation
    def display(s, me):
        wait_for(me != MIGRATION)
        s.mine[me] |= s.user[me]               # cpu_physical_memory_snapshot_and_clear_dirty()
        s.user[me] = NONE
        yield "snapped"
        with s.slots_lock:
            me.known = s.cache                 # memory_region_clear_dirty_bitmap() over the frame buffer
            s.kernel -= me.known
            yield "cleared"
            s.cache -= me.known
            yield "forgotten"
        DirtyLog.read(s, me, s.mine[me])
        yield "drawn"
