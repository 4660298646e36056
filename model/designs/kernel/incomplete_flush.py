"""A TLB flush of a range that ends before the range does."""

from model import AnyPages, Vcpu, operation, wait_for
from model.designs.kernel.dirty_log import OneClient, TlbLog
from model.designs.kernel.manual_clear import ManualClear


class IncompleteFlush(ManualClear):
    """CLEAR protects a range and then invalidates the translations of a part of it.

    The vCPUs keep writing to the rest through their old translations. Those pages have been reported and cleared, so
    the destination crashes on stale memory.

    Source: Linux before e3ba51ab24fd "arm64: tlb: Fix TLBI RANGE operand", __flush_tlb_range_op(); regression of
    117940aa6e5f.
    """

    @operation(by=OneClient)
    def clear(s, me, want, reached: AnyPages):
        wait_for(want <= s.mine[me])
        yield "chosen"
        with s.mmu_lock:
            me.gone = s.kernel & want
            s.kernel -= want
            yield "cleared"
            s.armed |= me.gone
            yield "protected"
        s.tlb[Vcpu.every] -= me.gone & reached             # kvm_tlb_flush_vmid_range(): `reached` is any part of it
        yield "flushed"
        TlbLog.read(s, me, want)
        yield "read"
