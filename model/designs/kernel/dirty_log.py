"""What the designs of this family share: a log apart from its arming, one reader, and an end of their own."""

from model import ALL, NONE, Design, Flag, Guest, Lock, Machine, Pages, Sort, Vcpu, every_client, operation, wait_for

OneClient = Sort("Client", "migration, the only reader of the log", ("MIGRATION",), size=1)


class ArmedLog(Design):
    """A write is logged only where it traps; the design itself stops the guest, takes the last report and finishes.

    Source: Linux 6.1 virt/kvm/kvm_main.c, mark_page_dirty_in_slot(); QEMU 10.0 migration/ram.c, ram_save_complete().
    """

    kernel = Pages("memslot->dirty_bitmap: KVM's dirty log of the slot")
    armed = Pages("SPTE write-protected, or its D bit clear: the next write traps", initially=ALL)
    mine = Pages("RAMBlock.bmap: reported, not sent yet", per=OneClient)
    unread = Pages("ghost: pages whose newest content was not sent", per=OneClient)
    stopped = Flag("vm_stop(): no vCPU enters the guest any more")
    finished = Flag("ram_save_complete() has returned")

    @operation
    def write(s, me, page):
        wait_for(~s.stopped)
        s.kernel |= page & s.armed             # the fault: mark_page_dirty_in_slot()
        s.armed -= page                        # the SPTE is writable from here on
        s.unread[every_client] |= page

    @operation(by=Guest)
    def stop(s, me):
        wait_for(~s.stopped)
        s.stopped = True

    def read(s, me, want):
        s.mine[me] -= want
        s.unread[me] -= want

    def finish(s, me):
        s.unread[me] -= s.mine[me]
        s.mine[me] = NONE
        s.finished = True


class TlbLog(ArmedLog):
    """The same with what lies between the SPTE and the write: mmu_lock, and TLB entries that outlive the SPTE.

    Source: Linux 6.1 virt/kvm/kvm_main.c, comment of kvm_get_dirty_log_protect(); arch/x86/kvm/mmu/mmu.c.
    """

    tlb = Pages("writable translations that this vCPU has cached", per=Vcpu)
    mmu_lock = Lock("kvm->mmu_lock")

    @operation(by=Vcpu)
    def fault(s, me, page):
        with s.mmu_lock:
            wait_for(~s.stopped)
            wait_for(page <= s.armed)
            s.kernel |= page                   # make_spte() marks ...
            s.armed -= page                    # ... and makes writable, both under mmu_lock
            yield "marked"

    @operation(by=Vcpu)
    def write(s, me, page):
        wait_for(~s.stopped)
        wait_for(page <= s.tlb[me] | ~s.armed)
        s.tlb[me] |= page
        s.unread[every_client] |= page

    @operation(by=Machine)
    def evict(s, me, vcpu: Vcpu, page):
        wait_for(page <= s.tlb[vcpu])
        s.tlb[vcpu] -= page
