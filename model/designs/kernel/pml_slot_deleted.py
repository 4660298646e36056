"""A slot that is deleted while its pages sit in a PML buffer."""

from model import ALL, NONE, Flag, Vcpu, choose, operation, wait_for
from model.designs.kernel.dirty_log import OneClient
from model.designs.kernel.pml_queue import PmlQueue


class PmlSlotDeleted(PmlQueue):
    """User space collects the log of a slot and deletes it, and a buffer still holds pages of that slot.

    When the vCPU leaves the guest there is no slot to mark, and the entry is dropped; the slot that comes after it
    starts with an empty log. It happens even if nothing comes between the collection and the deletion.

    Source: QEMU before f39b7d2b96 (5.2 to 7.2) accel/kvm/kvm-all.c, kvm_set_phys_mem(), "dirty bits can reside in
    hardware buffers (PML)"; Linux 6.1 virt/kvm/kvm_main.c, mark_page_dirty_in_slot() with memslot NULL.
    """

    deleted = Flag("there is no memslot at these addresses")

    @operation(by=OneClient)
    def replace(s, me):
        wait_for(~s.stopped)
        s.mine[me] |= s.kernel                 # kvm_slot_get_dirty_log(), here in one step with the deletion
        s.kernel = NONE                        # KVM_SET_USER_MEMORY_REGION with size 0
        s.armed = ALL                          # its SPTEs are zapped: every write faults
        s.deleted = True
        yield "deleted"
        s.deleted = False                      # the new slot, with an empty log
        yield "created"

    @operation(by=Vcpu)
    def write(s, me, page):
        wait_for(~s.deleted)
        PmlQueue.write(s, me, page)

    @operation(by=Vcpu)
    def exit(s, me):
        wait_for(~s.pml[me].empty)
        s.kernel |= choose(s.deleted, NONE, s.pml[me].head)
        s.pml[me].pop()
