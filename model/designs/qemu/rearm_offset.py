"""TCG with several RAM blocks: the trap is set again at the block's own page numbers, from ram_addr 0."""

from model import ALL, NONE, choose, operation
from model.designs.qemu.rearm_repaired import FIRST, BlockLog
from model.designs.qemu.rearm_with_the_clear import Migration


class RearmOffset(BlockLog):
    """Whenever a bit was taken something is re-armed, but its address is relative to the block.

    Only of the block at offset 0 is it the right one. A page of the second block stays on the fast path for ever, and
    the traps of the first block are set again instead. This is one of the two faults of rearm-today, alone.

    Source: the address in QEMU 9.0 to 10.2, cpu_physical_memory_sync_dirty_bitmap() (10.0 include/exec/ram_addr.h):
    cpu_physical_memory_dirty_bits_cleared(start, length) takes a ram_addr_t and is handed `start`; since 03bfc2188f,
    2024-03-12. Seen on 10.0.2 and 10.2.2, not reported upstream.
    """

    @operation(by=Migration)
    def sync(s, me, block):
        me.taken = s.user[block]
        s.mine[block] |= s.user[block]
        s.user[block] = NONE
        yield "collected"
        s.armed[FIRST] |= choose(me.taken <= NONE, NONE, ALL)   # start, not start + rb->offset
        yield "rearmed"
