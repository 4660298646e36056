"""A dirty ring, and a bitmap beside it for writes that no vCPU makes."""

from model import NONE, Flag, Pages, Sort, Vcpu, every, every_client, operation, wait_for
from model.designs.kernel.dirty_log import ArmedLog, OneClient
from model.designs.kernel.dirty_ring import DirtyRing

Its = Sort("Its", "the interrupt controller, which saves its tables into guest memory", ("the ITS",), size=1)


class RingWithBitmap(DirtyRing):
    """When the vCPUs have stopped, the ITS saves its tables into guest memory while no vCPU runs: no ring is for it.

    These writes go into a bitmap, which is collected once, as the very last thing before the rest is sent.

    Source: Linux 86bdf3ebcfe1 "KVM: Support dirty ring in conjunction with bitmap", api.rst,
    KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP; QEMU b20cc77692, 1e493be587, kvm_log_sync_global() with last_stage.
    """

    backup = Pages("memslot->dirty_bitmap: writes without a running vCPU")
    saved = Flag("KVM_DEV_ARM_ITS_SAVE_TABLES has returned")

    @operation(by=Its)
    def save(s, me, table):
        wait_for(s.stopped)
        wait_for(~s.saved)
        s.backup |= table                      # vgic_write_guest_lock(): mark_page_dirty_in_slot()
        s.unread[every_client] |= table
        s.saved = True

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.stopped)
        wait_for(s.saved)                      # vm_change_state_handler() runs at vm_stop()
        wait_for(every(Vcpu, lambda vcpu: s.ring[vcpu].empty))
        wait_for(s.taken <= NONE)
        s.mine[me] |= s.backup                 # the last sync: kvm_slot_get_dirty_log()
        s.backup = NONE
        yield "synced"
        ArmedLog.finish(s, me)
        yield "sent"
