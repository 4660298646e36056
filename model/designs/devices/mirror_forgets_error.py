"""The block mirror, with a copy whose failure leaves the bit reset."""

from model import NONE, choose, operation, wait_for, whole
from model.designs.devices.block_mirror import GRANULE, BlockMirror
from model.designs.devices.dirty_log import OneClient


class MirrorForgetsError(BlockMirror):
    """The bit is reset before the copy, and when the copy fails nobody sets it again.

    The job then counts the granule as copied, and completes while the target holds the old content.

    Source: a mutant of QEMU 10.0 block/mirror.c, mirror_write_complete().
    """

    @operation(by=OneClient)
    def iterate(s, me, want, error: bool):
        wait_for(want <= s.kernel)
        BlockMirror.free(s, want)
        s.kernel -= whole(want, GRANULE)
        s.flying |= whole(want, GRANULE)
        yield "reset"
        me.old = s.unread[me] & whole(want, GRANULE)
        s.unread[me] -= whole(want, GRANULE)
        yield "read"
        s.unread[me] |= choose(error, me.old, NONE)        # and no bdrv_set_dirty_bitmap()
        s.flying -= whole(want, GRANULE)
        yield "copied"
