"""An SPTE that one thread reads and writes back while another sets its W bit."""

from model import NONE, Machine, Page, Pages, Vcpu, choose, every, idle, operation, wait_for
from model.designs.kernel.dirty_log import OneClient, TlbLog


class LostWritableBit(TlbLog):
    """Ageing reads an SPTE and writes it back; in between a lock-less fault makes the SPTE writable and a vCPU uses it.

    The write-back takes the W bit away again and leaves the translation in the TLB. The next CLEAR finds the page
    protected already and changes no SPTE. It flushes all the same, because it flushes whenever it has cleared a bit of
    the log, so nothing is lost here. Where a flush hangs on "an SPTE was changed" it is: flush-if-changed.

    Source: Linux 6.1 virt/kvm/kvm_main.c, kvm_clear_dirty_log_protect(), `if (mask) flush = true`;
    arch/x86/kvm/mmu/tdp_mmu.c, clear_dirty_pt_masked(); the write-back before ba3a6120a4e7 "KVM: x86/mmu: Use atomic
    XCHG to write TDP MMU SPTEs with volatile bits", handle_changed_spte(), fast_page_fault().
    """

    accessed = Pages("the A bit of the SPTE, which ageing clears in the same word")

    @operation(by=Vcpu)
    def fault(s, me, page):
        wait_for(~s.stopped)
        wait_for(page <= s.armed)
        s.armed -= page                        # fast_pf_fix_direct_spte(): try_cmpxchg64(), without mmu_lock
        yield "fixed"
        s.kernel |= page                       # mark_page_dirty_in_slot()
        yield "marked"

    @operation(by=Vcpu)
    def write(s, me, page):
        wait_for(~s.stopped)
        wait_for(page <= s.tlb[me] | ~s.armed)
        s.tlb[me] |= page
        s.accessed |= page
        s.unread[OneClient.every] |= page

    @operation(by=Machine)
    def age(s, me, gfn: Page):
        with s.mmu_lock:
            me.protected = s.armed & gfn       # old_spte = READ_ONCE(*sptep)
            yield "loaded"
            s.accessed -= gfn                  # WRITE_ONCE(*sptep, old_spte & ~A): its W bit is the old one too
            s.armed = s.armed - gfn | me.protected
            yield "stored"

    @operation(by=OneClient)
    def sync(s, me):
        s.mine[me] |= s.kernel                 # ioctl KVM_GET_DIRTY_LOG

    @operation(by=OneClient)
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        yield "chosen"
        with s.mmu_lock:
            me.cleared = s.kernel & want       # mask &= atomic_long_fetch_andnot(mask, p)
            s.armed |= me.cleared              # clear_dirty_pt_masked(): returns nothing
            s.kernel -= want
            yield "cleared"
        s.tlb[Vcpu.every] = choose(me.cleared <= NONE, s.tlb[Vcpu.every], NONE)     # if (flush)
        yield "flushed"
        TlbLog.read(s, me, want)
        yield "read"

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.stopped)
        wait_for(every(Vcpu, lambda vcpu: idle(vcpu)))
        s.mine[me] |= s.kernel
        yield "synced"
        TlbLog.finish(s, me)
        yield "sent"
