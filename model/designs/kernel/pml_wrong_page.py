"""PML entries of a nested guest, taken for pages of its hypervisor."""

from model import Page, Vcpu, operation, wait_for
from model.designs.kernel.pml_queue import PmlQueue


class PmlWrongPage(PmlQueue):
    """While L2 runs, the CPU logs L2's page numbers, and the flush marks the pages of L1 with those numbers.

    Some other page is reported, and the page that was written is not.

    Source: Linux before 1f4e5fc83a42 "KVM: x86: fix nested guest live migration with PML", vmx_flush_pml_buffer().
    """

    @operation(by=Vcpu)
    def exit(s, me, l1_page: Page):
        wait_for(~s.pml[me].empty)
        s.kernel |= l1_page                    # gpa of L2, looked up as if it were L1's
        s.pml[me].pop()
