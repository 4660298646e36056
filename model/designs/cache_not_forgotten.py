"""The cache is consulted but not updated by a clear."""

from model import operation, wait_for
from model.designs.dirty_log import DirtyLog, SlotCache


class CacheNotForgotten(SlotCache):
    """The cache keeps the bits that were cleared, so a second client clears them again and drops a newer write.

    Source: a mutant of QEMU kvm_log_clear_one_slot() without its bitmap_clear(); compare 9f4bf4baa8.
    """

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        yield "chosen"
        with s.slots_lock:
            s.kernel -= s.cache & want
            yield "cleared"                    # and s.cache keeps what was cleared
        DirtyLog.read(s, me, want)
        yield "read"
