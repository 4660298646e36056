"""A writer on the host that marks first."""

from model import every_client, operation, wait_for
from model.designs.kernel.store_then_mark import StoreThenMark, Writer


class MarkThenStore(StoreThenMark):
    """The page is marked, reported, cleared and read, and then the host thread stores to it.

    Nothing traps the store, and its mark has been used up.

    Source: libvfio-user pull request 753, where a DMA write was marked before it was done; the opposite of Linux
    virt/kvm/kvm_main.c, __kvm_write_guest_page().
    """

    @operation(by=Writer)
    def write(s, me, page):
        wait_for(~s.stopped)
        s.kernel |= page
        yield "marked"
        s.unread[every_client] |= page
        yield "stored"
