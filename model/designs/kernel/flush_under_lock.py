"""Two who protect pages, and whoever does so flushes before the other can look."""

from model import NONE, Vcpu, choose, operation, wait_for
from model.designs.kernel.skipped_flush import SkippedFlush


class FlushUnderLock(SkippedFlush):
    """The flush is done inside the lock under which pages are protected.

    So a thread that finds a page protected may return at once: whenever the lock is free, protected means flushed.
    Since 198c74f43f0f the flush is outside again, and the others look at a software bit instead of W.

    Source: Linux 6dbf79e7164e "KVM: Fix write protection race during dirty logging".
    """

    @operation
    def clear(s, me, want):
        with s.mmu_lock:
            wait_for(want <= s.kernel[me])
            s.kernel[me] -= want
            me.changed = want - s.armed
            s.armed |= want
            yield "protected"
            s.tlb[Vcpu.every] = choose(me.changed <= NONE, s.tlb[Vcpu.every], NONE)     # kvm_flush_remote_tlbs()
            yield "flushed"
        s.unread[me] -= want
        yield "read"
