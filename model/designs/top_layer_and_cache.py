"""Peter Xu's intermediate version: the client's own bitmap AND the slot's cache."""

from model import operation, wait_for
from model.designs.dirty_log import DirtyLog, SlotCache


class TopLayerAndCache(SlotCache):
    """Clear what this client wants and the cache shows: a subset of what the per-slot cache clears.

    Not modelled: the conversion of the client's bitmap, which is per RAM block, to the slot's, for which the mail gave
    the design up (the page on 2019 has it); and what is not modelled of the per-slot cache.

    Source: the mail of 2019-05-08: "I'll need to AND the two bitmaps (upper layer bitmap, and the QEMU kvm cached
    bitmap) to avoid the above race".
    """

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        yield "chosen"
        with s.slots_lock:                     # kvm_slots_lock()
            me.known = s.cache & want          # the one line that differs from the per-slot cache
            s.kernel -= me.known               # ioctl KVM_CLEAR_DIRTY_LOG
            yield "cleared"
            s.cache -= me.known                # forgotten once, as in the per-slot cache
            yield "forgotten"
        DirtyLog.read(s, me, want)
        yield "read"
