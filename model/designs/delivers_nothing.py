"""A sync that tells nobody."""

from model import Pages, operation
from model.designs.dirty_log import DirtyLog
from model.designs.top_layer import TopLayer


class DeliversNothing(DirtyLog):
    """The report is taken and goes nowhere: no bit is ever cleared, so every promise stands and no page is read.

    Source: a mutant of QEMU 7.2 kvm_slot_sync_dirty_pages() that shows why the state form of safety is not enough.
    """

    cache = Pages("KVMSlot.dirty_bmap")

    @operation
    def sync(s, me):
        s.cache = s.kernel

    clear = TopLayer.clear
