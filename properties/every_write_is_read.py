"""Liveness: what the end-to-end form of safety is for."""

from model.expr import NONE, eventually


@eventually
class every_write_is_read:
    """Once nobody writes any more, every client comes to have read every write, and nothing is unread again."""

    needs = ("unread",)

    def holds(s, client):
        return s.unread[client] <= NONE
