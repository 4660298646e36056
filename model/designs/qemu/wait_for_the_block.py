"""TCG: after clearing the log, wait until every vCPU has left its translation block."""

from model import NONE, Guest, idle, operation, wait_for
from model.designs.qemu.read_inside_the_block import ReadInsideTheBlock
from model.designs.qemu.rearm_with_the_clear import Migration


class WaitForTheBlock(ReadInsideTheBlock):
    """Between the clear and the first read the reader waits for the end of whatever block a vCPU is in.

    A check that was made before the clear has then been followed by its store, and the read comes after both. KVM does
    the same with a synchronous TLB flush.

    Source: QEMU 9458a9a1df, memory_global_after_dirty_log_sync(), tcg_log_global_after_sync(): run_on_cpu(do_nothing).
    """

    @operation(by=Migration)
    def sync(s, me):
        me.taken = s.user
        s.mine |= s.user
        s.user = NONE
        yield "collected"
        s.armed |= me.taken
        yield "rearmed"
        wait_for(idle(Guest[0]))               # run_on_cpu(cpu, do_nothing)
        yield "waited"
