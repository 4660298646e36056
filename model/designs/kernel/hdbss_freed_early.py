"""arm64's HDBSS: switched off before the vCPUs have emptied their buffers."""

from model import operation, wait_for
from model.designs.kernel.dirty_log import ArmedLog, OneClient
from model.designs.kernel.hdbss import Hdbss


class HdbssFreedEarly(Hdbss):
    """The buffers are freed right after the vCPUs are kicked, and the last GET comes after that.

    A kick asks a vCPU to leave and does not wait for it, so what is still in a buffer goes with it.

    Source: "KVM: arm64: Enable HDBSS support and handle HDBSSF events", v2, kvm, 2025-11-21,
    kvm_cap_arm_enable_hdbss() with size 0: kvm_vcpu_kick(), then kvm_arm_vcpu_free_hdbss(). That a VMM switches it off
    before its last GET: our reasoning.
    """

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.stopped)
        s.mine[me] |= s.kernel                 # KVM_GET_DIRTY_LOG, with nothing left to flush
        yield "synced"
        ArmedLog.finish(s, me)
        yield "sent"
