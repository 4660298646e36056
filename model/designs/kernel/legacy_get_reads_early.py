"""Legacy GET with a reader that does not wait for the ioctl to return."""

from model import NONE, Vcpu, operation
from model.designs.kernel.dirty_log import OneClient, TlbLog
from model.designs.kernel.legacy_get import LegacyGet


class LegacyGetReadsEarly(LegacyGet):
    """The report is visible to user space before the TLBs are flushed, and the pages are read at once.

    A write through an old translation then lands after the read: its page is protected, so no fault came, and its bit
    is gone. It is why the flush stands before the copy to user space.

    Source: a mutant of Linux 6.1 virt/kvm/kvm_main.c, kvm_get_dirty_log_protect(), with its steps 3 and 4 exchanged
    with the flush.
    """

    @operation(by=OneClient)
    def sync(s, me):
        with s.mmu_lock:
            me.snapshot = s.kernel
            s.kernel = NONE
            yield "swapped"
            s.armed |= me.snapshot
            yield "protected"
        TlbLog.read(s, me, me.snapshot)        # too early
        yield "read"
        s.tlb[Vcpu.every] = NONE
        yield "flushed"

    send = None
