"""Progress, as far as it can be said of states: somebody can always go on."""

from model.expr import always, stuck


@always
def no_deadlock(s):
    """While some thread is inside an operation, something else than a new write is possible.

    Two locks that are taken in two orders, a wait for a flag that nobody sets any more: every thread waits, and safety
    holds because nothing happens. A thread alone that waits for ever while others go on is a question of infinite runs.
    """
    return ~stuck()
