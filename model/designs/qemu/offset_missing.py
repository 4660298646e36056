"""The second block is synced from the words of the first."""

from model import operation, shifted, wait_for
from model.designs.qemu.blocks_synced_by_page import FIRST, LENGTH, SECOND, TwoBlocks
from model.designs.qemu.rearm_with_the_clear import Migration

AS_LONG = shifted(SECOND, -LENGTH)             # as many pages as the second block has, from ram_addr 0


class OffsetMissing(TwoBlocks):
    """A page of the block is taken for a page of the whole memory: the block's offset is not added.

    So the second block's sync empties the first block's words and sends the wrong pages of its own. A write to the
    first block in between loses its bit, and the second block's bits are never looked at.

    Source: QEMU before 084140bd49, 2017-06-28, cpu_physical_memory_sync_dirty_bitmap(): "a guest with host memory
    backend may crash after migration".
    """

    @operation(by=Migration)
    def round(s, me):
        wait_for(~s.finished)
        me.last = s.stopped
        s.first |= s.user & FIRST
        s.user -= FIRST
        yield "synced first"
        s.second |= s.user & AS_LONG           # src[0 ...]: begins at ram_addr 0, not at the block
        s.user -= AS_LONG
        yield "synced second"
        TwoBlocks.send_all(s, me)
        yield "sent"
