"""An IOMMU's D bits, reported by one call and destroyed by the next."""

from model import operation, wait_for
from model.designs.devices.dirty_log import OneClient
from model.designs.devices.iopte_unmap import IopteUnmap


class ReportThenUnmap(IopteUnmap):
    """User space asks for the D bits and then unmaps, while the device goes on writing.

    What it writes between the two calls is marked in an IOPTE that is about to be removed. It is enough only where
    the device is quiet.

    Source: Linux 6.7 and later include/uapi/linux/iommufd.h, IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR, "where the next
    operation is an unmap of the same IOVA range". Two calls with the device running: our reasoning.
    """

    @operation(by=OneClient)
    def unmap(s, me, page):
        wait_for(page <= s.mapped)
        s.mine[me] |= s.kernel & page          # ioctl IOMMU_HWPT_GET_DIRTY_BITMAP, NO_CLEAR
        yield "reported"
        s.kernel -= page                       # ioctl IOMMU_IOAS_UNMAP
        s.mapped -= page
        yield "unmapped"
