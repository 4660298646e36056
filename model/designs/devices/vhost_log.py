"""vhost: the log is switched on, acknowledged, pulled in every round, and pulled a last time."""

from model import ALL, NONE, Flag, Pages, choose, every, every_client, idle, operation, wait_for
from model.designs.devices.dirty_log import Device, DeviceLog, OneClient


class VhostLog(DeviceLog):
    """A vhost device marks what it writes once it has been told to, and migration pulls its log.

    QEMU waits for the answer to "log on" before it sends the first page, and pulls the log once more after the rings
    have been stopped. The device stores first and marks afterwards.

    Source: QEMU hw/virtio/vhost.c, vhost_migration_log(), vhost_log_sync(), vhost_dev_stop(); 699f2e535d (wait for
    the reply), 5c0ba1be37 (last pass); Linux drivers/vhost/vhost.c, vhost_log_write().
    """

    logging = Flag("the device has handled VHOST_SET_FEATURES with VHOST_F_LOG_ALL")
    asked = Flag("QEMU has sent it")
    mine = Pages("RAMBlock.bmap: at the start everything", per=OneClient, initially=ALL)
    unread = Pages("ghost: pages whose newest content was not sent", per=OneClient, initially=ALL)

    @operation(by=Device)
    def write(s, me, page):
        wait_for(~s.stopped)
        s.unread[every_client] |= page
        yield "stored"
        s.kernel |= choose(s.logging, page, NONE)           # if (vq_log) vhost_log_write()
        yield "marked"

    @operation(by=Device)
    def enable(s, me):
        wait_for(s.asked & ~s.logging)
        s.logging = True

    @operation(by=OneClient)
    def start(s, me):
        wait_for(~s.asked)
        s.asked = True                         # vhost_dev_set_log(): vhost_user_write()
        yield "asked"
        wait_for(s.logging)                    # process_message_reply()
        yield "answered"

    @operation(by=OneClient)
    def send(s, me, want):
        wait_for(s.asked)
        DeviceLog.send(s, me, want)

    @operation(by=OneClient)
    def sync(s, me):
        wait_for(s.asked)
        s.mine[me] |= s.kernel                 # vhost_log_sync(): xchg() a chunk
        s.kernel = NONE

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.asked & s.stopped)
        wait_for(every(Device, lambda device: idle(device)))        # VHOST_GET_VRING_BASE has been answered
        s.mine[me] |= s.kernel                 # vhost_dev_stop(): vhost_sync_dirty_bitmap()
        s.kernel = NONE
        yield "synced"
        DeviceLog.finish(s, me)
        yield "sent"
