"""Unmapping: the PTE is gone, the TLB entry is not, and write-back finds nothing to clean."""

from model import ALL, NONE, Design, Flag, Guest, Lock, Page, Pages, Sort, every, idle, operation, wait_for

Cpu = Sort("Cpu", "one CPU that runs threads of the process", ("CPU 0", "CPU 1"))
Unmapper = Sort("Unmapper", "a thread in munmap()", ("munmap",))
Flusher = Sort("Flusher", "a thread that writes dirty pages back", ("write-back",))


class ZapThenFlush(Design):
    """munmap() takes the D bit over into the page and drops the PTE's lock, and flushes the TLBs a little later.

    Write-back comes in between: it finds no PTE to protect, clears the page's flag and writes it out. A CPU that
    still has the translation writes to the page after that, and no bit tells of it.

    Source: Linux before 1cf35d47712d "mm: split 'tlb_flush_mmu()' into tlb flushing and memory freeing parts",
    mm/memory.c, zap_pte_range(); mm/rmap.c, page_mkclean(); mm/page-writeback.c, clear_page_dirty_for_io().
    """

    mapped = Pages("pages that have a PTE", initially=ALL)
    pte_dirty = Pages("the PTE is writable and dirty; else a write faults")
    dirty = Pages("the page's dirty flag")
    tlb = Pages("dirty, writable translations that this CPU has cached", per=Cpu)
    unread = Pages("ghost: pages whose newest content was not written to disk")
    page_lock = Lock("lock_page()")
    ptl = Lock("the page table's lock")
    stopped = Flag("no thread of the process runs any more")
    finished = Flag("nothing is dirty and no write-back runs")

    @operation(by=Cpu)
    def fault(s, me, page):
        with s.ptl:
            wait_for(~s.stopped)
            wait_for(page <= s.mapped)
            wait_for(~(page <= s.pte_dirty))
            s.pte_dirty |= page                # do_wp_page(): pte_mkdirty(), writable
            yield "opened"
        with s.page_lock:                      # wait_on_page_locked(), against clear_page_dirty_for_io()
            s.dirty |= page                    # set_page_dirty_balance()
            yield "marked"

    @operation(by=Cpu)
    def write(s, me, page):
        wait_for(~s.stopped)
        wait_for(page <= s.pte_dirty | s.tlb[me])
        s.tlb[me] |= page
        s.unread |= page

    @operation(by=Cpu)
    def map(s, me, page):
        with s.ptl:
            wait_for(~s.stopped)
            wait_for(~(page <= s.mapped))
            s.mapped |= page                   # a read fault: clean and write-protected
            yield "mapped"

    @operation(by=Unmapper)
    def unmap(s, me, gone: Page):
        with s.ptl:
            wait_for(gone <= s.mapped)
            s.dirty |= gone & s.pte_dirty      # set_page_dirty()
            s.pte_dirty -= gone
            s.mapped -= gone                   # ptep_get_and_clear_full()
            yield "zapped"
        s.tlb[Cpu.every] -= gone               # tlb_flush_mmu(), after pte_unmap_unlock()
        yield "flushed"

    @operation(by=Flusher)
    def write_back(s, me, want):
        with s.page_lock:
            yield "locked"
            with s.ptl:
                s.dirty |= want & s.pte_dirty  # page_mkclean(): only where there is a PTE
                s.pte_dirty -= want
                s.tlb[Cpu.every] -= want & s.mapped
                yield "cleaned"
            me.sent = s.dirty & want
            s.dirty -= want                    # TestClearPageDirty()
            yield "cleared"
        s.unread -= me.sent                    # the I/O reads the page
        yield "submitted"

    @operation(by=Guest)
    def stop(s, me):
        wait_for(~s.stopped)
        wait_for(every(Cpu, lambda cpu: idle(cpu)))
        s.stopped = True

    @operation(by=Guest)
    def complete(s, me):
        wait_for(s.stopped)
        wait_for(every(Flusher, lambda flusher: idle(flusher)))
        wait_for(s.dirty | s.pte_dirty <= NONE)
        s.finished = True
