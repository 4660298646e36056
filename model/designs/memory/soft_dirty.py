"""Soft-dirty bits with one user, who freezes the process, collects, clears, thaws and reads."""

from model import ALL, NONE, Design, Flag, Guest, Pages, every_client, operation, wait_for
from model.designs.kernel.dirty_log import OneClient


class SoftDirty(Design):
    """A write to a protected page faults and sets its soft-dirty bit; clear_refs clears all bits and protects again.

    The bits belong to the process and not to the user who asks. One user who collects and clears while the process is
    frozen, and reads the pages afterwards, sees every write.

    Source: Linux 6.1 fs/proc/task_mmu.c, clear_refs_write(), clear_soft_dirty();
    Documentation/admin-guide/mm/soft-dirty.rst.
    """

    kernel = Pages("pte_soft_dirty() of the process's pages")
    armed = Pages("the PTE is write-protected", initially=ALL)
    mine = Pages("what this user has collected from pagemap and not read yet", per=OneClient)
    unread = Pages("ghost: pages whose newest content this user has not read", per=OneClient)
    frozen = Flag("the process is frozen")
    stopped = Flag("the process has stopped for good")
    finished = Flag("the last dump is complete")

    @operation
    def write(s, me, page):
        wait_for(~s.frozen & ~s.stopped)
        s.kernel |= page & s.armed             # do_wp_page(): pte_mksoft_dirty()
        s.armed -= page
        s.unread[every_client] |= page

    @operation(by=OneClient)
    def sync(s, me):
        wait_for(~s.frozen)
        s.frozen = True
        s.mine[me] |= s.kernel                 # /proc/PID/pagemap
        yield "collected"
        s.kernel = NONE                        # /proc/PID/clear_refs: pte_clear_soft_dirty() ...
        s.armed = ALL                          # ... pte_wrprotect(), flush_tlb_mm()
        s.frozen = False
        yield "cleared"

    @operation(by=OneClient)
    def send(s, me, want):
        wait_for(want <= s.mine[me])
        s.mine[me] -= want
        s.unread[me] -= want

    @operation(by=Guest)
    def stop(s, me):
        wait_for(~s.stopped & ~s.frozen)
        s.stopped = True

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.stopped)
        s.mine[me] |= s.kernel
        yield "collected"
        s.unread[me] -= s.mine[me]
        s.mine[me] = NONE
        s.finished = True
        yield "read"
