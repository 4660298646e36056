"""The design that was merged: a client clears a range, and the bits come from the slot's cache."""

from model import operation, wait_for
from model.designs.dirty_log import DirtyLog, SlotCache


class PerSlotCache(SlotCache):
    """Clear a range: in it, only what the slot's cache shows was reported, and never the same bit twice.

    The cache remembers, below the clients, which reports nobody has acted on yet.

    Not modelled: several memory slots behind one RAM block and the conversion of ranges between them (the page on 2019
    has it); that a mask is copied in whole words, which leaves bits of its tail in the cache (`rounded-clear`); chunks
    whose clear is put off until a page of them is sent (`deferred-chunked-clear`); slots that come and go
    (`slot-transaction`); the dirty ring (`dirty-ring`); an ioctl that fails, where QEMU aborts.

    Source: QEMU accel/kvm/kvm-all.c, kvm_log_clear_one_slot() (so named since 4222147dfb, 2019-09-24; in 4.1
    kvm_physical_log_clear()); cache 9f4bf4baa8, AND of the range ff4aa11419, lock 36adac4934. Read in 7.2 and 10.0.
    """

    @operation
    def clear(s, me, want, span):
        wait_for(want <= s.mine[me])
        wait_for(want <= span)                 # migration_clear_memory_region_dirty_bitmap(): the page's chunk
        yield "chosen"
        with s.slots_lock:                     # kvm_slots_lock()
            me.known = s.cache & span          # bitmap_copy_with_src_offset(): the cached bits of the range
            s.kernel -= me.known               # ioctl KVM_CLEAR_DIRTY_LOG: writes fault again
            yield "cleared"
            s.cache -= me.known                # bitmap_clear(mem->dirty_bmap): a second clear would drop a newer write
            yield "forgotten"
        DirtyLog.read(s, me, want)             # after the clear: earlier is harmless, later is too late
        yield "read"
