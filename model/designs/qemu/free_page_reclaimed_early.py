"""The guest takes a hinted page back before the hint is taken. Unconfirmed reading."""

from model import Guest, operation, wait_for
from model.designs.qemu.free_page_hinting import FreePageHinting


class FreePageReclaimedEarly(FreePageHinting):
    """The shrinker gives a hinted page back to the guest, which writes it while the hint is still in the queue.

    The write finds the kernel's bit set since long ago; then the hint is taken, the chunk is cleared and the page
    dropped, new content and all. This is our reading of what a Linux guest may do; nobody has confirmed it, and the
    driver keeps hinted pages off the allocator in the usual case.

    Source: QEMU 7.2 qemu_guest_free_page_hint(); Linux 6.1 drivers/virtio/virtio_balloon.c, the shrinker's release of
    hinted pages.
    """

    @operation(by=Guest)
    def reclaim(s, me, page):
        wait_for(page <= s.free)               # without waiting for the device
        s.free -= page
