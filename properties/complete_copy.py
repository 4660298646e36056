"""End-to-end safety of designs that have an end of their own."""

from model.expr import NONE, always, every


@always
def complete_copy(s):
    """When the design says that it has finished, no page is left whose newest content was not read.

    For designs that model the last round themselves (a `finished` flag), where `no_lost_write` would add an end of
    its own. `unread` is shared, or one for each element of a sort, such as a client.
    """
    unread = s.unread
    sort = getattr(unread, "sort_of_index", None)
    nothing = every(sort, lambda one: unread[one] <= NONE) if sort else unread <= NONE
    return ~s.finished | nothing
