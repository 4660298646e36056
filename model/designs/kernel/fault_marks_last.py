"""A lock-less fault: the SPTE is made writable, and then the page is marked."""

from model import Vcpu, every, every_client, idle, operation, wait_for
from model.designs.kernel.dirty_log import ArmedLog, OneClient


class FaultMarksLast(ArmedLog):
    """The fault opens the page first and marks it before its vCPU enters the guest again.

    Another vCPU may write in between, unmarked; the mark follows and is later than any CLEAR that ran before it. The
    last GET waits until every vCPU has left KVM_RUN, so it sees that mark.

    Source: Linux 6.1 arch/x86/kvm/mmu/mmu.c, fast_pf_fix_direct_spte(), which holds no lock. arm64 is another case: in
    6.1 user_mem_abort() marks under mmu_lock (read), in 6.12 after it has let go of it (mark-after-unlock).
    """

    @operation(by=Vcpu)
    def fault(s, me, page):
        wait_for(~s.stopped)
        wait_for(page <= s.armed)
        s.armed -= page                        # try_cmpxchg64(sptep, &old_spte, new_spte)
        yield "opened"
        s.kernel |= page                       # mark_page_dirty_in_slot()
        yield "marked"

    @operation(by=Vcpu)
    def write(s, me, page):
        wait_for(~s.stopped)
        wait_for(~(page <= s.armed))
        s.unread[every_client] |= page

    @operation(by=OneClient)
    def sync(s, me):
        s.mine[me] |= s.kernel                 # ioctl KVM_GET_DIRTY_LOG

    @operation(by=OneClient)
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        s.armed |= s.kernel & want             # ioctl KVM_CLEAR_DIRTY_LOG, under mmu_lock
        s.kernel -= want
        yield "cleared"
        ArmedLog.read(s, me, want)
        yield "read"

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.stopped)
        wait_for(every(Vcpu, lambda vcpu: idle(vcpu)))      # each has left KVM_RUN
        s.mine[me] |= s.kernel
        yield "synced"
        ArmedLog.finish(s, me)
        yield "sent"
