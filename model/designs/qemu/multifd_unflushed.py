"""Two versions of a page on their way in two channels."""

from model import NONE, Design, Flag, Machine, Pages, Queue, Sort, every, operation, wait_for
from model.designs.qemu.rearm_with_the_clear import Migration

Channel = Sort("Channel", "one multifd connection", ("channel A", "channel B"))


class Multifd(Design):
    """Pages travel over several connections, each in order, and are applied whenever they arrive.

    Source: QEMU 7.2 migration/multifd.c, multifd_queue_page(), multifd_send_sync_main().
    """

    user = Pages("the dirty log below, as one bitmap")
    mine = Pages("RAMBlock.bmap")
    unread = Pages("ghost: pages whose newest content is not at the destination")
    sent = Queue("the connection", per=Channel, length=1)
    fresh = Pages("ghost: what is in this channel, if anything, is the page's newest content", per=Channel)
    finished = Flag("the guest has stopped, nothing is left to send and nothing on its way")

    @operation
    def write(s, me, page):
        wait_for(~s.finished)
        s.user |= page
        s.unread |= page
        s.fresh[Channel.every] -= page

    @operation(by=Migration)
    def send(s, me, page, channel):
        wait_for(page <= s.mine)
        s.mine -= page
        s.sent[channel].push(page)             # the content is read here
        s.fresh[channel] |= page

    @operation(by=Machine)
    def arrive(s, me, channel):
        s.unread -= s.sent[channel].head & s.fresh[channel]
        s.unread |= s.sent[channel].head - s.fresh[channel]
        s.fresh[channel] -= s.sent[channel].head
        s.sent[channel].pop()

    @operation(by=Migration)
    def finish(s, me):
        wait_for((s.user | s.mine <= NONE) & every(Channel, lambda c: s.sent[c].empty))
        s.finished = True


class MultifdUnflushed(Multifd):
    """A page is queued in one round on a slow channel, written again, and queued in the next round on a fast one.

    The newer content arrives first, and the older one overwrites it. The dirty log has done nothing wrong.

    Source: a mutant of QEMU 294e5a4034, 2022-06-21, "multifd: Only flush once each full round of memory".
    """

    @operation(by=Migration)
    def sync(s, me):
        s.mine |= s.user
        s.user = NONE
