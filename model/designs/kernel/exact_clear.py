"""A CLEAR that reaches every page that it is asked to clear, and the property that says so."""

from model import Pages, operation, wait_for
from model.designs.kernel.dirty_log import ArmedLog, OneClient
from model.expr import NONE, always


@always
def cleared_stays_clean(s):
    """A page that was cleared and not written since is not reported: else migration stalls for ever."""
    return s.kernel & s.quiet <= NONE


class ExactClear(ArmedLog):
    """CLEAR takes away the bits of the whole range, also those of a last word that is not full.

    Then a guest that writes nothing is reported as clean after one round, and migration can end.

    Source: Linux 76d58e0f07ec "KVM: fix KVM_CLEAR_DIRTY_LOG for memory slots of unaligned size" and 4ddc9204572c
    "KVM: Fix the bitmap range to copy during clear dirty"; api.rst, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2.
    """

    quiet = Pages("ghost: pages that were cleared and not written since")

    @operation
    def write(s, me, page):
        ArmedLog.write(s, me, page)
        s.quiet -= page

    @operation(by=OneClient)
    def sync(s, me):
        s.mine[me] |= s.kernel

    @operation(by=OneClient)
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        s.armed |= s.kernel & want
        s.kernel -= want
        s.quiet |= want
        yield "cleared"
        ArmedLog.read(s, me, want)
        yield "read"

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.stopped)
        s.mine[me] |= s.kernel
        yield "synced"
        ArmedLog.finish(s, me)
        yield "sent"
