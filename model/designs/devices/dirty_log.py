"""What the designs of this family share: a device that writes, one reader, and an end of their own."""

from model import NONE, Design, Flag, Guest, Pages, Sort, operation, wait_for

Device = Sort("Device", "whoever writes guest memory and is no vCPU", ("the device",), size=1)
OneClient = Sort("Client", "migration, the only reader of the log", ("MIGRATION",), size=1)


class DeviceLog(Design):
    """A device notes the pages that it writes in a log of its own; the reader ends with a last pass over it.

    Source: QEMU 10.0 hw/virtio/vhost.c, hw/vfio/container.c; migration/ram.c.
    """

    kernel = Pages("the device's log: pages that it has written since the last report")
    mine = Pages("RAMBlock.bmap: reported, not sent yet", per=OneClient)
    unread = Pages("ghost: pages whose newest content was not sent", per=OneClient)
    stopped = Flag("the device has been stopped")
    finished = Flag("ram_save_complete() has returned")

    @operation(by=Guest)
    def stop(s, me):
        wait_for(~s.stopped)
        s.stopped = True

    @operation(by=OneClient)
    def send(s, me, want):
        wait_for(want <= s.mine[me])
        s.mine[me] -= want
        s.unread[me] -= want

    def finish(s, me):
        s.unread[me] -= s.mine[me]
        s.mine[me] = NONE
        s.finished = True
