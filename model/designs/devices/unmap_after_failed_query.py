"""An IOMMU's D bits: the query fails, and the page is unmapped all the same."""

from model import NONE, choose, operation, wait_for
from model.designs.devices.dirty_log import OneClient
from model.designs.devices.query_then_unmap import QueryThenUnmap


class UnmapAfterFailedQuery(QueryThenUnmap):
    """An error of the query is reported and not acted on; the unmap goes on and takes the D bits with it.

    What helps is to call the whole range dirty where it cannot be asked, or to give the migration up, which is what
    review made of it: since v3 the error is returned and the migration fails.

    Source: v1 of the series that became QEMU f051dbeb91 (qemu-devel, 2025-09-10), hw/vfio/iommufd.c,
    iommufd_cdev_unmap_one(): `if (ret) error_report_err(local_err)`, then the unmap's result alone is returned; v5
    (2025-11-05) returns `unmap_ret ? : ret`. That the query fails with bits set: our reasoning.
    """

    @operation(by=OneClient)
    def unmap(s, me, page, failed: bool):
        wait_for(page <= s.mapped - s.granted)
        s.mine[me] |= choose(failed, NONE, s.kernel & page)
        yield "queried"
        s.kernel -= page
        s.mapped -= page
        yield "unmapped"
