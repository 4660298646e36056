"""TCG: the trap is set again only where a page was newly dirty. Unconfirmed reading of today's code."""

from model import ALL, NONE, Pages, choose, operation
from model.designs.qemu.rearm_with_the_clear import Migration, TcgLog


class RearmIfNew(TcgLog):
    """The block is re-armed if any of the bits that were taken is new to RAMBlock.bmap.

    A page that waits in RAMBlock.bmap already counts as nothing new, so its bit is taken and its trap is left off;
    after it has been sent, a write to it is silent. At the first sync all of RAMBlock.bmap is set, so nothing is ever
    new there. This is our reading of the code, which nobody has confirmed; a TLB flush for another reason hides it.

    Source: QEMU v10.1 include/exec/ram_addr.h, cpu_physical_memory_sync_dirty_bitmap(), `if (num_dirty)`.
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
