"""A page parameter called thread."""
from model import Design, Client, Pages, Flag, operation, NONE
from model import Page
from model.expr import always
class P(Design):
    """x."""
    a = Pages("a")
    b = Pages("b")
    @operation
    def go(s, me, thread: Page):
        s.a |= thread
        s.b |= thread
@always
def same(s):
    """a is b."""
    return s.a == s.b
