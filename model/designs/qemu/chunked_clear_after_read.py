"""The chunked clear in the wrong order: the page leaves before its chunk's clear."""

from model import MIGRATION, operation, wait_for, whole
from model.designs.qemu.deferred_chunked_clear import CHUNK, DeferredChunkedClear


class ChunkedClearAfterRead(DeferredChunkedClear):
    """The clear is deferred a little too far: beyond the read of the first page of the chunk.

    A write between the read and the clear finds the kernel's bit still set and leaves no trace; the clear then takes
    the old bit away. Putting the clear anywhere earlier is harmless, which is the other half of QEMU's comment.

    Source: a mutant of QEMU migration_bitmap_clear_dirty(); 002cad6b16: "Clearing it earlier won't be a problem, but
    too late will."
    """

    @operation
    def clear(s, me, page):
        wait_for(me == MIGRATION)
        yield "chosen"
        with s.bitmap_mutex:
            s.unread[me] -= page & s.mine[me]  # too early
            s.mine[me] -= page
            yield "read"
            me.span = whole(page, CHUNK) & s.owed
            s.owed -= whole(page, CHUNK)
            yield "paid"
            with s.slots_lock:
                me.known = s.cache & me.span
                s.kernel -= me.known
                yield "cleared"
                s.cache -= me.known
                yield "forgotten"
