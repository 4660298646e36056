"""The chunked clear with a GET that is told to one client only."""

from model import operation
from model.designs.qemu.deferred_chunked_clear import DeferredChunkedClear


class ChunkedAskerOnly(DeferredChunkedClear):
    """The display's GET fills the cache and tells the display alone; migration's next chunk clear takes the bit away.

    The cache then shows a page that migration was never told of, and a clear over the chunk cannot tell it from one
    that waits in RAMBlock.bmap. The page need not be the one that is sent: a neighbour in the chunk is enough.

    Source: a mutant of QEMU cpu_physical_memory_set_dirty_lebitmap(), where telling MIGRATION is conditional for real
    (ae7a2bca8a "Don't set migration bitmap when without migration").
    """

    @operation
    def sync(s, me):
        with s.slots_lock:
            s.cache = s.kernel
            yield "reported"
            s.user[me] |= s.cache              # and nobody else's
            yield "merged"
