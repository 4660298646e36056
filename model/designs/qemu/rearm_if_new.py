"""TCG: the trap is set again only where a page was newly dirty. One half of today's code."""

from model import ALL, NONE, Pages, choose, operation
from model.designs.qemu.rearm_with_the_clear import Migration, TcgLog


class RearmIfNew(TcgLog):
    """The block is re-armed if any of the bits that were taken is new to RAMBlock.bmap.

    A page that waits in RAMBlock.bmap already counts as nothing new, so its bit is taken and its trap is left off;
    after it has been sent, a write to it is silent. At the first sync all of RAMBlock.bmap is set, so nothing is ever
    new there. A TLB flush for another reason hides it most of the time. Which addresses are re-armed is another matter:
    rearm-offset.

    Source: QEMU 7.2 and 10.0 include/exec/ram_addr.h, cpu_physical_memory_sync_dirty_bitmap(), and QEMU 10.2
    migration/ram.c, physical_memory_sync_dirty_bitmap(): `new_dirty &= bits; num_dirty += ctpopl(new_dirty)`; re-armed
    `if (num_dirty)` since 03bfc2188f (9.0). Seen lossy on 10.0.2 and 10.2.2, not reported upstream.
    """

    mine = Pages("RAMBlock.bmap: starts all ones", initially=ALL)
    unread = Pages("ghost: at the start the destination has nothing", initially=ALL)

    @operation(by=Migration)
    def sync(s, me):
        me.new = s.user - s.mine               # new_dirty = bits & ~dest[k]; num_dirty counts these
        s.mine |= s.user
        s.user = NONE
        yield "collected"
        s.armed |= choose(me.new <= NONE, NONE, ALL)   # if (num_dirty): the range is the whole block
        yield "rearmed"
