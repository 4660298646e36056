"""A log that starts with every bit set, and nothing armed."""

from model import ALL, NONE, Pages, Vcpu
from model.designs.kernel.dirty_log import OneClient
from model.designs.kernel.manual_clear import ManualClear


class InitiallySet(ManualClear):
    """Enabling the log protects nothing and sets every bit; the first CLEAR of a page arms it.

    A page that is not armed is thus in the log from the start. What nobody clears is reported for ever, which costs
    a copy and loses nothing.

    Source: Linux 3c9bd4006bfc "KVM: x86: enable dirty log gradually in small chunks", kvm_mmu_slot_apply_flags();
    api.rst, KVM_DIRTY_LOG_INITIALLY_SET.
    """

    kernel = Pages("memslot->dirty_bitmap, bitmap_set() to all ones at its creation", initially=ALL)
    armed = Pages("SPTE write-protected: none, when the log is enabled", initially=NONE)
    tlb = Pages("writable translations that this vCPU has cached", per=Vcpu, initially=ALL)
    unread = Pages("ghost: pages whose newest content was not sent", per=OneClient, initially=ALL)
