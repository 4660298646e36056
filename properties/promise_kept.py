"""The state form of safety: quick to search, and inductive in the good designs."""

from model.expr import always


@always
def promise_kept(s, client):
    """What a client has not read in its newest version is still promised to it by some bit."""
    return s.unread[client] <= s.kernel | s.user[client] | s.mine[client]
