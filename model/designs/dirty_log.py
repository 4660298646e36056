"""What every design of the 2019 discussion shares, and what those with a cache share."""

from model import NONE, Design, Lock, Pages, every_client, operation
from model.expr import Client


class DirtyLog(Design):
    """What every design shares: the kernel's log, two bitmaps per client, and what is at stake.

    Source: Linux 6.1 Documentation/virt/kvm/api.rst 4.117; QEMU 4.1 to 10.0 include/exec/ram_addr.h, migration/ram.c.
    """

    kernel = Pages("KVM's dirty log of the slot: set by the first write after a clear")
    user = Pages("ram_list.dirty_memory[client]: synced for this client, not collected yet", per=Client)
    mine = Pages("RAMBlock.bmap, or a display's snapshot: collected, not read yet", per=Client)
    unread = Pages("ghost: pages whose newest content this client has not read", per=Client)

    @operation
    def write(s, me, page):
        s.kernel |= page                       # KVM mark_page_dirty_in_slot(): set_bit_le(), in the write fault
        s.unread[every_client] |= page

    @operation
    def collect(s, me):
        s.mine[me] |= s.user[me]               # cpu_physical_memory_sync_dirty_bitmap(): dest[k] |= bits
        s.user[me] = NONE                      # the same: xchg of each word with 0; a display: the snapshot's

    def read(s, me, want):
        s.mine[me] -= want                     # migration_bitmap_clear_dirty(): test_and_clear_bit()
        s.unread[me] -= want                   # ram_save_page(); a display: vga_draw_graphic()


class SlotCache(DirtyLog):
    """What the designs with a cache share: GET overwrites the cache, and all of it goes to every client.

    Source: QEMU 7.2 and 10.0 accel/kvm/kvm-all.c, kvm_slot_get_dirty_log(), kvm_slot_sync_dirty_pages().
    """

    cache = Pages("KVMSlot.dirty_bmap: what the last GET_DIRTY_LOG reported and nobody cleared since")
    slots_lock = Lock("kml_slots_lock: guards every slot's cache")

    @operation
    def sync(s, me):
        with s.slots_lock:                     # kvm_slots_lock()
            s.cache = s.kernel                 # ioctl KVM_GET_DIRTY_LOG: reports, clears nothing
            yield "reported"
            s.user[every_client] |= s.cache    # cpu_physical_memory_set_dirty_lebitmap()
            yield "merged"
