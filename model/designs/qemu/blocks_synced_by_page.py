"""Two RAM blocks in one global bitmap, each with a bitmap of its own that starts at zero."""

from model import ALL, NONE, Design, Flag, Guest, Pages, operation, shifted, wait_for
from model.designs.qemu.rearm_with_the_clear import Migration

LENGTH = 1                                     # pages of the first block; the second has the others
SECOND = shifted(ALL, LENGTH)                  # its pages, by ram_addr
FIRST = ~SECOND


class TwoBlocks(Design):
    """dirty_memory is indexed by ram_addr, RAMBlock.bmap by the page within the block.

    Source: QEMU 7.2 and 10.0 include/exec/ram_addr.h, cpu_physical_memory_sync_dirty_bitmap(); RAMBlock.offset.
    """

    user = Pages("ram_list.dirty_memory[MIGRATION], by ram_addr")
    first = Pages("RAMBlock.bmap of the first block")
    second = Pages("RAMBlock.bmap of the second block, from 0 like the first")
    unread = Pages("ghost: pages, by ram_addr, whose newest content is not at the destination")
    stopped = Flag("the vCPUs are stopped")
    finished = Flag("the last round is over")

    @operation
    def write(s, me, page):
        wait_for(~s.stopped)
        s.user |= page
        s.unread |= page

    @operation(by=Guest)
    def stop(s, me):
        wait_for(~s.stopped)
        s.stopped = True

    def send_all(s, me):
        s.unread -= s.first & FIRST
        s.unread -= shifted(s.second, LENGTH)
        s.first = s.first - FIRST              # a bit beyond the block's end is never found, and never sent
        s.second = NONE
        s.finished |= me.last


class BlocksSyncedByPage(TwoBlocks):
    """Each block takes its own bits, at its own offset, and no others.

    Whole words may be moved only where block and word begin and end together; otherwise the bits go page by page.

    Source: QEMU 084140bd49, 2017-06-28; f70d3451fe, 2017-07-24; aa777e297c, 2018-01-03.
    """

    @operation(by=Migration)
    def round(s, me):
        wait_for(~s.finished)
        me.last = s.stopped
        s.first |= s.user & FIRST              # test_and_clear_dirty() page by page
        s.user -= FIRST
        yield "synced first"
        s.second |= shifted(s.user, -LENGTH)   # rb->offset: ram_addr to page of the block
        s.user -= SECOND
        yield "synced second"
        TwoBlocks.send_all(s, me)
        yield "sent"
