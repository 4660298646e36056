"""libvfio-user: tracking starts while the device has pages mapped for writing."""

from model import ALL, NONE, Flag, Pages, every_client, operation, wait_for
from model.designs.devices.dirty_log import Device, DeviceLog, OneClient


class LiveMappings(DeviceLog):
    """A device marks a page when it maps it for writing, and then writes for as long as the mapping lives.

    A mapping that was made before the log was switched on, or before the log was last collected, writes unmarked.

    Source: libvfio-user issue 540, lib/dma.c, dma_sgl_get(), before pull request 551.
    """

    logging = Flag("dirty page logging has been started")
    open = Pages("pages that the device has mapped for writing")
    mine = Pages("RAMBlock.bmap: at the start everything", per=OneClient, initially=ALL)
    unread = Pages("ghost: pages whose newest content was not sent", per=OneClient, initially=ALL)

    @operation(by=Device)
    def map(s, me, page):
        wait_for(~s.stopped)
        s.open |= page                         # dma_sgl_get()
        s.kernel |= page                       # _dma_mark_dirty(); without a log nobody looks at it

    @operation(by=Device)
    def write(s, me, page):
        wait_for(~s.stopped)
        wait_for(page <= s.open)
        s.unread[every_client] |= page

    @operation(by=Device)
    def unmap(s, me, page):
        wait_for(page <= s.open)
        s.open -= page                         # dma_sgl_put()

    @operation(by=OneClient)
    def start(s, me):
        wait_for(~s.logging)
        s.logging = True
        s.kernel = NONE                        # dma_controller_dirty_page_logging_start(): calloc()

    @operation(by=OneClient)
    def send(s, me, want):
        wait_for(s.logging)
        DeviceLog.send(s, me, want)

    @operation(by=OneClient)
    def sync(s, me):
        wait_for(s.logging)
        s.mine[me] |= s.kernel                 # dma_controller_dirty_page_get()
        s.kernel = NONE

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.logging & s.stopped)
        s.mine[me] |= s.kernel
        s.kernel = NONE
        yield "synced"
        DeviceLog.finish(s, me)
        yield "sent"
