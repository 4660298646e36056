"""The log is fetched before the slot is deleted, and the vCPUs run on meanwhile."""

from model import NONE, every_client, operation
from model.designs.qemu.slot_removed_uncollected import MainLoop, SlotRemovedUncollected


class SlotRemovedBestEffort(SlotRemovedUncollected):
    """GET, tell every client, delete: a vCPU that writes between the first and the last is not heard.

    Neither lock helps, as vCPUs take none to write. The comment in the code admitted it and hoped.

    Source: QEMU 5.2 to 7.2 accel/kvm/kvm-all.c, kvm_set_phys_mem(): "after we collected dirty bits here, pages can be
    dirtied again before we do the final KVM_SET_USER_MEMORY_REGION to remove the slot. Not easy. Let's cross the
    fingers until it's fixed." The comment still stands in 10.0, and is outdated: since f39b7d2b96 (8.0)
    kvm_region_commit() keeps the vCPUs out of KVM_RUN (slot-transaction).
    """

    @operation(by=MainLoop)
    def remove(s, me):
        with s.slots_lock:
            s.cache = s.kernel                 # kvm_slot_get_dirty_log()
            yield "reported"
            s.user[every_client] |= s.cache    # kvm_slot_sync_dirty_pages()
            yield "merged"
            s.kernel = NONE
            s.cache = NONE
            yield "removed"
