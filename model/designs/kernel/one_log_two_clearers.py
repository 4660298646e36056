"""Two threads that clear bits of one log, each with its flush inside the lock."""

from model import NONE, Pages, Sort, Vcpu, choose, every, idle, operation, wait_for
from model.designs.kernel.dirty_log import TlbLog

Sender = Sort("Sender", "threads of migration that clear pages and send them", ("sender 0", "sender 1"))


class OneLogTwoClearers(TlbLog):
    """Both threads have chosen the same page; the first clears and flushes, the guest writes, the second clears again.

    While the second has not flushed yet, the first reads the page and takes it off the list, and a vCPU writes once
    more through its translation. Flushing under the lock does not help: the second clear took a bit that was newer
    than the report it acted on.

    Source: our reasoning on the generalisation of Linux 6dbf79e7164e to two users of one log; the blind clear of the
    2019 discussion again. kvm->slots_lock and QEMU's bitmap_mutex rule it out.
    """

    mine = Pages("RAMBlock.bmap: reported, not sent yet; whoever takes a bit sends the page")
    unread = Pages("ghost: pages whose newest content was not sent")

    @operation(by=Vcpu)
    def write(s, me, page):
        wait_for(~s.stopped)
        wait_for(page <= s.tlb[me] | ~s.armed)
        s.tlb[me] |= page
        s.unread |= page

    @operation(by=Sender)
    def sync(s, me):
        s.mine |= s.kernel                     # ioctl KVM_GET_DIRTY_LOG

    @operation(by=Sender)
    def clear(s, me, want):
        wait_for(want <= s.mine)
        yield "chosen"
        with s.mmu_lock:
            me.gone = s.kernel & want
            s.kernel -= want
            s.armed |= me.gone
            yield "cleared"
            s.tlb[Vcpu.every] = choose(me.gone <= NONE, s.tlb[Vcpu.every], NONE)    # kvm_flush_remote_tlbs()
            yield "flushed"
        s.unread -= want & s.mine              # only who takes the bit sends
        s.mine -= want
        yield "read"

    @operation(by=Sender)
    def complete(s, me):
        wait_for(s.stopped)
        wait_for(every(Sender, lambda other: (other == me) | idle(other)))
        s.mine |= s.kernel
        yield "synced"
        s.unread -= s.mine
        s.mine = NONE
        s.finished = True
        yield "sent"
