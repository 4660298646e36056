"""QEMU's block mirror: a dirty bitmap in granules, and guest writes that go to the target themselves."""

from model import NONE, Design, Flag, Guest, Pages, Sort, choose, every_client, idle, operation, wait_for, whole
from model.designs.devices.dirty_log import OneClient

GRANULE = 2                                    # sectors a bit of the dirty bitmap
Writer = Sort("Writer", "a guest write in flight", ("the guest",), size=1)


class BlockMirror(Design):
    """The job resets a granule's bit, marks it in flight, then reads and copies it; after an error it sets the bit.

    In write-blocking mode a guest write also goes to the target. If that succeeds, only the bits of granules that it
    covers whole are reset; if it fails, the bits of all that it touches are set.

    Source: QEMU 7.2 and 10.0 block/mirror.c, mirror_iteration(), mirror_write_complete(), do_sync_target_write().
    """

    kernel = Pages("BdrvDirtyBitmap: a granule has one bit, so its sectors are set and reset together")
    flying = Pages("in_flight_bitmap: granules that are being copied")
    unread = Pages("ghost: sectors whose newest content is not on the target", per=OneClient)
    stopped = Flag("the source is drained: no guest write is in flight")
    finished = Flag("the job has completed")

    def covered(want):
        return ~whole(~want, GRANULE)          # granules that lie within it: aligned inward

    def free(s, want):
        wait_for(want & s.flying <= NONE)      # mirror_wait_on_conflicts(); `flying` holds whole granules

    @operation(by=Writer)
    def write(s, me, page):
        wait_for(~s.stopped)
        s.kernel |= whole(page, GRANULE)       # bdrv_set_dirty_bitmap(), rounded to granules
        s.unread[every_client] |= page

    @operation(by=Writer)
    def mirrored_write(s, me, sectors, failed: bool):
        wait_for(~s.stopped)
        BlockMirror.free(s, sectors)
        s.flying |= whole(sectors, GRANULE)    # active_write_prepare()
        s.unread[every_client] |= sectors      # bdrv_co_pwritev(bs->backing, ...)
        yield "stored"
        s.kernel -= BlockMirror.covered(sectors)           # bdrv_reset_dirty_bitmap(), aligned inward
        yield "reset"
        s.unread[every_client] -= choose(failed, NONE, sectors)    # blk_co_pwritev_part(job->target, ...)
        s.kernel |= choose(failed, whole(sectors, GRANULE), NONE)  # bdrv_set_dirty_bitmap(), aligned outward
        s.flying -= whole(sectors, GRANULE)    # active_write_settle()
        yield "settled"

    @operation(by=OneClient)
    def iterate(s, me, want, error: bool):
        wait_for(want <= s.kernel)             # which holds whole granules
        BlockMirror.free(s, want)
        s.kernel -= whole(want, GRANULE)       # bdrv_reset_dirty_bitmap_locked()
        s.flying |= whole(want, GRANULE)
        yield "reset"
        me.old = s.unread[me] & whole(want, GRANULE)
        s.unread[me] -= whole(want, GRANULE)   # blk_aio_preadv(): a write from here on is a new one
        yield "read"
        s.unread[me] |= choose(error, me.old, NONE)        # the target did not get what was read
        s.kernel |= choose(error, whole(want, GRANULE), NONE)     # mirror_write_complete(): bdrv_set_dirty_bitmap()
        s.flying -= whole(want, GRANULE)       # mirror_iteration_done()
        yield "copied"

    @operation(by=Guest)
    def stop(s, me):
        wait_for(~s.stopped)
        wait_for(idle(Writer[0]))              # bdrv_drained_begin()
        s.stopped = True

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.stopped)
        wait_for(s.kernel <= NONE)             # bdrv_get_dirty_count() == 0
        s.finished = True
