"""The first obvious design: clear everything, then read what you were told of."""

from model import NONE, every_client, operation, wait_for
from model.designs.dirty_log import DirtyLog


class Naive(DirtyLog):
    """Clear the whole slot before reading any of it: the mask of KVM_CLEAR_DIRTY_LOG is all ones.

    A page that was written after the last sync is cleared with the others, and nobody was ever told of it.

    Not modelled: that the mask covers 64 pages or a chunk, not the whole slot (a smaller range loses in the same way,
    wherever another page of it was written); write-protection apart from the log's bit (`armed` in the kernel family).

    Source: Peter Xu, "[PATCH 00/11] kvm/migration: support KVM_CLEAR_DIRTY_LOG", qemu-devel, 2019-05-08: "we can't
    clear any dirty bit from QEMU if we are not _sure_ that the bit is dirty in the kernel". Never posted as code.
    """

    @operation
    def sync(s, me):
        s.user[every_client] |= s.kernel       # GET_DIRTY_LOG, and cpu_physical_memory_set_dirty_lebitmap()

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])           # ram_find_and_save_block(): a page whose bit is set
        s.kernel = NONE                        # ioctl KVM_CLEAR_DIRTY_LOG, all ones
        yield "cleared"
        DirtyLog.read(s, me, want)
        yield "read"
