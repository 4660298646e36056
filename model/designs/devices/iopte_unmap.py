"""An IOMMU that tracks writes in its page table: unmapping reports the D bits it destroys."""

from model import ALL, NONE, Pages, every_client, operation, wait_for
from model.designs.devices.dirty_log import Device, DeviceLog, OneClient


class IopteUnmap(DeviceLog):
    """The D bit of a page lives in its IOPTE, and goes with it; so unmapping hands out the D bits in the same call.

    After the call no DMA reaches the page, and before it every DMA has set the bit that is handed out.

    Source: Linux 6.7 and later drivers/iommu/iommufd, where IOMMUs have D bits; a report that comes with the unmap is
    the interface of Linux 6.1 include/uapi/linux/vfio.h, VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, and QEMU 10.0
    hw/vfio/container.c, vfio_dma_unmap_bitmap(). VFIO type1 itself has no D bits: it sets the whole bitmap for groups
    that are not pinned, and copies it out before it unmaps (update_user_bitmap()). The two together: our reasoning.
    """

    kernel = Pages("D bits of the IOPTEs")
    mapped = Pages("pages that have an IOPTE", initially=ALL)

    @operation(by=Device)
    def write(s, me, page):
        wait_for(~s.stopped)
        wait_for(page <= s.mapped)
        s.kernel |= page
        s.unread[every_client] |= page

    @operation(by=OneClient)
    def sync(s, me):
        s.mine[me] |= s.kernel                 # read_and_clear_dirty() of every IOPTE, then the IOTLB is flushed
        s.kernel = NONE

    @operation(by=OneClient)
    def map(s, me, page):
        wait_for(~(page <= s.mapped))
        s.mapped |= page

    @operation(by=OneClient)
    def unmap(s, me, page):
        wait_for(page <= s.mapped)
        s.mine[me] |= s.kernel & page          # the bitmap that the call returns
        s.kernel -= page
        s.mapped -= page

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.stopped)
        s.mine[me] |= s.kernel
        s.kernel = NONE
        yield "synced"
        DeviceLog.finish(s, me)
        yield "sent"
