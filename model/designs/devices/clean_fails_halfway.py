"""Xen: reading and clearing the log leaf by leaf, with a copy that may fail."""

from model import NONE, choose, operation, wait_for
from model.designs.kernel.dirty_log import ArmedLog, OneClient


class CleanFailsHalfway(ArmedLog):
    """XEN_DOMCTL_SHADOW_OP_CLEAN copies a leaf of the log to the caller and clears it, then the next leaf.

    When a copy fails the call returns an error, and the leaves before it are clear already. A caller that drops what
    came with the error and calls again is told of the other leaves only.

    Source: Xen (6fc1f55e7d90) xen/arch/x86/mm/paging.c, paging_log_dirty_op(). That a caller goes on after the error:
    our reasoning.
    """

    @operation(by=OneClient)
    def sync(s, me, leaf, failed: bool):
        me.copied = s.kernel & leaf            # copy_to_guest_offset() of a leaf, clear_page() of the leaf
        s.armed |= s.kernel & leaf             # with the domain paused: its pages are protected again on the way out
        s.kernel -= leaf
        yield "copied"
        s.mine[me] |= choose(failed, NONE, me.copied | s.kernel)        # rv = -EFAULT; goto out
        s.armed |= choose(failed, NONE, s.kernel)
        s.kernel = choose(failed, s.kernel, NONE)
        yield "returned"

    @operation(by=OneClient)
    def send(s, me, want):
        wait_for(want <= s.mine[me])
        ArmedLog.read(s, me, want)

    @operation(by=OneClient)
    def complete(s, me):
        wait_for(s.stopped)
        s.mine[me] |= s.kernel                 # the last one, which succeeds
        yield "synced"
        ArmedLog.finish(s, me)
        yield "sent"
