"""GET as repaired in 2010: the bitmaps are swapped, and then the slot is protected."""

from model import ALL, NONE, operation, wait_for
from model.designs.kernel.dirty_log import ArmedLog, OneClient
from model.designs.kernel.protect_before_swap import ProtectBeforeSwap


class SwapBeforeProtect(ProtectBeforeSwap):
    """The log is exchanged for an empty one first, and the slot is write-protected afterwards.

    Between the two a write may be silent, but then its page was in the bitmap that has just been taken away, and is
    in this report. So every page is always in the current log, or armed, or in a report that was not read yet.

    Source: Linux (2010) "KVM: Write protect memory after slot swap" (mainline id edde99ce0529, which could not be
    looked up again), kvm_vm_ioctl_get_dirty_log().
    """

    def get_dirty_log(s, me):
        me.report = s.kernel                   # rcu_assign_pointer(kvm->memslots, slots)
        s.kernel = NONE
        yield "swapped"
        s.armed = ALL                          # kvm_mmu_slot_remove_write_access()
        yield "protected"
        s.mine[me] |= me.report                # copy_to_user()
        yield "returned"

    @operation(by=OneClient)
    def sync(s, me):
        yield from SwapBeforeProtect.get_dirty_log(s, me)

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.stopped)
        yield "paused"
        yield from SwapBeforeProtect.get_dirty_log(s, me)
        ArmedLog.finish(s, me)
        yield "sent"
