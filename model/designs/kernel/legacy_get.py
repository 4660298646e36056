"""KVM_GET_DIRTY_LOG as it was from the start: collect, clear and re-protect in one ioctl."""

from model import NONE, Vcpu, operation, wait_for
from model.designs.kernel.dirty_log import OneClient, TlbLog


class LegacyGet(TlbLog):
    """GET takes the log away and protects the pages again, and flushes the TLBs only after mmu_lock is free.

    Until the flush a vCPU writes on through its old translation, and nothing notes it. No page is lost, because the
    pages are in this very report and user space reads them only after the ioctl has returned.

    Source: Linux 6.1 virt/kvm/kvm_main.c, kvm_get_dirty_log_protect(), steps 1 to 4 of its comment.
    """

    def get_dirty_log(s, me):
        with s.mmu_lock:
            me.snapshot = s.kernel             # 1. take a snapshot of the bit and clear it, xchg() a word
            s.kernel = NONE
            yield "swapped"
            s.armed |= me.snapshot             # 2. write protect the corresponding page
            yield "protected"
        s.tlb[Vcpu.every] = NONE               # kvm_flush_remote_tlbs_memslot()
        yield "flushed"
        s.mine[me] |= me.snapshot              # 3. copy_to_user(), 4. return
        yield "returned"

    @operation(by=OneClient)
    def sync(s, me):
        yield from LegacyGet.get_dirty_log(s, me)

    @operation(by=OneClient)
    def send(s, me, want):
        wait_for(want <= s.mine[me])
        TlbLog.read(s, me, want)

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.stopped)
        yield "paused"
        yield from LegacyGet.get_dirty_log(s, me)
        TlbLog.finish(s, me)
        yield "sent"
