"""COLO with the shortcut of the last round: no clear before the pages are sent."""

from model import MIGRATION, NONE, every_client, operation, wait_for
from model.designs.dirty_log import DirtyLog
from model.designs.qemu.colo_checkpoint import CheckpointedLog


class ColoCheckpointUncleared(CheckpointedLog):
    """The checkpoint leaves the bits in the kernel and in the cache, as the last round of a migration may.

    By itself that costs copies only. With a display beside it a page's old cache bit lets the display clear the
    kernel's bit of a write after the checkpoint, and no later checkpoint has the page.

    Source: our mutant of QEMU ram_save_complete(), where last_stage is false under COLO; fd0377150d, 2025-05-14.
    """

    @operation
    def checkpoint(s, me):
        wait_for((me == MIGRATION) & ~s.paused)
        s.paused = True
        yield "paused"
        with s.slots_lock:
            s.cache = s.kernel
            yield "reported"
            s.user[every_client] |= s.cache
            yield "merged"
        s.mine[me] |= s.user[me]
        s.user[me] = NONE
        yield "collected"
        DirtyLog.read(s, me, s.mine[me])       # last_stage: the clear is left out
        s.paused = False
        yield "read"
