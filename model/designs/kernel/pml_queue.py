"""Page-modification logging: the CPU writes dirty pages into a queue of its own."""

from model import Queue, Vcpu, every, every_client, operation, wait_for
from model.designs.kernel.dirty_log import ArmedLog, OneClient


class PmlQueue(ArmedLog):
    """The first write to a page whose D bit is clear sets it and logs the page in the vCPU's buffer, without an exit.

    The dirty log learns of the page when the vCPU leaves the guest and its buffer is flushed, so a GET in between
    misses it, and a CLEAR in between has it reported once more. The last GET comes after every vCPU has left.

    Source: Linux 6.1 arch/x86/kvm/vmx/vmx.c, vmx_flush_pml_buffer(), called at each exit; arch/x86/kvm/mmu/mmu.c,
    kvm_arch_mmu_enable_log_dirty_pt_masked(), kvm_mmu_slot_leaf_clear_dirty().
    """

    pml = Queue("the vCPU's page-modification log", per=Vcpu, length=2)

    @operation(by=Vcpu)
    def write(s, me, page):
        wait_for(~s.stopped)
        wait_for(page <= s.armed)
        s.pml[me].push(page)                   # full: the CPU leaves the guest instead, and the write waits
        s.armed -= page                        # D := 1
        s.unread[every_client] |= page

    @operation(by=Vcpu)
    def rewrite(s, me, page):
        wait_for(~s.stopped)
        wait_for(~(page <= s.armed))           # D = 1: nothing is logged
        s.unread[every_client] |= page

    @operation(by=Vcpu)
    def exit(s, me):
        wait_for(~s.pml[me].empty)
        s.kernel |= s.pml[me].head             # vmx_flush_pml_buffer(): kvm_vcpu_mark_page_dirty()
        s.pml[me].pop()

    @operation(by=OneClient)
    def sync(s, me):
        s.mine[me] |= s.kernel                 # GET: kvm_arch_sync_dirty_log() kicks the vCPUs and does not wait

    @operation(by=OneClient)
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        me.gone = s.kernel & want
        s.kernel -= want                       # first the log's bit ...
        yield "cleared"
        s.armed |= me.gone                     # ... then D := 0
        yield "protected"
        ArmedLog.read(s, me, want)
        yield "read"

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.stopped)
        wait_for(every(Vcpu, lambda vcpu: s.pml[vcpu].empty))
        s.mine[me] |= s.kernel
        yield "synced"
        ArmedLog.finish(s, me)
        yield "sent"
