"""A writer outside KVM: store, then mark, unless it is marked already."""

from model import NONE, Design, Flag, Pages, idle, operation, wait_for
from model.designs.qemu.clear_by_bmap import Device
from model.designs.qemu.rearm_with_the_clear import Migration
from model.expr import always


@always
def same_content(s):
    """When the last round is over, the destination's memory is the source's."""
    return ~s.finished | (s.copy == s.memory)


class SkipIfDirty(Design):
    """The device's thread stores, then looks whether the page is marked, and marks it only where it is not.

    A mark that is found standing was set before and will be taken later, and the read comes after that; so the order
    store, look, mark is right as long as stores are seen in the order of the program.

    Source: QEMU 10.0 system/physmem.c, invalidate_and_set_dirty(), cpu_physical_memory_range_includes_clean().
    """

    memory = Pages("guest memory: each write turns the page's content over")
    copy = Pages("the destination's memory")
    user = Pages("ram_list.dirty_memory[MIGRATION]")
    mine = Pages("RAMBlock.bmap")
    finished = Flag("the device is quiet, and no bit is left")

    @operation(by=Device)
    def write(s, me, page):
        wait_for(~s.finished)
        s.memory = s.memory ^ page             # memcpy() into guest memory
        yield "stored"
        me.clean = page - s.user               # cpu_physical_memory_range_includes_clean()
        yield "looked"
        s.locked.user |= me.clean              # cpu_physical_memory_set_dirty_range(): atomic or
        yield "marked"

    @operation(by=Migration)
    def sync(s, me):
        s.locked.mine |= s.user                # atomic exchange
        s.locked.user = NONE

    @operation(by=Migration)
    def send(s, me, page):
        wait_for(page <= s.mine)
        s.mine -= page
        s.copy = (s.copy - page) | (s.memory & page)

    @operation(by=Migration)
    def finish(s, me):
        wait_for((s.user | s.mine <= NONE) & idle(Device[0]))
        s.finished = True
