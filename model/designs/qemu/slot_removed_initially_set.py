"""The hole of the best effort, hidden by a log that starts all ones."""

from model import ALL, NONE, every_client, operation
from model.designs.qemu.slot_removed_uncollected import MainLoop, SlotRemovedUncollected


class SlotRemovedInitiallySet(SlotRemovedUncollected):
    """As the best effort, but the new slot's log has every bit set, so a write that was missed is reported after all.

    The price is that the whole slot is copied once more. It masks the hole only where the same pages get a new slot.

    Source: QEMU 5.2 to 7.2 kvm_set_phys_mem(), and Linux KVM_DIRTY_LOG_INITIALLY_SET (3c9bd4006bfc); that it masks the
    hole is our reasoning.
    """

    @operation(by=MainLoop)
    def remove(s, me):
        with s.slots_lock:
            s.cache = s.kernel
            yield "reported"
            s.user[every_client] |= s.cache
            yield "merged"
            s.kernel = ALL                     # KVM_DIRTY_LOG_INITIALLY_SET: the new log starts all ones
            s.cache = NONE
            yield "removed"
