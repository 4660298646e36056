"""Write-back that clears the flag when the I/O is done."""

from model import operation, some
from model.designs.memory.write_back import Flusher, Mapping, WriteBack


class WriteBackClearsLate(WriteBack):
    """The page is written out first, and its flag is cleared after the I/O.

    What another process writes meanwhile, and gives up with its mapping, is marked in the flag that is then cleared.

    Source: a mutant of Linux 6.1 mm/page-writeback.c, folio_clear_dirty_for_io(), which clears "for I/O", before it.
    """

    @operation(by=Flusher)
    def write_back(s, me, want):
        with s.folio_lock:
            me.found = want & some(Mapping, lambda m: s.pte_dirty[m])
            s.pte_dirty[Mapping.every] -= want
            yield "cleaned"
            s.dirty |= me.found
            yield "gathered"
            s.unread -= s.dirty & want
            yield "submitted"
            s.dirty -= want                    # too late
            yield "cleared"
