"""A memory slot is exchanged while no vCPU is in KVM_RUN."""

from model import NONE, Flag, Vcpu, every, every_client, operation, wait_for
from model.designs.dirty_log import DirtyLog
from model.designs.qemu.slot_removed_uncollected import MainLoop
from model.designs.top_layer_and_cache import TopLayerAndCache


class SlotTransaction(TopLayerAndCache):
    """The memory map is committed in one transaction: no vCPU may enter, each is waited for, then slots go and come.

    A vCPU that has left KVM_RUN has emptied its PML buffer too, so the log that is fetched is all there is.

    Source: QEMU f39b7d2b96 (8.0), accel/kvm/kvm-all.c, kvm_region_commit(): kvm_slots_lock(),
    accel_ioctl_inhibit_begin(), then the removals and the additions; read in 10.0.
    """

    inhibited = Flag("accel_in_ioctl_lock is held: no vCPU enters KVM_RUN")
    running = Flag("the vCPU is in KVM_RUN", per=Vcpu)

    @operation(by=Vcpu)
    def write(s, me, page):
        wait_for(s.running[me])
        DirtyLog.write(s, me, page)

    @operation(by=Vcpu)
    def enter(s, me):
        wait_for(~s.inhibited & ~s.running[me])
        s.running[me] = True

    @operation(by=Vcpu)
    def leave(s, me):
        wait_for(s.running[me])
        s.running[me] = False

    @operation(by=MainLoop)
    def remove(s, me):
        with s.slots_lock:
            s.inhibited = True                 # accel_ioctl_inhibit_begin(): kicks the vCPUs ...
            yield "inhibited"
            wait_for(every(Vcpu, lambda vcpu: ~s.running[vcpu]))     # ... and waits until each has left
            s.cache = s.kernel                 # kvm_slot_get_dirty_log()
            yield "reported"
            s.user[every_client] |= s.cache
            yield "merged"
            s.kernel = NONE
            s.cache = NONE
            yield "removed"
            s.inhibited = False
            yield "admitted"
