"""The counter-proposal: clear the kernel by the bitmap that is about to be read."""

from model import Sort, every_client, operation
from model.designs.top_layer import TopLayer

Device = Sort("Device", "a device model or vhost back end that writes guest memory", ("the device",), size=1)


class ClearByBmap(TopLayer):
    """No cache: each client clears by RAMBlock.bmap, or by its display snapshot.

    A device's writes reach the bitmaps without passing through the kernel's log, so with a cache their pages are not
    cleared there and a guest's write to the same page is copied twice. Clearing by the client's bitmap saves that copy
    and is safe for as long as there is one client; the second one brings back the race of the top-layer bitmap.

    Source: Paolo Bonzini, qemu-devel, 2019-05-08 12:09 +0200: "Would it be possible to invoke the clear using rb->bmap
    instead of the KVMSlot's new bitmap?"; withdrawn at 13:55.
    """

    @operation(by=Device)
    def device_write(s, me, page):
        s.user[every_client] |= page           # cpu_physical_memory_set_dirty_range(): no KVM bit
        s.unread[every_client] |= page
