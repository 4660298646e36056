"""One client's clears are empty by mistake; the others' are as they should be."""

from model import MIGRATION, NONE, choose, operation, wait_for
from model.designs.dirty_log import DirtyLog, SlotCache
from model.expr import FALSE, always


@always
def cache_is_owed(s, client):
    """Whenever the slots lock is free, each client still has to read whatever the cache shows.

    So whoever clears by the cache takes away only bits that everybody still acts on. A client keeps it by clearing
    each page that it reads; it says what "the cache lies within the kernel's log" does not.

    Source: our reading of why the per-slot cache (QEMU 4.1 to 10.0) is right; its proofs for any number find it by
    themselves.
    """
    held = ~s.slots_lock.free if "slots_lock" in s else FALSE
    return held | (s.cache <= s.user[client] | s.mine[client])


class WrongStartForOne(SlotCache):
    """MIGRATION goes through the path whose range is empty, and reads; the display clears properly.

    A page that was read without a clear keeps its bit in the cache as well. A newer write finds the kernel's bit set;
    then the display clears, the cache vouches for the bit, and MIGRATION is never told. To clear too little is harmless
    only where all clients do.

    Source: our combination of QEMU before 25aa6b3718, 2020-02-18 (migration's unaligned path went through
    cpu_physical_memory_test_and_clear_dirty()) with cpu_physical_memory_snapshot_and_clear_dirty().
    """

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        yield "chosen"
        with s.slots_lock:
            me.known = choose(me == MIGRATION, NONE, s.cache & want)
            s.kernel -= me.known
            yield "cleared"
            s.cache -= me.known
            yield "forgotten"
        DirtyLog.read(s, me, want)
        yield "read"
