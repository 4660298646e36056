"""Soft-dirty bits that clear_refs leaves set where a page is pinned."""

from model import operation, wait_for
from model.designs.kernel.dirty_log import OneClient
from model.designs.memory.soft_dirty_pinned import SoftDirtyPinned


class SoftDirtyPinSkipped(SoftDirtyPinned):
    """clear_refs passes over pinned pages: their bit stays set and they stay writable.

    The bit was set when the page was pinned, so a page that a device can write is in every report. It costs a copy a
    round for as long as the page is pinned.

    Source: Linux 9348b73c2e1b "mm: don't play games with pinned pages in clear_page_refs", fs/proc/task_mmu.c,
    clear_soft_dirty(), pte_is_pinned(), private mappings only. That this is enough: our reasoning.
    """

    @operation(by=OneClient)
    def sync(s, me):
        wait_for(~s.frozen)
        s.frozen = True
        s.mine[me] |= s.kernel
        yield "collected"
        s.armed = s.armed | ~s.pinned          # if (pte_is_pinned(vma, addr, ptent)) return;
        s.kernel = s.kernel & s.pinned
        s.frozen = False
        yield "cleared"
