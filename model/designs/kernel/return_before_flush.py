"""CLEAR returns, and the TLBs are flushed a little later."""

from model import NONE, Vcpu, choose, operation, wait_for
from model.designs.kernel.dirty_log import OneClient, TlbLog
from model.designs.kernel.manual_clear import ManualClear


class ReturnBeforeFlush(ManualClear):
    """The flush was moved out of mmu_lock, and here also out of the ioctl, so user space reads before it.

    A vCPU that still has the old translation writes after the read, without a fault. The bit is gone already, so no
    report will ever name the page.

    Source: a mutant of Linux 6.1 kvm_clear_dirty_log_protect(), which flushes after mmu_lock and before it returns
    (since "flush tlb out of mmu lock", by our notes 198c74f43f0f, which could not be looked up again), against the rule
    stated in arch/x86/kvm/x86.c, kvm_mmu_slot_apply_flags(): protected "before userspace can consume the dirty status".
    """

    @operation(by=OneClient)
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        yield "chosen"
        with s.mmu_lock:
            me.gone = s.kernel & want
            s.kernel -= want
            yield "cleared"
            s.armed |= me.gone
            yield "protected"
        TlbLog.read(s, me, want)               # returned, and not flushed
        yield "read"
        s.tlb[Vcpu.every] = choose(me.gone <= NONE, s.tlb[Vcpu.every], NONE)
        yield "flushed"
