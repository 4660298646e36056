"""A CLEAR that flushes only if it has changed an SPTE."""

from model import NONE, Vcpu, choose, operation, wait_for
from model.designs.kernel.dirty_log import OneClient, TlbLog
from model.designs.kernel.lost_writable_bit import LostWritableBit


class FlushIfChanged(LostWritableBit):
    """The W bit that ageing took away by mistake makes CLEAR believe that nothing is left to flush.

    "Protected already" is taken for "no writable translation anywhere", and the vCPU writes on unseen. KVM's CLEAR
    does not do this; enabling the log did, which is the path that the fix names.

    Source: a mutant of Linux 6.1 kvm_clear_dirty_log_protect(), with the condition that clear_dirty_gfn_range() has
    (it returns whether an SPTE was changed), of which ba3a6120a4e7 speaks.
    """

    @operation(by=OneClient)
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        yield "chosen"
        with s.mmu_lock:
            me.changed = s.kernel & want - s.armed          # SPTEs that are not protected yet
            s.armed |= s.kernel & want
            s.kernel -= want
            yield "cleared"
        s.tlb[Vcpu.every] = choose(me.changed <= NONE, s.tlb[Vcpu.every], NONE)     # if (flush)
        yield "flushed"
        TlbLog.read(s, me, want)
        yield "read"
