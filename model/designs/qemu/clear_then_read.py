"""The smallest right order: one bitmap, one reader, clear and then read."""

from model import operation, wait_for
from model.designs.qemu.clear_after_read import OneBitmap


class ClearThenRead(OneBitmap):
    """The reader takes the bits out of the log first, and then copies the pages.

    A write in between is read already, and its bit makes the page be read once more: redundant, never lost.

    Source: QEMU fec5e8c92b, 2017-04-21, memory_region_snapshot_and_clear_dirty(); c0bad49946 "the bitmap has to be
    cleared before issuing the read"; 86b124bc76.
    """

    @operation
    def scan(s, me, want):
        wait_for(want <= s.kernel)
        s.kernel -= want                       # bdrv_reset_dirty_bitmap(), or the snapshot
        yield "cleared"
        s.unread[me] -= want                   # then the read
        yield "read"
