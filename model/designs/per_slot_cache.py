"""The design that was merged: a client clears a range, and the bits come from the slot's cache."""

from model import operation, wait_for
from model.designs.dirty_log import DirtyLog, SlotCache


class PerSlotCache(SlotCache):
    """Clear a range: in it, only what the slot's cache shows was reported, and never the same bit twice.

    The cache remembers, below the clients, which reports nobody has acted on yet.

    Source: QEMU accel/kvm/kvm-all.c, kvm_log_clear_one_slot() (so named since 4222147dfb, 2019-09-24; in 4.1
    kvm_physical_log_clear()); cache 9f4bf4baa8, AND of the range ff4aa11419, lock 36adac4934. Read in 7.2 and 10.0.
    """

    @operation
    def clear(s, me, want, span):
        wait_for(want <= s.mine[me])
        wait_for(want <= span)
        yield "chosen"
        with s.slots_lock:
            me.known = s.cache & span          # cached bits of the range, also those this client has not collected
            s.kernel -= me.known               # ioctl KVM_CLEAR_DIRTY_LOG: writes fault again
            yield "cleared"
            s.cache -= me.known                # cleared once; a second clear would drop a newer write
            yield "forgotten"
        DirtyLog.read(s, me, want)             # after the clear: earlier is harmless, later is too late
        yield "read"
