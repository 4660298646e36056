"""A dirty ring whose slot starts with nothing armed."""

from model import NONE, Pages
from model.designs.kernel.dirty_ring import DirtyRing


class RingInitiallySet(DirtyRing):
    """INITIALLY_SET leaves every page writable, for it relies on the bitmap being all ones; with a ring there is none.

    The first copy of a page is read, and what the guest writes after it neither faults nor enters a ring. QEMU
    therefore does not enable the two together.

    Source: QEMU a81a592698 "KVM: Disable manual dirty log when dirty ring enabled", accel/kvm/kvm-all.c, kvm_init().
    """

    armed = Pages("SPTE write-protected: none, when the log is enabled", initially=NONE)
