"""One design that bears many names at once, each in every position: a chain of operations, each waiting for the last.

So that tools which take a second to start read twenty names in one start.
"""

import inspect
from contextlib import suppress

from model import ALL, Design, Flag, Lock, Page, Pages, Sort, wait_for
from model.errors import ModelError
from model.expr import Operation, always
from model.instance.problem import Problem
from model.program.design import record

POSITIONS = ("part", "flag", "lock", "operation", "sort", "element", "step", "register", "parameter")
SPACES = (POSITIONS[:4], ("register", "parameter"), ("sort",), ("element",), ("step",))  # of the class, of a thread


def plain(link):
    return {p: f"{p.capitalize() if p == 'sort' else p}{link}" for p in POSITIONS}


def named(link, name, turn):
    """The names of a link: the name in each position that takes it; of those that share a space, in one of them."""
    found = plain(link)
    for positions in SPACES:
        position = positions[(link + turn) % len(positions)]
        with suppress(ModelError, ValueError, IndexError):  # the last two are of inspect.Parameter
            made([{**found, position: name}])
            found[position] = name
    return found


def made(links, *, safe=False, design="Chain", rule="is_not_reached"):
    """(property, problem) of a chain of such links, at 2 pages; refuted when the last link is done, unless `safe`.

    Raises:
        ModelError: a name is refused.
    """
    members = {"__doc__": "A chain.", "__module__": "generated"}
    for i, link in enumerate(links):
        members |= _members(link, [one["part"] for one in links[:i]][-1:])
    if len(members) != 2 + 4 * len(links):
        raise ModelError("one name in two positions of a class")
    last = links[-1]["part"]

    def holds(s):
        done = ALL <= getattr(s, last)
        return ~(done & ~done) if safe else ~done

    holds.__name__, holds.__doc__ = rule, "The end is not reached."
    asked = always(holds)
    return asked, Problem.of(record(type(design, (Design,), members)), asked, pages=2, sizes={})


def _members(link, before):
    sort = Sort(link["sort"], "a thing", (link["element"],), size=1)

    def work(s, me, **given):
        (want,) = given.values()
        with getattr(s, link["lock"]):
            for part in before:
                wait_for(ALL <= getattr(s, part))
            wait_for(~(ALL <= getattr(s, link["part"])))
            setattr(me, link["register"], want)
            getattr(s, link["flag"])[me] = True
            yield link["step"]
            setattr(s, link["part"], getattr(s, link["part"]) | getattr(me, link["register"]))
            yield "ended"

    usual = inspect.Parameter.POSITIONAL_OR_KEYWORD
    kinds = {"s": inspect.Parameter.empty, "me": inspect.Parameter.empty, link["parameter"]: Page}
    work.__signature__ = inspect.Signature([inspect.Parameter(n, usual, annotation=k) for n, k in kinds.items()])
    found = [("part", Pages("pages")), ("flag", Flag("a flag", per=sort)), ("lock", Lock("a lock"))]
    return {link[position]: part for position, part in (*found, ("operation", Operation(work, sort)))}
