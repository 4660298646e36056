"""vhost: the log is not pulled again after the device has stopped."""

from model import every, idle, operation, wait_for
from model.designs.devices.dirty_log import Device, DeviceLog, OneClient
from model.designs.devices.vhost_log import VhostLog


class VhostLastPassMissing(VhostLog):
    """The rounds pull the log, the device is stopped, and what it marked since the last round is left in its log.

    The next log of the device begins empty, so nothing names those pages again.

    Source: QEMU before 5c0ba1be37, "the last pass on the dirty bitmap never happens at the end of migration",
    hw/virtio/vhost.c; the pass is in vhost_log_put(sync = true), which vhost_dev_stop() calls (QEMU 10.0).
    """

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.asked & s.stopped)
        wait_for(every(Device, lambda device: idle(device)))
        DeviceLog.finish(s, me)
