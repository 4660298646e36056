"""TCG: the TLB check and the store are two steps, and the reader comes in between."""

from model import NONE, Guest, idle, operation, wait_for
from model.designs.qemu.rearm_with_the_clear import Migration, TcgLog


class ReadInsideTheBlock(TcgLog):
    """A vCPU has passed the check on the fast path and not stored yet; the log is cleared and the page is read.

    The store lands afterwards, without a bit. The slow path is right by itself, for it stores and then marks. It is the
    check of an earlier moment that the reader's clear cannot take back.

    Source: QEMU before 9458a9a1df, "memory: fix race between TCG and accesses to dirty bitmap" (posted once more on
    2019-07-29, qemu-devel), with this interleaving in its message.
    """

    @operation
    def write(s, me, page):
        wait_for(~s.finished)
        me.slow = page & s.armed               # the TLB check
        yield "checked"
        s.unread |= page                       # the store
        s.user |= me.slow                      # notdirty_mem_write(): store, then set the dirty flag
        s.armed -= me.slow
        yield "stored"

    @operation(by=Migration)
    def sync(s, me):
        me.taken = s.user
        s.mine |= s.user
        s.user = NONE
        yield "collected"
        s.armed |= me.taken
        yield "rearmed"

    @operation(by=Migration)
    def finish(s, me):
        wait_for((s.user | s.mine <= NONE) & idle(Guest[0]))
        s.finished = True
