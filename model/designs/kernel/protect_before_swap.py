"""GET of 2010: the slot is protected, and then the bitmaps are swapped."""

from model import ALL, NONE, operation, wait_for
from model.designs.kernel.dirty_log import ArmedLog, OneClient


class ProtectBeforeSwap(ArmedLog):
    """The slot is write-protected first, and the log is exchanged for an empty one afterwards.

    A fault between the two marks the page in the old bitmap and makes it writable again. From then on the page is
    neither in the current log nor armed, so its next write is silent.

    Source: Linux before "KVM: Write protect memory after slot swap" (2010; the mainline id edde99ce0529 could not be
    looked up again, the stable backport is 337921e), kvm_vm_ioctl_get_dirty_log().
    """

    def get_dirty_log(s, me):
        s.armed = ALL                          # kvm_mmu_slot_remove_write_access()
        yield "protected"
        me.report = s.kernel                   # rcu_assign_pointer(kvm->memslots, slots)
        s.kernel = NONE
        yield "swapped"
        s.mine[me] |= me.report                # copy_to_user()
        yield "returned"

    @operation(by=OneClient)
    def sync(s, me):
        yield from ProtectBeforeSwap.get_dirty_log(s, me)

    @operation(by=OneClient)
    def send(s, me, want):
        wait_for(want <= s.mine[me])
        ArmedLog.read(s, me, want)

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.stopped)
        yield "paused"
        yield from ProtectBeforeSwap.get_dirty_log(s, me)
        ArmedLog.finish(s, me)
        yield "sent"
