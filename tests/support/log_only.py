"""A design that marks writes, and nothing else: for what has to be refused."""

from model import Design, Pages, operation


class LogOnly(Design):
    """Nothing is read."""

    kernel = Pages("a log")

    @operation
    def write(s, me, page):
        s.kernel |= page
