"""Write-back: many PTEs with a D bit each, one dirty flag of the folio, and an order that looks insane."""

from model import NONE, Design, Flag, Guest, Lock, Pages, Sort, every, idle, operation, some, wait_for

Mapping = Sort("Mapping", "a process that maps the file, with a PTE for every page", ("process 0", "process 1"))
Flusher = Sort("Flusher", "threads that write dirty pages back", ("flusher 0", "flusher 1"))


class WriteBack(Design):
    """The D bits of all PTEs are gathered into the folio's flag, and the flag is cleared before the I/O starts.

    What is written through a PTE after that sets its D bit again; what was written before is in the pages that the
    I/O reads. The folio lock keeps two write-backs of one folio apart.

    Source: Linux 6.1 mm/page-writeback.c, folio_clear_dirty_for_io() with its "Yes, Virginia, this is indeed insane";
    mm/rmap.c, folio_mkclean().
    """

    dirty = Pages("the folio's dirty flag")
    pte_dirty = Pages("the D bit in this process's PTE; clear: the PTE is write-protected", per=Mapping)
    unread = Pages("ghost: pages whose newest content was not written to disk")
    folio_lock = Lock("the folios' locks")
    stopped = Flag("no process writes any more")
    finished = Flag("nothing is dirty and no write-back runs: the file system may be unmounted")

    @operation(by=Mapping)
    def write(s, me, page):
        wait_for(~s.stopped)
        s.pte_dirty[me] |= page
        s.unread |= page

    @operation(by=Mapping)
    def unmap(s, me, page):
        wait_for(page <= s.pte_dirty[me])
        s.dirty |= page                        # zap_present_folio_ptes(): folio_mark_dirty(), under the PTE's lock
        s.pte_dirty[me] -= page

    @operation(by=Flusher)
    def write_back(s, me, want):
        with s.folio_lock:
            me.found = want & some(Mapping, lambda m: s.pte_dirty[m])
            s.pte_dirty[Mapping.every] -= want              # folio_mkclean(): ptep_clear_flush(), pte_mkclean()
            yield "cleaned"
            s.dirty |= me.found                # folio_mark_dirty()
            yield "gathered"
            me.sent = s.dirty & want
            s.dirty -= want                    # folio_test_clear_dirty()
            yield "cleared"
        s.unread -= me.sent                    # the I/O reads the page
        yield "submitted"

    @operation(by=Guest)
    def stop(s, me):
        wait_for(~s.stopped)
        s.stopped = True

    @operation(by=Guest)
    def complete(s, me):
        wait_for(s.stopped)
        wait_for(every(Flusher, lambda flusher: idle(flusher)))
        wait_for(s.dirty | some(Mapping, lambda m: s.pte_dirty[m]) <= NONE)
        s.finished = True
