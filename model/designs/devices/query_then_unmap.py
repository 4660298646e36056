"""An IOMMU's D bits: asked for by one call and destroyed by the next, after the guest has taken the page back."""

from model import ALL, Guest, Pages, every_client, operation, wait_for
from model.designs.devices.dirty_log import Device, OneClient
from model.designs.devices.iopte_unmap import IopteUnmap


class QueryThenUnmap(IopteUnmap):
    """The guest tells its device to leave a page alone before it unmaps the page in its vIOMMU.

    So no DMA comes between the query and the unmap, and two calls are as good as one. Where a guest does not keep to
    it, they are report-then-unmap.

    Source: QEMU f051dbeb91 (after 10.2) "vfio/iommufd: Query dirty bitmap before DMA unmap", hw/vfio/iommufd.c,
    iommufd_cdev_unmap(): vfio_container_query_dirty_bitmap(), then iommufd_backend_unmap_dma(), read as v5 of the
    series (qemu-devel, 2025-11-05); a later patch of it adds IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR. That guests keep to
    it: our reasoning.
    """

    granted = Pages("pages that the guest lets the device write", initially=ALL)

    @operation(by=Device)
    def write(s, me, page):
        wait_for(page <= s.granted)
        wait_for(~s.stopped)
        wait_for(page <= s.mapped)
        s.kernel |= page
        s.unread[every_client] |= page

    @operation(by=Guest)
    def revoke(s, me, page):
        wait_for(page <= s.granted)
        s.granted -= page

    @operation(by=OneClient)
    def map(s, me, page):
        wait_for(~(page <= s.mapped))
        s.mapped |= page
        s.granted |= page

    @operation(by=OneClient)
    def unmap(s, me, page):
        wait_for(page <= s.mapped - s.granted)
        s.mine[me] |= s.kernel & page          # ioctl IOMMU_HWPT_GET_DIRTY_BITMAP, NO_CLEAR
        yield "queried"
        s.kernel -= page                       # ioctl IOMMU_IOAS_UNMAP
        s.mapped -= page
        yield "unmapped"
