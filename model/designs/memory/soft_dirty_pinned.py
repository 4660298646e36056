"""Soft-dirty bits and a page that a device may write, because it is pinned."""

from model import Pages, Sort, every_client, operation, wait_for
from model.designs.memory.soft_dirty import SoftDirty

Device = Sort("Device", "a device that writes to pinned pages", ("the device",), size=1)


class SoftDirtyPinned(SoftDirty):
    """Pinning a page for writing faults it in and sets its bit, and then a device writes to it as often as it likes.

    clear_refs clears the bit and protects the PTE, which the device does not go through. What it writes afterwards
    shows in no bit.

    Source: Linux before 9348b73c2e1b "mm: don't play games with pinned pages in clear_page_refs"; today for shared
    mappings, where fs/proc/task_mmu.c, pte_is_pinned() does not look. The second half: our reading.
    """

    pinned = Pages("pages that are pinned for writing: pin_user_pages() with FOLL_WRITE")

    @operation(by=Device)
    def pin(s, me, page):
        wait_for(~s.frozen & ~s.stopped)
        s.kernel |= page & s.armed             # faultin_page(): do_wp_page()
        s.armed -= page
        s.pinned |= page

    @operation(by=Device)
    def store(s, me, page):
        wait_for(~s.stopped)
        wait_for(page <= s.pinned)
        s.unread[every_client] |= page

    @operation(by=Device)
    def unpin(s, me, page):
        wait_for(page <= s.pinned)
        s.pinned -= page
