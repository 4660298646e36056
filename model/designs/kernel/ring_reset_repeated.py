"""The dirty ring with QEMU's slot cache: a RESET that a signal cuts short is called again."""

from model import NONE, AnyPages, Pages, Vcpu, every, operation, wait_for
from model.designs.kernel.dirty_log import OneClient
from model.designs.kernel.dirty_ring import DirtyRing


class RingResetRepeated(DirtyRing):
    """Entries go into the slot's cache when they are taken, and a RESET may arm only some of their pages.

    The cache is handed on once every entry that was taken has been reset, however many calls that needs.

    Source: QEMU 10.0 accel/kvm/kvm-all.c, kvm_dirty_ring_reap_locked(), which asserts that RESET gave back all
    (`ret == total`); Linux 49005a2a3d2a "KVM: Bail from the dirty ring reset flow if a signal is pending" (posted to
    kvm, 2025-05-16; not in 6.12), virt/kvm/dirty_ring.c, kvm_dirty_ring_reset(). The loop: our reasoning.
    """

    cache = Pages("KVMSlot.dirty_bmap: taken from rings, not handed on yet")

    @operation(by=OneClient)
    def harvest(s, me, vcpu: Vcpu):
        s.taken |= s.ring[vcpu].head           # kvm_dirty_ring_reap_one()
        s.cache |= s.ring[vcpu].head           # kvm_dirty_ring_mark_page()
        s.ring[vcpu].pop()

    @operation(by=OneClient)
    def reset(s, me, some: AnyPages):
        wait_for(~(s.taken <= NONE))
        s.armed |= s.taken & some              # ioctl KVM_RESET_DIRTY_RINGS, cut short: EINTR
        s.taken -= some

    @operation(by=OneClient)
    def merge(s, me):
        wait_for(s.taken <= NONE)
        s.mine[me] |= s.cache                  # kvm_slot_sync_dirty_pages()
        s.cache = NONE

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.stopped)
        wait_for(every(Vcpu, lambda vcpu: s.ring[vcpu].empty))
        wait_for(s.taken | s.cache <= NONE)
        DirtyRing.finish(s, me)
