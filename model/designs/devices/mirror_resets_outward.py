"""The block mirror, with a write to the target that resets too many bits."""

from model import NONE, choose, every_client, operation, wait_for, whole
from model.designs.devices.block_mirror import GRANULE, BlockMirror, Writer


class MirrorResetsOutward(BlockMirror):
    """A guest write that covers a part of a granule resets the bit of the whole granule.

    The other sectors of the granule were dirty, and their bit is gone.

    Source: a mutant of QEMU 10.0 block/mirror.c, do_sync_target_write(), "we safely align the range down".
    """

    @operation(by=Writer)
    def mirrored_write(s, me, sectors, failed: bool):
        wait_for(~s.stopped)
        BlockMirror.free(s, sectors)
        s.flying |= whole(sectors, GRANULE)
        s.unread[every_client] |= sectors
        yield "stored"
        s.kernel -= whole(sectors, GRANULE)    # aligned outward
        yield "reset"
        s.unread[every_client] -= choose(failed, NONE, sectors)
        s.kernel |= choose(failed, whole(sectors, GRANULE), NONE)
        s.flying -= whole(sectors, GRANULE)
        yield "settled"
