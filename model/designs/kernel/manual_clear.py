"""KVM_CLEAR_DIRTY_LOG: GET only reports, and user space clears what it is about to read."""

from model import NONE, Vcpu, choose, operation, wait_for
from model.designs.kernel.dirty_log import OneClient, TlbLog


class ManualClear(TlbLog):
    """GET copies the log and changes nothing; CLEAR takes bits away, protects those pages, flushes, and returns.

    The kernel arms only pages whose bit was still set, and flushes only if there was one. With one reader that clears
    what it was told of and reads afterwards, nothing is lost.

    Source: Linux virt/kvm/kvm_main.c, kvm_clear_dirty_log_protect(); 2a31b9db1535 "kvm: introduce manual dirty log
    reprotect".
    """

    @operation(by=OneClient)
    def sync(s, me):
        s.mine[me] |= s.kernel                 # ioctl KVM_GET_DIRTY_LOG: copy_to_user(), nothing else

    @operation(by=OneClient)
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        yield "chosen"
        with s.mmu_lock:
            me.gone = s.kernel & want          # mask &= atomic_long_fetch_andnot(mask, p)
            s.kernel -= want
            yield "cleared"
            s.armed |= me.gone                 # kvm_arch_mmu_enable_log_dirty_pt_masked()
            yield "protected"
        s.tlb[Vcpu.every] = choose(me.gone <= NONE, s.tlb[Vcpu.every], NONE) # if (flush)
        yield "flushed"
        TlbLog.read(s, me, want)               # the ioctl has returned
        yield "read"

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.stopped)
        s.mine[me] |= s.kernel                 # the last GET
        yield "synced"
        TlbLog.finish(s, me)
        yield "sent"
