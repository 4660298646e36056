"""Firecracker: a diff snapshot whose file cannot be written."""

from model import NONE, Design, Flag, Pages, choose, every_client, operation, wait_for
from model.designs.devices.dirty_log import OneClient


class DiffSnapshotFailed(Design):
    """A paused microVM's dirty log is taken, which empties it, and then the pages are written to a file.

    When writing fails, the log that named the pages is gone. The next diff snapshot holds what was written since, and
    the chain of snapshots lacks the pages of the one that failed.

    Source: Firecracker before 0d0cab9f3 "Store kvm dirty bitmap inside firecrackers internal bitmap", issue 4545,
    src/vmm/src/vstate/vm.rs, get_dirty_bitmap(), and persist.rs.
    """

    kernel = Pages("KVM's dirty log, which GET empties")
    internal = Pages("the AtomicBitmap of guest memory: what the VMM itself has written")
    unread = Pages("ghost: pages whose newest content is in no snapshot of the chain", per=OneClient)
    paused = Flag("the microVM is paused")
    finished = Flag("a snapshot has succeeded, and the guest has not run since")

    @operation
    def write(s, me, page, device: bool):
        wait_for(~s.paused)
        s.kernel |= choose(device, NONE, page)
        s.internal |= choose(device, page, NONE)
        s.unread[every_client] |= page
        s.finished = False

    @operation(by=OneClient)
    def snapshot(s, me, failed: bool):
        me.dirty = s.kernel | s.internal       # ioctl KVM_GET_DIRTY_LOG, and the VMM's own bitmap
        s.kernel = NONE
        s.paused = True
        yield "collected"
        s.internal = choose(failed, s.internal, NONE)       # reset after the file is written
        s.unread[me] -= choose(failed, NONE, me.dirty)      # dump_dirty()
        s.finished = ~failed
        s.paused = False
        yield "written"
