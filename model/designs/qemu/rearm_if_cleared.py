"""TCG: the trap is set again wherever a bit was taken."""

from model import ALL, NONE, choose, operation
from model.designs.qemu.rearm_if_new import RearmIfNew
from model.designs.qemu.rearm_with_the_clear import Migration


class RearmIfCleared(RearmIfNew):
    """The block is re-armed if any bit was taken from the log, new to RAMBlock.bmap or not.

    Counting what was cleared and counting what is new are the same on most days. Only the first says when a trap is
    off.

    Source: our proposal for QEMU 10.0 cpu_physical_memory_sync_dirty_bitmap(); see rearm-if-new.
    """

    @operation(by=Migration)
    def sync(s, me):
        me.taken = s.user
        s.mine |= s.user
        s.user = NONE
        yield "collected"
        s.armed |= choose(me.taken <= NONE, NONE, ALL)
        yield "rearmed"
