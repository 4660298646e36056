"""arm64: the fault opens the page under mmu_lock, and marks it after it has let go of the lock."""

from model import Lock, Vcpu, operation, wait_for
from model.designs.kernel.dirty_log import ArmedLog, OneClient
from model.designs.kernel.fault_marks_last import FaultMarksLast


class MarkAfterUnlock(FaultMarksLast):
    """Between the unlock and the mark a CLEAR may arm the page again, and another vCPU may write to it unmarked.

    The mark that follows is later than either, so the page is reported once too often and never too seldom. The last
    GET waits until the fault has returned.

    Source: Linux 6.12 arch/arm64/kvm/mmu.c, user_mem_abort(), mark_page_dirty_in_slot() behind
    read_unlock(&kvm->mmu_lock); in Linux 6.1 it stands before the unlock.
    """

    mmu_lock = Lock("kvm->mmu_lock, taken for reading by faults and for writing by CLEAR")

    @operation(by=Vcpu)
    def fault(s, me, page):
        with s.mmu_lock:
            wait_for(~s.stopped)
            wait_for(page <= s.armed)
            s.armed -= page                    # kvm_pgtable_stage2_map()
            yield "opened"
        s.kernel |= page                       # mark_page_dirty_in_slot()
        yield "marked"

    @operation(by=OneClient)
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        yield "chosen"
        with s.mmu_lock:
            s.armed |= s.kernel & want
            s.kernel -= want
            yield "cleared"
        ArmedLog.read(s, me, want)
        yield "read"
