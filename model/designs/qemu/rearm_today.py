"""TCG as it is today: re-armed only if a bit was new, and at an address that is relative to the block."""

from model import ALL, NONE, choose, operation
from model.designs.qemu.rearm_repaired import FIRST, BlockLog
from model.designs.qemu.rearm_with_the_clear import Migration


class RearmToday(BlockLog):
    """Both faults: `if (num_dirty)` counts new bits only, and `start` is no ram_addr_t.

    With one block the first loses (rearm-if-new); a page of the second block is lost also where every bit is new
    (rearm-offset).

    Source: QEMU 9.0 to 10.2, cpu_physical_memory_sync_dirty_bitmap() (10.0 include/exec/ram_addr.h; 10.2
    migration/ram.c, physical_memory_sync_dirty_bitmap()). Both seen on 10.0.2 and 10.2.2, not reported upstream.
    """

    @operation(by=Migration)
    def sync(s, me, block):
        me.new = s.user[block] - s.mine[block]  # new_dirty = ~dest[k] & bits; num_dirty counts these
        s.mine[block] |= s.user[block]
        s.user[block] = NONE
        yield "collected"
        s.armed[FIRST] |= choose(me.new <= NONE, NONE, ALL)     # if (num_dirty) ..._dirty_bits_cleared(start, length)
        yield "rearmed"
