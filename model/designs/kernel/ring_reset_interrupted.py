"""The dirty ring with QEMU's slot cache: a RESET that a signal cut short is taken for a whole one."""

from model import NONE, operation
from model.designs.kernel.dirty_log import OneClient
from model.designs.kernel.ring_reset_repeated import RingResetRepeated


class RingResetInterrupted(RingResetRepeated):
    """The cache is handed on and its pages are read, while some of them are not armed yet.

    A write to such a page leaves no entry, and a later RESET arms the page with its newest content unread. QEMU has an
    assertion in place of this: it aborts.

    Source: a mutant of QEMU 10.0 accel/kvm/kvm-all.c, kvm_dirty_ring_reap_locked(), without assert(ret == total).
    """

    @operation(by=OneClient)
    def merge(s, me):
        s.mine[me] |= s.cache
        s.cache = NONE
