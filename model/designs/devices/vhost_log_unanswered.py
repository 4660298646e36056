"""vhost: the first pages are sent before the device has switched its log on."""

from model import operation, wait_for
from model.designs.devices.dirty_log import OneClient
from model.designs.devices.vhost_log import VhostLog


class VhostLogUnanswered(VhostLog):
    """QEMU sends "log on" and does not wait for the answer; the first pages go out at once.

    The device, which has not read the message yet, writes one of them and marks nothing.

    Source: QEMU before 699f2e535d "vhost: make SET_VRING_ADDR, SET_FEATURES send replies", hw/virtio/vhost-user.c.
    """

    @operation(by=OneClient)
    def start(s, me):
        wait_for(~s.asked)
        s.asked = True
