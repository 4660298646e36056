"""Checks against vacuity: a design in which nothing happens satisfies everything."""

from model.expr import NONE, TRUTH, Client, Flag, some, sometimes


@sometimes
class every_step_fires:
    """Every step of every operation is taken in some run."""

    fired = Flag("the step in question has been taken")

    def cases(program):
        return [step.label for step in program.steps]

    def observe(step, before, s, me, case):
        if step.label == case:
            s.fired |= True

    def holds(s, case):
        return s.fired


@sometimes
class every_bitmap_fills:
    """Every set of pages is non-empty, and every flag is set, in some reachable state."""

    def cases(program):
        return [v.name for v in program.variables if v.role == "part"]

    def holds(s, case):
        part = getattr(s, case)
        sort = getattr(part, "sort_of_index", None)
        value = some(sort, lambda each: part[each]) if sort else part
        return value if value.sort == TRUTH else ~(value <= NONE)


@sometimes
class every_client_reads:
    """Each client reads, in some run, a page whose newest content it had not read."""

    has_read = Flag("this client has read a page", per=Client)

    def observe(step, before, s, me):
        if step.by == Client.name and "unread" in step.writes:
            s.has_read[me] |= ~(before.unread[me] <= s.unread[me])

    def holds(s, client):
        return s.has_read[client]
