"""The clear by a copy of the cache that has the exact range and nothing beside it."""

from model import operation, wait_for
from model.designs.dirty_log import DirtyLog, SlotCache


class ExactRangeClear(SlotCache):
    """Where the range does not fill whole words, a temporary bitmap with zero margins goes to the ioctl.

    The kernel insists on lengths of whole words; the mask decides what is cleared in them. Cleared and forgotten are
    the same pages again.

    Source: QEMU 4054adbdd2, 2020-12-08, kvm_log_clear_one_slot(), bmap_clear and bitmap_copy_with_src_offset().
    """

    @operation
    def clear(s, me, page):
        wait_for(page <= s.mine[me])
        yield "chosen"
        with s.slots_lock:
            me.known = s.cache & page          # bmap_clear: zero outside [start, start + size)
            s.kernel -= me.known
            yield "cleared"
            s.cache -= page
            yield "forgotten"
        DirtyLog.read(s, me, page)
        yield "read"
