"""The bitmap beside the ring, collected before its last writer has run."""

from model import NONE, Vcpu, every, operation, wait_for
from model.designs.kernel.dirty_log import ArmedLog, OneClient
from model.designs.kernel.ring_with_bitmap import RingWithBitmap


class BitmapTooEarly(RingWithBitmap):
    """The bitmap is collected when the vCPUs have stopped, and the ITS saves its tables after that.

    The tables of a page that had been sent already stay behind in the bitmap.

    Source: a mutant against Linux 86bdf3ebcfe1, api.rst, KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP: "Collecting the dirty
    bitmap should be the very last thing that the VMM does before considering the state as complete."
    """

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.stopped)
        wait_for(every(Vcpu, lambda vcpu: s.ring[vcpu].empty))
        wait_for(s.taken <= NONE)
        s.mine[me] |= s.backup                 # too early
        s.backup = NONE
        yield "synced"
        wait_for(s.saved)
        ArmedLog.finish(s, me)
        yield "sent"
