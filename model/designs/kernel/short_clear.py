"""A CLEAR that copies in too few words of the bitmap."""

from model import AnyPages, operation, wait_for
from model.designs.kernel.dirty_log import ArmedLog, OneClient
from model.designs.kernel.exact_clear import ExactClear, cleared_stays_clean

__all__ = ["ShortClear", "cleared_stays_clean"]


class ShortClear(ExactClear):
    """The kernel copies a part of the mask, and for the rest of the range it clears nothing.

    No write is lost, for a bit that stays only has its page sent once more. But it is sent once more in every round,
    and migration does not end; the capability got a new number, so that user space could tell.

    Source: Linux before 4ddc9204572c "KVM: Fix the bitmap range to copy during clear dirty" and 76d58e0f07ec;
    d7547c55cbe7 "KVM: Introduce KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2".
    """

    @operation(by=OneClient)
    def clear(s, me, want, copied: AnyPages):
        wait_for(want <= s.mine[me])
        s.armed |= s.kernel & want & copied    # copy_from_user() of n words, where n is too small
        s.kernel -= want & copied
        s.quiet |= want
        yield "cleared"
        ArmedLog.read(s, me, want)
        yield "read"
