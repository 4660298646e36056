"""The smallest wrong order: one bitmap, one reader, read and then clear."""

from model import NONE, Client, Design, Flag, Pages, every_client, operation, wait_for


class OneBitmap(Design):
    """A log that the writer sets by itself and the only reader clears.

    Source: QEMU 2.8, ram_list.dirty_memory[VGA] without KVM; BdrvDirtyBitmap in block migration.
    """

    kernel = Pages("the log: dirty_memory[VGA] under TCG, or a block device's BdrvDirtyBitmap")
    unread = Pages("ghost: pages (or blocks) whose newest content this client has not read", per=Client)
    finished = Flag("the writer has stopped, and the reader sees a clean log")

    @operation
    def write(s, me, page):
        wait_for(~s.finished)
        s.kernel |= page
        s.unread[every_client] |= page

    @operation
    def finish(s, me):
        wait_for(s.kernel <= NONE)
        s.finished = True


class ClearAfterRead(OneBitmap):
    """The reader copies what the log shows and then clears the log.

    A write between the two finds its bit already set, and the clear takes it for the old one. The display had this
    order for years, and KVM hid it, since QEMU works on a copy of the kernel's log there; block migration had it twice.

    Source: QEMU before fec5e8c92b, 2017-04-21, "The vga code clears the dirty bits *after* reading the framebuffer
    memory"; before c0bad49946, 2017-06-05, and 86b124bc76, 2018-03-08, in migration/block.c.
    """

    @operation
    def scan(s, me, want):
        wait_for(want <= s.kernel)
        s.unread[me] -= want                   # vga_draw_graphic(): draw the lines
        yield "read"
        s.kernel -= want                       # memory_region_reset_dirty()
        yield "cleared"
