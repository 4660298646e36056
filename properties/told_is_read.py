"""Liveness: what a client was told of does not lie about for ever."""

from model.expr import leads_to


@leads_to
class told_is_read:
    """A page that a client is told of is read by it in the end, if nobody writes any more."""

    needs = ("user", "unread")

    def premise(s, client):
        return s.user[client]

    def goal(s, client):
        return ~s.unread[client]
