"""The rounded clear, with a client that reads a page whose own clear never comes."""

from model import operation, wait_for, whole
from model.designs.dirty_log import DirtyLog, SlotCache
from model.designs.qemu.rounded_clear import WORD


class RoundedClearReadAside(SlotCache):
    """A client clears one page's range and reads other pages of the word along with it.

    That would be right with exact clears, which leave the neighbour's bit in the kernel. With rounding, the neighbour's
    kernel bit is gone and its cache bit stays; once it has been read, a newer write to it is dropped by the next clear
    of the word, for the cache still vouches for the bit.

    Source: our mutant of QEMU before 4054adbdd2; it shows on which habit of the clients the safety of rounding rests.
    """

    @operation
    def clear(s, me, page, want):
        wait_for((page <= s.mine[me]) & (want <= s.mine[me]))
        yield "chosen"
        with s.slots_lock:
            me.known = s.cache & whole(page, WORD)
            s.kernel -= me.known
            yield "cleared"
            s.cache -= page
            yield "forgotten"
        DirtyLog.read(s, me, want & whole(page, WORD))
        yield "read"
