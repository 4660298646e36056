"""arm64's HDBSS: the CPU notes pages whose stage-2 entry it has made dirty in a buffer of the vCPU."""

from model import Vcpu, operation, wait_for
from model.designs.kernel.pml_queue import PmlQueue


class Hdbss(PmlQueue):
    """The hardware turns a writable-clean entry into a dirty one and appends its page; each exit empties the buffer.

    It is PML with other names: a GET kicks the vCPUs and does not wait, so it may miss what is in a buffer, which the
    next one has. The last GET comes after every vCPU has left.

    Source: "KVM: arm64: Enable HDBSS support and handle HDBSSF events", v2 4/5, kvm, 2025-11-21,
    kvm_flush_hdbss_buffer(), kvm_arch_sync_dirty_log(). Posted, not merged.
    """

    @operation(by=Vcpu)
    def exit(s, me):
        wait_for(~s.pml[me].empty)
        s.kernel |= s.pml[me].head             # kvm_flush_hdbss_buffer(): kvm_vcpu_mark_page_dirty()
        s.pml[me].pop()
