"""Nobody writes while the slot is exchanged."""

from model import NONE, Flag, every_client, operation, wait_for
from model.designs.dirty_log import DirtyLog
from model.designs.qemu.slot_removed_uncollected import MainLoop, SlotRemovedUncollected


class SlotRemovedFrozen(SlotRemovedUncollected):
    """Stop the writers, fetch the log, tell every client, delete, go on.

    Today's QEMU does it for every change of the map in which a slot is removed and made again: the vCPUs are kicked out
    of KVM_RUN and kept out until the new slots stand. Another way would be to make the slot read-only first.

    Source: QEMU f39b7d2b96 (8.0) kvm_region_commit() with accel_ioctl_inhibit_begin(), read in 10.0; before that our
    proposal. 4cc856faba, 2015-04-02, says that the slot's log is fetched at start-up or reboot, and nothing of paused
    vCPUs; 6f6a5ef3e4, 2015-03-23.
    """

    frozen = Flag("no vCPU can write: paused, or the slot is read-only")

    @operation
    def write(s, me, page):
        wait_for(~s.frozen)
        DirtyLog.write(s, me, page)

    @operation(by=MainLoop)
    def remove(s, me):
        s.frozen = True
        yield "frozen"
        with s.slots_lock:
            s.cache = s.kernel
            yield "reported"
            s.user[every_client] |= s.cache
            yield "merged"
            s.kernel = NONE
            s.cache = NONE
            yield "removed"
        s.frozen = False
        yield "thawed"
