"""An IOMMU's D bits, destroyed by an unmap that reports nothing."""

from model import operation, wait_for
from model.designs.devices.dirty_log import OneClient
from model.designs.devices.iopte_unmap import IopteUnmap


class UnmapWithoutReport(IopteUnmap):
    """The IOPTE is removed and its D bit with it; a later report does not know the page any more.

    Source: QEMU 10.0 to 10.2 hw/vfio/iommufd.c, iommufd_cdev_unmap(), where QEMU's own comment says that the bitmap of
    an unmap in a migration is still to be handled; e46883204c blocks migration with a vIOMMU. Overtaken by f051dbeb91:
    query, then unmap (query-then-unmap).
    """

    @operation(by=OneClient)
    def unmap(s, me, page):
        wait_for(page <= s.mapped)
        s.kernel -= page                       # ioctl IOMMU_IOAS_UNMAP
        s.mapped -= page
