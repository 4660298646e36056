"""Xen: a caller that takes a failed CLEAN for "everything may be dirty"."""

from model import ALL, NONE, choose, operation
from model.designs.devices.clean_fails_halfway import CleanFailsHalfway
from model.designs.kernel.dirty_log import OneClient


class CleanFailureResends(CleanFailsHalfway):
    """After an error the caller trusts nothing that it was told and sends every page again.

    Whatever leaves were cleared, their pages are among those. Giving up the migration is safe for the same reason: a
    new one begins with every page.

    Source: our reasoning on Xen (6fc1f55e7d90) xen/arch/x86/mm/paging.c, paging_log_dirty_op();
    tools/libs/guest/xg_sr_save.c, which gives up.
    """

    @operation(by=OneClient)
    def sync(s, me, leaf, failed: bool):
        me.copied = s.kernel & leaf
        s.armed |= s.kernel & leaf
        s.kernel -= leaf
        yield "copied"
        s.mine[me] |= choose(failed, ALL, me.copied | s.kernel)
        s.armed |= choose(failed, NONE, s.kernel)
        s.kernel = choose(failed, s.kernel, NONE)
        yield "returned"
