"""Firecracker: a diff snapshot whose file is written, and then cannot be synced to disk."""

from model import NONE, choose, operation
from model.designs.devices.diff_snapshot_failed import DiffSnapshotFailed
from model.designs.devices.dirty_log import OneClient


class DiffSnapshotUnsynced(DiffSnapshotFailed):
    """The bits are put back when a write fails, and reset when all writes have succeeded; then the file is synced.

    If that fails, the snapshot counts as failed, and the bits that named its pages are gone. The next diff lacks them.

    Source: an unconfirmed reading of Firecracker (d6c4de29b461) src/vmm/src/vstate/vm.rs, snapshot_memory_to_file(),
    where flush() and sync_all() come after dump_dirty(). Nobody upstream has confirmed it; it is no known bug.
    """

    @operation(by=OneClient)
    def snapshot(s, me, failed: bool, unsynced: bool):
        me.dirty = s.kernel | s.internal
        s.kernel = NONE
        s.paused = True
        yield "collected"
        s.internal = choose(failed, me.dirty, NONE)         # store_dirty_bitmap(), or reset_dirty()
        s.unread[me] -= choose(failed | unsynced, NONE, me.dirty)   # what is on disk
        yield "written"
        s.finished = ~(failed | unsynced)      # file.flush(), file.sync_all()
        s.paused = False
        yield "synced"
