"""TCG: the bit is cleared, and the trap that would set it again is not."""

from model import NONE, operation
from model.designs.qemu.rearm_with_the_clear import Migration, TcgLog


class ClearWithoutRearm(TcgLog):
    """The log is taken, but the TLB entry stays on the fast path, and the next write to the page is silent.

    With one variable for "dirty" and "will trap" it cannot even be said. It stood from 2013 to 2024, where other TLB
    flushes hid it most of the time.

    Source: QEMU before 03bfc2188f, 2024-03-12 (fixes aa8dc044772): "ultimately causes memory corruption / lost updates
    during migration from a TCG host".
    """

    @operation(by=Migration)
    def sync(s, me):
        s.mine |= s.user
        s.user = NONE                          # and s.armed stays as it is
