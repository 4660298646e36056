"""The first block is shorter than a word, and the word is moved whole."""

from model import operation, shifted, wait_for, whole
from model.designs.qemu.blocks_synced_by_page import FIRST, LENGTH, SECOND, TwoBlocks
from model.designs.qemu.rearm_with_the_clear import Migration

WORD = 2                                       # pages; 64 on a 64-bit host


class WordSharedByBlocks(TwoBlocks):
    """The word that begins with the first block also has bits of the second; they go to the first block's bitmap.

    There they stand beyond the block's end: counted as pages to send, never found, never sent. The second block's sync
    comes too late for them. The fix speaks of stuck pages only; that their writes are lost is our reasoning.

    Source: QEMU before aa777e297c, 2018-01-03: "If the Ramblock is less than 64bits in length that long can contain
    bits representing two different RAMBlocks".
    """

    @operation(by=Migration)
    def round(s, me):
        wait_for(~s.finished)
        me.last = s.stopped
        s.first |= s.user & whole(FIRST, WORD)   # bits = xchg(&src[idx], 0): all of the word
        s.user -= whole(FIRST, WORD)
        yield "synced first"
        s.second |= shifted(s.user, -LENGTH)
        s.user -= SECOND
        yield "synced second"
        TwoBlocks.send_all(s, me)
        yield "sent"
