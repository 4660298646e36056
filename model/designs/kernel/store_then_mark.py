"""A writer on the host: it stores, and then it marks."""

from model import Sort, every, every_client, idle, operation, wait_for
from model.designs.kernel.dirty_log import ArmedLog, OneClient

Writer = Sort("Writer", "a thread of the host that writes guest memory: vhost, KVM itself", ("writer 0", "writer 1"))


class StoreThenMark(ArmedLog):
    """A host thread is not stopped by a protected SPTE, so the mark alone tells of its store, and it comes after it.

    Whoever clears an older mark reads afterwards, and a store that this read missed still has its mark to come. At
    the end the writers are waited for before the last GET.

    Source: Linux 6.1 virt/kvm/kvm_main.c, __kvm_write_guest_page(): copy, then mark_page_dirty_in_slot().
    """

    armed = None

    @operation(by=Writer)
    def write(s, me, page):
        wait_for(~s.stopped)
        s.unread[every_client] |= page         # __copy_to_user()
        yield "stored"
        s.kernel |= page                       # mark_page_dirty_in_slot()
        yield "marked"

    @operation(by=OneClient)
    def sync(s, me):
        s.mine[me] |= s.kernel

    @operation(by=OneClient)
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        s.kernel -= want
        yield "cleared"
        ArmedLog.read(s, me, want)
        yield "read"

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.stopped)
        wait_for(every(Writer, lambda writer: idle(writer)))
        s.mine[me] |= s.kernel
        yield "synced"
        ArmedLog.finish(s, me)
        yield "sent"
