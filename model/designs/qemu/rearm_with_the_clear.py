"""TCG: a bit and the trap that sets it are two things, and a clear resets both."""

from model import ALL, NONE, Design, Flag, Pages, Sort, operation, wait_for

Migration = Sort("Migration", "the migration thread, the only reader", ("the migration thread",), size=1)


class TcgLog(Design):
    """Under TCG the writer marks the page itself, on the slow path of its software TLB.

    Source: QEMU 7.2 and 10.0 accel/tcg/cputlb.c, notdirty_write(); include/exec/ram_addr.h.
    """

    armed = Pages("TLB_NOTDIRTY: the next write to the page takes the slow path", initially=ALL)
    user = Pages("ram_list.dirty_memory[MIGRATION]: set on the slow path")
    mine = Pages("RAMBlock.bmap: pages still to send")
    unread = Pages("ghost: pages whose newest content is not at the destination")
    finished = Flag("the guest has stopped, and no bit is left")

    @operation
    def write(s, me, page):
        wait_for(~s.finished)
        s.unread |= page
        s.user |= page & s.armed               # notdirty_write(): cpu_physical_memory_set_dirty_range()
        s.armed -= page                        # tlb_set_dirty(): from now on the fast path

    @operation(by=Migration)
    def send(s, me, want):
        wait_for(want <= s.mine)
        s.mine -= want
        s.unread -= want

    @operation(by=Migration)
    def finish(s, me):
        wait_for(s.user | s.mine <= NONE)
        s.finished = True


class RearmWithTheClear(TcgLog):
    """What is taken from the log goes back to the slow path.

    For a moment after the exchange a fast write leaves no bit; its page is in RAMBlock.bmap by then, and is read later.

    Source: what QEMU 03bfc2188f, 2024-03-12, set out to do in cpu_physical_memory_sync_dirty_bitmap(). Its code (9.0 to
    10.2) re-arms neither always nor at the right place: rearm-today.
    """

    @operation(by=Migration)
    def sync(s, me):
        me.taken = s.user
        s.mine |= s.user                       # bits = qatomic_xchg(&src[...], 0); dest[k] |= bits
        s.user = NONE
        yield "collected"
        s.armed |= me.taken                    # tlb_reset_dirty_range_all()
        yield "rearmed"
