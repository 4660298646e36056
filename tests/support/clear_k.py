"""CLEAR-k, the yardstick: one slot, every client holding at most one page between collect and read.

Other tools have been measured on it (`reports` quotes them); all explicit ones store the same number of states.
"""

from __future__ import annotations

from model import ALL, MIGRATION, NONE, Client, Design, Flag, Guest, Pages, choose, every_client, operation, wait_for
from model.expr import always


class ClearK(Design):
    """The safe form: a client clears its page in the kernel only where the cache shows that it was reported."""

    kernel = Pages("written since the last clear")
    cache = Pages("reported and not cleared since")
    stale = Pages("ghost: the destination has an older version", initially=ALL)
    user = Pages("reported to this client, not collected yet", per=Client, initially={MIGRATION: ALL})
    hold = Pages("none, or the page between collect and finish", per=Client)
    cleared = Flag("the page in hold has been cleared", per=Client)

    @operation(by=Guest)
    def write(s, me, page):
        s.kernel |= page
        s.stale |= page

    @operation(by=Guest)
    def sync(s, me):
        s.user[every_client] |= s.kernel
        s.cache |= s.kernel

    @operation
    def collect(s, me, page):
        wait_for(s.hold[me] <= NONE)
        wait_for(page <= s.user[me])
        s.user[me] -= page
        s.hold[me] = page

    def once(s, me):
        """There is a page in hold, and it is cleared once."""
        wait_for(~(s.hold[me] <= NONE))
        wait_for(~s.cleared[me])
        s.cleared[me] = True

    @operation
    def clear(s, me):
        ClearK.once(s, me)
        s.kernel -= s.hold[me] & s.cache
        s.cache -= s.hold[me]

    @operation
    def finish(s, me):
        wait_for(s.cleared[me])
        s.stale -= choose(me == MIGRATION, s.hold[me], NONE)
        s.hold[me] = NONE
        s.cleared[me] = False


class ClearKNaive(ClearK):
    """A clear empties the whole log."""

    @operation
    def clear(s, me):
        ClearK.once(s, me)
        s.kernel = NONE


class ClearKTopLayer(ClearK):
    """A clear takes the page in hold away from the log, reported or not."""

    @operation
    def clear(s, me):
        ClearK.once(s, me)
        s.kernel -= s.hold[me]


@always
def promise(s):
    """What the destination has not got is still promised to the first client by some bit."""
    return s.stale <= s.kernel | s.user[MIGRATION] | s.hold[MIGRATION]
