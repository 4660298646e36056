"""A flush that takes the bit back last loses a write; one that waits for a bit that it has taken ends nothing."""

from model import NONE, Design, Flag, Guest, Pages, Sort, every, idle, operation, wait_for

Flusher = Sort("Flusher", "writes dirty pages to disk", ("the flusher",), size=1)


class FlushBufferBlindly(Design):
    """Written first, then taken out of the log: what is written in between loses its bit."""

    kernel = Pages("the log")
    unread = Pages("pages whose newest content is not on disk", ghost=True)
    finished = Flag("the disk was taken away")

    @operation(by=Guest)
    def write(s, me, page):
        wait_for(~s.finished)
        s.unread |= page
        s.kernel |= page

    @operation(by=Guest)
    def detach(s, me):
        wait_for((s.kernel <= NONE) & every(Flusher, idle))
        s.finished = True

    @operation(by=Flusher)
    def flush(s, me, page):
        wait_for(page <= s.kernel)
        yield "started"
        s.unread -= page
        yield "written"
        s.kernel -= page
        yield "terminated"


class RepairedByDeadlock(FlushBufferBlindly):
    """The bit is taken, then the flush waits for the bit."""

    @operation(by=Flusher)
    def flush(s, me, page):
        s.kernel -= page
        yield "terminated"
        wait_for(page <= s.kernel)
        yield "started"
        s.unread -= page
        yield "written"
