"""Two threads that clear, and one of them infers from the SPTE that the TLBs are clean."""

from model import NONE, Design, Flag, Guest, Lock, Pages, Sort, Vcpu, choose, every, idle, operation, wait_for
from model.designs.kernel.dirty_log import TlbLog

Sender = Sort("Sender", "threads of migration that clear pages and send them", ("sender 0", "sender 1"))


class SkippedFlush(Design):
    """A first thread has protected the page and not flushed yet; a second one finds nothing to do and returns at once.

    The second takes "already protected" for "no write gets through" and reads, while a vCPU still writes through its
    old translation. When the first one flushes, the page has been sent and no bit is left.

    Source: Linux before 6dbf79e7164e "KVM: Fix write protection race during dirty logging", where the second thread
    protected a shadowed page table; that both clear the log is our generalisation, which kvm->slots_lock rules out.
    """

    kernel = TlbLog.kernel
    armed = TlbLog.armed
    tlb = TlbLog.tlb
    mmu_lock = TlbLog.mmu_lock
    mine = Pages("RAMBlock.bmap: reported, not sent yet")
    unread = Pages("ghost: pages whose newest content was not sent")
    stopped = Flag("vm_stop(): no vCPU enters the guest any more")
    finished = Flag("ram_save_complete() has returned")
