"""The clear of a range that is empty by mistake."""

from model import NONE, choose, operation, wait_for
from model.designs.dirty_log import DirtyLog, SlotCache
from model.expr import Client, Flag, Guest, Pages, always


@always
class read_is_settled:
    """What a client has cleared and read after a sync that followed the guest's stop, the kernel reports no more.

    A design that breaks it copies the same page in every round, and a migration may never converge; it loses nothing.
    """

    quiet = Flag("the guest writes no more")
    began = Flag("this client's sync in progress began after that", per=Client)
    reported = Flag("such a sync is complete")
    judged = Flag("this client's clear in progress began after that", per=Client)
    settled = Pages("cleared and read by such a clear")

    @operation(by=Guest)
    def quieten(s, me):
        s.quiet = True

    def observe(step, before, s, me):
        if step.by != Client.name:
            if step.first and "unread" in step.writes:
                wait_for(~before.quiet)
        elif step.operation == "sync":
            if step.last:
                s.reported |= before.began[me]
            s.began[me] = (before.quiet if step.first else before.began[me]) & (not step.last)
        elif step.operation == "clear":
            judged = before.reported if step.first else before.judged[me]
            s.settled = before.settled | choose(judged, before.mine[me] - s.mine[me], NONE)
            s.judged[me] = judged & (not step.last)

    def holds(s):
        return s.kernel & s.settled <= NONE


class WrongStart(SlotCache):
    """The loop over the bitmap had moved `page` to the end, so the range that is handed to the kernel is empty.

    The client's bits are gone, the kernel's stay, and the page stays writable: it is reported and copied in every round
    from now on. To clear too little is never a loss.

    Source: QEMU before 25aa6b3718, 2020-02-18, cpu_physical_memory_test_and_clear_dirty(): offset at the end, size 0.
    """

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        yield "chosen"
        with s.slots_lock:
            me.known = s.cache & NONE          # memory_region_clear_dirty_bitmap(mr, end, 0)
            s.kernel -= me.known
            yield "cleared"
        DirtyLog.read(s, me, want)
        yield "read"
