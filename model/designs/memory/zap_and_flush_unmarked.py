"""Unmapping as repaired, with a write fault that relies on the PTE's D bit alone."""

from model import operation, wait_for
from model.designs.memory.zap_and_flush import ZapAndFlush
from model.designs.memory.zap_then_flush import Cpu


class ZapAndFlushUnmarked(ZapAndFlush):
    """The flush is under the PTE's lock, but a write fault no longer marks the page once write-back has let go of it.

    Write-back has cleaned the PTE; a fault makes it dirty again; munmap() moves that bit into the page's flag and has
    not flushed yet; now write-back clears the flag, reads the page, and the CPU writes once more.

    Source: a mutant, found by this checker, of Linux 6.1 mm/memory.c, do_wp_page() and fault_dirty_shared_page(), which
    hold the page lock while they mark; mm/page-writeback.c, folio_clear_dirty_for_io(): "We carefully synchronise fault
    handlers against installing a dirty pte and marking the folio dirty at this point."
    """

    @operation(by=Cpu)
    def fault(s, me, page):
        with s.ptl:
            wait_for(~s.stopped)
            wait_for(page <= s.mapped)
            wait_for(~(page <= s.pte_dirty))
            s.pte_dirty |= page
            yield "opened"                     # missing: with s.page_lock: s.dirty |= page
