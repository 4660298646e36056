"""The second obvious design: each client clears by its own bitmap."""

from model import operation, wait_for
from model.designs.dirty_log import DirtyLog
from model.designs.naive import Naive


class TopLayer(Naive):
    """Trust the client's own bitmap: whatever it collected, it may clear.

    With one client every page that is cleared is read afterwards. With two, a client clears by a report that the
    other has already acted on, and takes away the bit of a newer write.

    Not modelled: other sources of dirty pages that are merged into the same bitmaps, which the mail sets aside too (the
    page on 2019 adds them); that a range is rounded to 64 pages; QEMU's big lock, with which the loss takes 16 moves
    (`--environment qemu`).

    Source: the mail of Peter Xu to Paolo Bonzini, qemu-devel, 2019-05-08 19:39 +0800, steps (1) to (8).
    """

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        s.kernel -= want                       # ioctl KVM_CLEAR_DIRTY_LOG, the mask is the client's bits
        yield "cleared"
        DirtyLog.read(s, me, want)
        yield "read"
