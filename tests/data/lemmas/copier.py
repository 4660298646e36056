"""A copier whose property is inductive together with `read_is_read`, and not alone."""

from model import NONE, Design, Guest, Pages, operation, wait_for
from model.expr import always, sometimes


class Copier(Design):
    """A page is dropped from the log where a note says that it was read since the last write."""

    kernel = Pages("written, and not dropped since")
    done = Pages("read since the last write, still to be dropped")
    unread = Pages("ghost: the newest content was not read")

    @operation(by=Guest)
    def write(s, me, page):
        s.kernel |= page
        s.unread |= page
        s.done -= page

    @operation
    def read(s, me, page):
        wait_for(page <= s.kernel)
        s.unread -= page
        s.done |= page

    @operation
    def drop(s, me, page):
        wait_for(page <= s.done)
        s.kernel -= page
        s.done -= page


@always
def kept(s):
    """What was not read is in the log."""
    return s.unread <= s.kernel


@always
def read_is_read(s):
    """What is noted as read was read."""
    return s.done & s.unread <= NONE


@always
def too_weak(s):
    """It is true, and excludes nothing that matters."""
    return s.unread <= s.kernel | s.done


@always
def never_done(s):
    """It is false: the first read breaks it."""
    return s.done <= NONE


@always
def everything(s):
    """It holds whatever the design does."""
    return s.done <= s.done | s.kernel


@always
def says_true(s):
    """It says nothing of the state."""
    return True


@sometimes
def something_done(s):
    """A page is noted as read."""
    return ~(s.done <= NONE)


@always
def something_is_kept(s):
    """It is false from the first drop on, where nothing is ever noted as read it is true."""
    return s.kernel <= s.unread


@always
def never_twice(s):
    """It is false: two pages are noted as read."""
    return (s.done <= NONE) | (s.kernel <= NONE)


@always
class seen_is_read:
    """What is noted as read was seen to be read, and nothing unread was."""

    seen = Pages("read since it was last written")

    def observe(step, before, s, me):
        if step.operation == "write":
            s.seen -= s.unread
        if step.operation == "read":
            s.seen |= s.done

    def holds(s):
        return (s.done <= s.seen) & (s.seen & s.unread <= NONE)
