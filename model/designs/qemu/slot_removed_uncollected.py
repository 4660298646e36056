"""A memory slot goes away, and its log with it."""

from model import NONE, Sort, operation
from model.designs.top_layer_and_cache import TopLayerAndCache

MainLoop = Sort("MainLoop", "QEMU's main thread, which changes the memory map", ("the main loop",), size=1)


class SlotRemovedUncollected(TopLayerAndCache):
    """The memory map changes: KVM's slot is deleted and made again, and the bits that nobody had fetched are gone.

    The guest's memory stays; only the record of what was written to it does not. A reboot in the middle of a migration
    does this to every slot that the firmware moves.

    Source: QEMU 3fbffb628c, 2012-01-15, "Otherwise, the dirty log information is lost in the kernel forever", and
    4cc856faba, 2015-04-02, for the reboot; kvm_set_phys_mem().
    """

    @operation(by=MainLoop)
    def remove(s, me):
        with s.slots_lock:
            s.kernel = NONE                    # KVM_SET_USER_MEMORY_REGION: size 0, then the new slot with a new log
            s.cache = NONE                     # g_free(mem->dirty_bmap)
            yield "removed"
