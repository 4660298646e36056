"""The clear's length is rounded up to a whole word of the bitmap."""

from model import operation, wait_for, whole
from model.designs.dirty_log import DirtyLog, SlotCache

WORD = 2                                       # pages; QEMU and KVM: 64


class RoundedClear(SlotCache):
    """The ioctl gets the cache's words up to the next boundary, and afterwards only the exact range is forgotten.

    So cached bits of the neighbours are cleared in the kernel and stay in the cache, which then shows what the kernel
    does not: "the cache is a subset" is broken. Nothing is lost by it as long as each client clears every page that it
    reads: whoever was told of the neighbour still owes it a read, and its own clear comes first.

    Source: QEMU before 4054adbdd2, 2020-12-08, kvm_log_clear_one_slot() ("I don't think this can happen in practice").
    """

    @operation
    def clear(s, me, page):
        wait_for(page <= s.mine[me])
        yield "chosen"
        with s.slots_lock:
            me.known = s.cache & whole(page, WORD)   # &mem->dirty_bmap[...], num_pages rounded up
            s.kernel -= me.known
            yield "cleared"
            s.cache -= page                    # bitmap_clear(mem->dirty_bmap, start, size): the exact range
            yield "forgotten"
        DirtyLog.read(s, me, page)
        yield "read"
