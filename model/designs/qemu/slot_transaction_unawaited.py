"""A memory slot is exchanged while no vCPU may enter KVM_RUN, and some are still in it."""

from model import NONE, every_client, operation
from model.designs.qemu.slot_removed_uncollected import MainLoop
from model.designs.qemu.slot_transaction import SlotTransaction


class SlotTransactionUnawaited(SlotTransaction):
    """The vCPUs are kept from entering, and those that are inside are not waited for.

    What such a vCPU writes after the log was fetched goes with the slot: forbidding and waiting are two things.

    Source: a mutant of QEMU f39b7d2b96, accel_ioctl_inhibit_begin() without its wait for vCPUs in an ioctl.
    """

    @operation(by=MainLoop)
    def remove(s, me):
        with s.slots_lock:
            s.inhibited = True
            yield "inhibited"
            s.cache = s.kernel
            yield "reported"
            s.user[every_client] |= s.cache
            yield "merged"
            s.kernel = NONE
            s.cache = NONE
            yield "removed"
            s.inhibited = False
            yield "admitted"
