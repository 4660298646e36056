"""TCG with several RAM blocks: what is taken, what is armed, and at which address, each said by itself."""

from model import ALL, NONE, Design, Flag, Pages, Sort, choose, operation, wait_for
from model.designs.qemu.rearm_with_the_clear import Migration
from model.expr import every

Block = Sort("Block", "RAM blocks; the first stands at ram_addr 0", ("the first block", "the second block"))
FIRST = Block[0]


class BlockLog(Design):
    """The writer marks a page on the slow path of its TLB; bits and traps are kept by block and page of the block.

    Source: QEMU 7.2 and 10.0 accel/tcg/cputlb.c, notdirty_write(); QEMU 10.0 include/exec/ram_addr.h.
    """

    armed = Pages("TLB_NOTDIRTY: the next write to the page takes the slow path", per=Block, initially=ALL)
    user = Pages("ram_list.dirty_memory[MIGRATION]: set on the slow path", per=Block)
    mine = Pages("RAMBlock.bmap: starts all ones", per=Block, initially=ALL)
    unread = Pages("ghost: at the start the destination has nothing", per=Block, initially=ALL)
    finished = Flag("the guest has stopped, and no bit is left")

    @operation
    def write(s, me, page, block):
        wait_for(~s.finished)
        s.unread[block] |= page
        s.user[block] |= page & s.armed[block]
        s.armed[block] -= page                 # tlb_set_dirty(): from now on the fast path

    @operation(by=Migration)
    def send(s, me, want, block):
        wait_for(want <= s.mine[block])
        s.mine[block] -= want
        s.unread[block] -= want

    @operation(by=Migration)
    def finish(s, me):
        wait_for(every(Block, lambda block: s.user[block] | s.mine[block] <= NONE))
        s.finished = True


class RearmRepaired(BlockLog):
    """The block is re-armed whenever a bit of it was taken, and at its own address.

    Three questions that QEMU's code answers with one number are apart here: which bits were taken from the log, whether
    anything is armed again, and at which address. Arming too much costs a slow write; arming too little is silent.

    Source: our repair of QEMU 10.2.2 migration/ram.c, physical_memory_sync_dirty_bitmap(): count the bits that are
    taken, and pass start + rb->offset. Tried on a build of 10.2.2: no stale page in 8 of 8 migrations that lost pages
    of the second block before, and none of 64 hot pages in 3 of 3. Not reported upstream.
    """

    @operation(by=Migration)
    def sync(s, me, block):
        me.taken = s.user[block]               # bits = qatomic_xchg(&src[idx][offset], 0)
        s.mine[block] |= s.user[block]         # dest[k] |= bits
        s.user[block] = NONE
        yield "collected"
        s.armed[block] |= choose(me.taken <= NONE, NONE, ALL)   # start + rb->offset
        yield "rearmed"
