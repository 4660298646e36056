"""The dirty ring: entries are harvested, given back by RESET, and only then read."""

from model import ALL, NONE, Pages, Queue, Vcpu, every, every_client, operation, wait_for
from model.designs.kernel.dirty_log import ArmedLog, OneClient


class DirtyRing(ArmedLog):
    """A fault puts its page into the vCPU's ring; user space takes entries, and the RESET ioctl arms their pages again.

    Until the RESET a taken page is not armed, so what is written to it shows nowhere. User space therefore reads after
    it; at the end it stops the vCPUs, takes what is left, resets and reads.

    Source: Linux 6.1 virt/kvm/dirty_ring.c, kvm_dirty_ring_push(), kvm_dirty_ring_reset(); api.rst,
    KVM_CAP_DIRTY_LOG_RING; QEMU 7.2 and 10.0 accel/kvm/kvm-all.c, kvm_dirty_ring_reap_locked().
    """

    kernel = None
    ring = Queue("kvm_dirty_ring of the vCPU", per=Vcpu, length=2)
    taken = Pages("entries with KVM_DIRTY_GFN_F_RESET: seen by user space, not armed yet")
    mine = Pages("RAMBlock.bmap: what may be sent; at the start everything", per=OneClient, initially=ALL)
    unread = Pages("ghost: pages whose newest content was not sent", per=OneClient, initially=ALL)

    @operation(by=Vcpu)
    def write(s, me, page):
        wait_for(~s.stopped)
        wait_for(page <= s.armed)
        s.ring[me].push(page)                  # full: KVM_EXIT_DIRTY_RING_FULL, and the write waits
        s.armed -= page
        s.unread[every_client] |= page

    @operation(by=Vcpu)
    def rewrite(s, me, page):
        wait_for(~s.stopped)
        wait_for(~(page <= s.armed))
        s.unread[every_client] |= page

    @operation(by=OneClient)
    def harvest(s, me, vcpu: Vcpu):
        s.taken |= s.ring[vcpu].head           # kvm_dirty_ring_reap_one()
        s.ring[vcpu].pop()

    @operation(by=OneClient)
    def reset(s, me):
        wait_for(~(s.taken <= NONE))
        s.armed |= s.taken                     # ioctl KVM_RESET_DIRTY_RINGS, TLBs flushed before it returns
        s.mine[me] |= s.taken                  # the slot's dirty_bmap, and from there to the clients
        s.taken = NONE

    @operation(by=OneClient)
    def send(s, me, want):
        wait_for(want <= s.mine[me])
        ArmedLog.read(s, me, want)

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.stopped)
        wait_for(every(Vcpu, lambda vcpu: s.ring[vcpu].empty))
        wait_for(s.taken <= NONE)
        ArmedLog.finish(s, me)
