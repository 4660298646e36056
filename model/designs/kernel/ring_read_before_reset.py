"""The dirty ring with a reader that does not wait for RESET."""

from model import NONE, operation, wait_for
from model.designs.kernel.dirty_log import OneClient
from model.designs.kernel.dirty_ring import DirtyRing


class RingReadBeforeReset(DirtyRing):
    """The pages of the entries that were taken are read at once, and RESET comes later.

    A write between the two meets a page that is not armed: no fault, no entry. RESET then arms a page whose newest
    content nobody was told of.

    Source: a mutant of Linux 6.1 virt/kvm/dirty_ring.c against api.rst, KVM_CAP_DIRTY_LOG_RING: "the ioctl must be
    called *before* reading the content of the dirty pages".
    """

    @operation(by=OneClient)
    def reset(s, me):
        wait_for(~(s.taken <= NONE))
        me.gone = s.taken
        s.unread[me] -= s.taken                # too early
        yield "read"
        s.armed |= me.gone                     # ioctl KVM_RESET_DIRTY_RINGS
        s.taken = NONE
        yield "reset"
