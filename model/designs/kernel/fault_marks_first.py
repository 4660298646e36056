"""A lock-less fault that marks the page, and then makes the SPTE writable."""

from model import Vcpu, operation, wait_for
from model.designs.kernel.fault_marks_last import FaultMarksLast


class FaultMarksFirst(FaultMarksLast):
    """The fault marks the page first and opens it afterwards, and a CLEAR comes in between.

    The CLEAR takes the fresh mark away and arms a page that is armed already; then the fault opens it. The page is
    neither armed nor in the log. Where KVM marks first, both steps are therefore under mmu_lock.

    Source: a mutant of Linux 6.1 arch/x86/kvm/mmu/spte.c, make_spte(), without mmu_lock.
    """

    @operation(by=Vcpu)
    def fault(s, me, page):
        wait_for(~s.stopped)
        wait_for(page <= s.armed)
        s.kernel |= page
        yield "marked"
        s.armed -= page
        yield "opened"
