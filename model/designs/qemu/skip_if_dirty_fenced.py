"""The same writer with a fence between the store and the look."""

from model import Pages, fence, operation, wait_for
from model.designs.qemu.clear_by_bmap import Device
from model.designs.qemu.skip_if_dirty import SkipIfDirty
from model.designs.qemu.skip_if_dirty import same_content as same_content


class SkipIfDirtyFenced(SkipIfDirty):
    """A full barrier makes the store visible before the thread looks whether the page is marked.

    It is the barrier of Dekker's algorithm: each side stores one thing and then loads the other's.

    Source: our proposal, smp_mb() in QEMU 10.0 invalidate_and_set_dirty() before the look.
    """

    memory = Pages("guest memory: each write turns the page's content over", memory="tso")

    @operation(by=Device)
    def write(s, me, page):
        wait_for(~s.finished)
        s.memory = s.memory ^ page
        yield "stored"
        fence()                                # smp_mb()
        me.clean = page - s.user
        yield "looked"
        s.locked.user |= me.clean
        yield "marked"
