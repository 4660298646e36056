"""One question at one page, asked of the small search of `views` and of the packed search; what one page sees."""

from model.engines.packed import search as lanes
from model.instance.problem import Problem
from model.limits import Limits
from model.parametric.views import few
from model.parametric.views.elsewhere import flag
from model.parametric.views.one_page import one_page
from model.parametric.views.protocol import protocol
from model.parametric.views.registers import forgetful
from model.parametric.views.system import System


def system_of(problem):
    """The system of one page; CannotSay where the problem is outside of the fragment."""
    single = one_page(problem.program, problem.invariants)
    found = System(protocol(forgetful(single.program, problem.invariants), problem.invariants))
    assert found.rules is not found.violations  # both made, or refused
    return found, single.program


def at_one_page(problem, clients):
    """(views' small search, the packed search) of the same one-page program with so many clients."""
    system, single = system_of(problem)
    return asked_alike(system, Problem(single, problem.invariants), 1, clients)


def at_whole_pages(problem, pages, clients):
    """The same of the program itself at so many pages."""
    made = protocol(forgetful(problem.program, problem.invariants), problem.invariants, None, pages)
    return asked_alike(System(made), problem, pages, clients)


def asked_alike(system, problem, pages, clients):
    named = system.protocol.cast.named
    total = {s: max(clients, n) for s, n in named.items()}
    mine = few.search(system, {s: n - named[s] for s, n in total.items()}, lambda n: "")
    return mine, lanes.search(problem.at(pages, total), Limits(states=200_000))


def seen_from(first, whole, single, state):
    """The state as a group of pages from `first` on sees it: one page, or as many as `single` has."""
    width = {v.name: v.sort for v in single.program.variables}
    found = []
    for f in single.fields:
        if f.name.startswith(flag("")):
            bits = state[whole.position[f.name.removeprefix(flag("")), f.number]]
            found.append(int(bits & ~(single.full << first) != 0))
            continue
        value = state[whole.position[f.key]]
        found.append(value >> first & single.full if width.get(f.name) == "pages" else value)
    return tuple(found)


def follows(whole, views, states=400):
    """Of the first few hundred states: each move, as (first page, instance) sees it, is a move there."""
    seen, work = {whole.initial}, [whole.initial]
    while work and len(seen) < states:
        state = work.pop(0)
        after = {there for _, there in whole.successors(state)}
        for first, single in views:
            here = seen_from(first, whole, single, state)
            allowed = {here} | {there for _, there in single.successors(here)}
            assert set() == {seen_from(first, whole, single, s) for s in after} - allowed
        work += after - seen
        seen |= after
