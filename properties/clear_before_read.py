"""The ordering rule of QEMU's chunked clear: earlier is harmless, later is too late."""

from model.expr import NONE, Client, Flag, Pages, always


@always
class clear_before_read:
    """No operation takes away the kernel bit of a page that it has already read.

    Source: QEMU 002cad6b16, "This _must_ be called before we send any of the page in the chunk".
    """

    sent = Pages("what the operation in progress of this client has read", per=Client)
    late = Flag("a bit was cleared after its page was read")

    def observe(step, before, s, me):
        if step.by != Client.name:
            return
        if "kernel" in step.writes:
            s.late |= ~((before.kernel - s.kernel) & before.sent[me] <= NONE)
        if "unread" in step.writes:
            s.sent[me] |= before.unread[me] - s.unread[me]
        if step.last:
            s.sent[me] = NONE

    def holds(s):
        return ~s.late
