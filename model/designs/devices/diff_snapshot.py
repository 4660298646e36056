"""Firecracker: a diff snapshot that can be taken again after it has failed."""

from model import NONE, choose, operation
from model.designs.devices.diff_snapshot_failed import DiffSnapshotFailed
from model.designs.devices.dirty_log import OneClient


class DiffSnapshot(DiffSnapshotFailed):
    """What KVM reported is put back into the VMM's own bitmap when the file cannot be written.

    The next attempt finds the pages there, so a failure costs a larger file and loses nothing.

    Source: Firecracker 0d0cab9f3 "Store kvm dirty bitmap inside firecrackers internal bitmap so no data is lost",
    issue 4545, src/vmm/src/vstate/memory.rs, store_dirty_bitmap().
    """

    @operation(by=OneClient)
    def snapshot(s, me, failed: bool):
        me.dirty = s.kernel | s.internal
        s.kernel = NONE
        s.paused = True
        yield "collected"
        s.internal = choose(failed, me.dirty, NONE)         # store_dirty_bitmap()
        s.unread[me] -= choose(failed, NONE, me.dirty)
        s.finished = ~failed
        s.paused = False
        yield "written"
