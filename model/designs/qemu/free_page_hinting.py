"""The guest says which pages are worthless, and migration drops them."""

from model import (
    ALL,
    MIGRATION,
    NONE,
    Flag,
    Guest,
    Lock,
    Page,
    Pages,
    Sort,
    every_client,
    idle,
    operation,
    wait_for,
    whole,
)
from model.designs.dirty_log import DirtyLog, SlotCache

CHUNK = 2                                      # pages; QEMU: 2^clear_bitmap_shift
Balloon = Sort("Balloon", "virtio-balloon's thread, which takes hints from the guest", ("the balloon",), size=1)


class FreePageHinting(SlotCache):
    """A hint takes the page out of RAMBlock.bmap, after paying the clear that its chunk owes.

    The clear goes over the whole chunk and so over pages that are not free; those wait in RAMBlock.bmap. No hint lives
    through a sync, and the guest uses a hinted page again only after the hint has been taken or dropped, so new content
    comes with a new bit, or finds the old bit still standing.

    Source: QEMU qemu_guest_free_page_hint(), 3143577d6a, 2021-07-22; hw/virtio/virtio-balloon.c.
    """

    owed = Pages("RAMBlock.clear_bmap, page by page")
    bitmap_mutex = Lock("RAMState.bitmap_mutex")
    free = Pages("the guest's free list as it was hinted: content worthless")
    hinted = Pages("hints in the virtqueue that QEMU has not taken")
    hinting = Flag("QEMU takes hints: not while it syncs")

    @operation
    def write(s, me, page):
        wait_for(page & s.free <= NONE)
        DirtyLog.write(s, me, page)

    @operation(by=Guest)
    def hint(s, me, page):
        wait_for(s.hinting & (page & s.free <= NONE))
        s.free |= page
        s.hinted |= page
        s.unread[every_client] -= page         # nobody needs it any more

    @operation(by=Guest)
    def reclaim(s, me, page):
        wait_for((page <= s.free) & (page & s.hinted <= NONE))
        s.free -= page

    @operation(by=Balloon)
    def drop(s, me, hint: Page):
        wait_for(hint <= s.hinted)
        yield "taken"
        with s.bitmap_mutex:
            me.chunk = whole(hint, CHUNK) & s.owed
            s.owed -= whole(hint, CHUNK)
            yield "paid"
            with s.slots_lock:
                me.cached = s.cache & me.chunk   # migration_clear_memory_region_dirty_bitmap()
                s.kernel -= me.cached
                yield "cleared"
                s.cache -= me.cached
                yield "forgotten"
            s.mine[MIGRATION] -= hint          # bitmap_clear(block->bmap, start, npages)
            s.hinted -= hint
            yield "dropped"

    collect = None

    @operation
    def sync(s, me):
        with s.slots_lock:
            wait_for(idle(Balloon[0]))
            s.hinting = False                  # PRECOPY_NOTIFY_BEFORE_BITMAP_SYNC: virtio_balloon_free_page_stop()
            s.hinted = NONE                    # hints with the old id are ignored
            s.cache = s.kernel
            yield "reported"
            s.user[every_client] |= s.cache
            yield "merged"
        with s.bitmap_mutex:
            s.mine[me] |= s.user[me]
            s.user[me] = NONE
            s.owed = ALL
            s.hinting = True                   # PRECOPY_NOTIFY_AFTER_BITMAP_SYNC
            yield "collected"

    @operation
    def clear(s, me, page):
        wait_for(page <= s.mine[me])
        yield "chosen"
        with s.bitmap_mutex:
            me.span = whole(page, CHUNK) & s.owed
            s.owed -= whole(page, CHUNK)
            yield "paid"
            with s.slots_lock:
                me.known = s.cache & me.span
                s.kernel -= me.known
                yield "cleared"
                s.cache -= me.known
                yield "forgotten"
            s.unread[me] -= page & s.mine[me]
            s.mine[me] -= page
            yield "read"
