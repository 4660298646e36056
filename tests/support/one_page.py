"""One question at one page, asked of the small search of `views` and of the packed search."""

from model.engines.packed import search as lanes
from model.instance.problem import Problem
from model.limits import Limits
from model.parametric.views import few
from model.parametric.views.one_page import one_page
from model.parametric.views.protocol import protocol
from model.parametric.views.registers import forgetful
from model.parametric.views.system import System


def at_one_page(given, clients):
    """(views' small search, the packed search) of the same one-page program with so many clients; None outside."""
    single = one_page(given.program, given.invariants)
    made = protocol(forgetful(single.program, given.invariants), given.invariants)
    cast = made.cast
    total = {s: max(clients, cast.named[s]) for s in cast.sorts}
    mine = few.search(System(made), {s: n - cast.named[s] for s, n in total.items()}, lambda n: "")
    return mine, lanes.search(Problem(single.program, given.invariants, 1, total), Limits(states=200_000))
