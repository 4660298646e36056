"""Two who protect pages, and one of them infers from the SPTE that the TLBs are clean."""

from model import NONE, Flag, Pages, Vcpu, choose, every, every_client, operation, wait_for
from model.designs.kernel.dirty_log import TlbLog
from model.expr import Client


class SkippedFlush(TlbLog):
    """One thread has protected the page and not flushed yet; another finds it protected and returns without a flush.

    The second takes "protected" for "no write gets through" and reads, while a vCPU still writes through its old
    translation. In 2012 the first was the dirty log and the second the shadow MMU, which lost track of a guest's page
    table; here each of the two has a log of its own, filled by the same faults.

    Source: Linux before 6dbf79e7164e "KVM: Fix write protection race during dirty logging", arch/x86/kvm/x86.c,
    write_protect_slot(), and arch/x86/kvm/mmu.c, rmap_write_protect(). Two users with a log each: our generalisation.
    """

    kernel = Pages("what faulted since this user last asked: the dirty bitmap, or pages gone out of sync", per=Client)
    mine = None
    unread = Pages("ghost: pages whose newest content this user has not read", per=Client)
    done = Flag("this user has read its last report", per=Client)

    @operation(by=Vcpu)
    def fault(s, me, page):
        with s.mmu_lock:
            wait_for(~s.stopped)
            wait_for(page <= s.armed)
            s.kernel[every_client] |= page
            s.armed -= page
            yield "marked"

    @operation
    def clear(s, me, want):
        with s.mmu_lock:
            wait_for(want <= s.kernel[me])
            s.kernel[me] -= want
            me.changed = want - s.armed        # is_writable_pte(*spte)?
            s.armed |= want
            yield "protected"
        s.tlb[Vcpu.every] = choose(me.changed <= NONE, s.tlb[Vcpu.every], NONE)     # if (flush), without the lock
        yield "flushed"
        s.unread[me] -= want
        yield "read"

    @operation
    def complete(s, me):
        wait_for(s.stopped)
        s.unread[me] -= s.kernel[me]
        s.kernel[me] = NONE
        s.done[me] = True
        s.finished = every(Client, lambda user: s.done[user])
