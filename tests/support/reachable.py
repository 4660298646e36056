"""Every state of a small instance, without an engine."""


def reachable(instance):
    """Every state, by the compiled successors of the plain interpreter."""
    seen, waiting = {instance.initial}, [instance.initial]
    while waiting:
        new = {after for _, after in instance.successors(waiting.pop())} - seen
        seen |= new
        waiting += new
    return seen
