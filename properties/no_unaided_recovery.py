"""Step 7 of the 2019 mail: a page that was lost stays lost, however often one syncs."""

from model.expr import Client, Pages, always


@always
class no_unaided_recovery:
    """A page that no bit promises to a client stays unread by it, whatever is synced, unless it is written again."""

    lost = Pages("unread and promised by no bit at some moment, and not written since", per=Client)

    def observe(step, before, s, me):
        everyone = Client.every
        promised = s.kernel | s.user[everyone] | s.mine[everyone]
        s.lost[everyone] = (before.lost[everyone] | (s.unread[everyone] - promised)) - (s.kernel - before.kernel)

    def holds(s, client):
        return s.lost[client] <= s.unread[client]
