"""Nobody writes while the slot is exchanged."""

from model import NONE, Flag, every_client, operation, wait_for
from model.designs.dirty_log import DirtyLog
from model.designs.qemu.slot_removed_uncollected import MainLoop, SlotRemovedUncollected


class SlotRemovedFrozen(SlotRemovedUncollected):
    """Stop the writers, fetch the log, tell every client, delete, go on.

    On a reboot the vCPUs are paused anyway, and the fix of 2015 needs no more than the fetch. For a map that changes
    under running vCPUs the same order needs the slot read-only or unmapped first, so that a write faults and waits.

    Source: QEMU 4cc856faba, 2015-04-02 (reboot: vCPUs paused); 6f6a5ef3e4, 2015-03-23. Read-only first: our proposal
    for the comment in kvm_set_phys_mem().
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
