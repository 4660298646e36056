"""A full flush separates the rounds."""

from model import NONE, every, operation, wait_for
from model.designs.qemu.multifd_unflushed import Channel, Multifd
from model.designs.qemu.rearm_with_the_clear import Migration


class MultifdFlushed(Multifd):
    """Before a page can be found dirty again, all channels have delivered what the last round queued.

    Within a round a page is queued once, so two versions of it are never on their way together.

    Source: QEMU 294e5a4034, 2022-06-21; multifd_send_sync_main() at the end of each round (find_dirty_block()).
    """

    @operation(by=Migration)
    def sync(s, me):
        wait_for(every(Channel, lambda c: s.sent[c].empty))    # all connections flushed
        s.mine |= s.user
        s.user = NONE
