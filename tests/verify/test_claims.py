"""Every sentence under a counterexample is true: what it claims is asked of the run again."""

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings

from model import MIGRATION, NONE, Client, Design, Flag, Guest, Pages, every_client, operation, record, wait_for
from model.designs.catalogue import built_in_designs, built_in_properties, find_property, load
from model.designs.gallery import entries
from model.errors import UsageError
from model.expr import PAGES, always, walk
from model.instance.problem import Problem
from model.instance.sizes import used_sorts
from model.instance.trace import shortest
from model.limits import Limits
from model.program.mutation import mutants
from model.verdict import Refuted
from model.verify import cause, claims
from model.verify.counterexample import Counterexamples
from model.verify.narration import narrated
from tests.support.claims import CHECKS, false_claims
from tests.support.random_designs import SIZES, designs
from tests.support.random_designs import questions as random_questions

ASKED = ("no_lost_write", "promise_kept", "complete_copy")
MAIN = tuple(built_in_designs())


def stories(program, pages=1, clients=2, states=200_000, names=ASKED):
    """(story, whole run, its trace to the violation) of each of the questions that is refuted at this size."""
    sizes = {"Client": clients} if "Client" in used_sorts(program) else {}
    for name in names:
        try:
            problem = Problem.of(program, built_in_properties()[name], pages=pages, sizes=sizes)
            verdict = _searched(problem, states)
        except UsageError:
            continue
        if isinstance(verdict, Refuted):
            trace, whole, story = Counterexamples(program, problem).narrated(verdict.depth, program.name)
            yield story, whole or trace, trace


def _searched(problem, states):
    from model.engines.packed import search

    return search.search(problem, Limits(states=states))


def wrong(found):
    return [c for story, whole, trace in found for c in false_claims(story, whole, trace)]


@pytest.mark.parametrize("name", MAIN)
def test_nothing_false_is_said_of_the_main_designs(name):
    """At two pages and two clients where that is small enough."""
    assert [] == wrong(stories(record(load(name)), pages=2))


REFUTED = sorted(e.design for e in entries() if e.deciding is not None and e.deciding.verdict == "refuted")


def test_a_sync_that_forgets_what_it_has_reported_delivers_nothing():
    """It keeps the page in a register between two steps and no longer; the log still has it."""
    forgetful = next(
        m.program
        for m in mutants(record(load("no-lock-register")))
        if m.kind == "forgotten update" and m.change.startswith("sync.merged: user")
    )
    found = list(stories(forgetful, names=("no_lost_write",), clients=1))
    assert [] == wrong(found)
    assert "delivers nothing" in [note for story, *_ in found for note in story.lines[-1].notes]


class PassedOn(Design):
    """MIGRATION passes a page on to others, which owes it to them and not to itself."""

    unread = Pages("ghost: what this client has not read", per=Client)
    passed = Flag("it has")

    @operation(by=Guest)
    def write(s, me, page):
        s.unread[every_client] |= page

    @operation
    def passing(s, me, page, client):
        wait_for((me == MIGRATION) & (client != me))
        s.unread[client] |= page
        s.passed = True

    @operation
    def read(s, me, page):
        s.unread[me] -= page


@always
def complete_copy(s):
    """Nothing is owed to MIGRATION after it has passed something on."""
    return ~s.passed | (s.unread[MIGRATION] <= NONE)


def test_a_later_write_that_owes_the_page_to_others_does_not_make_an_earlier_one_no_write():
    program = record(PassedOn)
    problem = Problem.of(program, complete_copy, pages=1, sizes={"Client": 2})
    trace = shortest(problem.instance, problem.invariant)
    story = narrated(trace, program.name)
    assert [] == false_claims(story, trace, trace)


OWN_PROPERTY = ("skip-if-dirty-store-buffer", "stop-postponed")  # asked by a property beside the design
SAMPLE = [
    pytest.param(n, marks=pytest.mark.slow if i % 5 and n not in OWN_PROPERTY else ()) for i, n in enumerate(REFUTED)
]


@pytest.mark.parametrize("name", SAMPLE)
def test_nothing_false_is_said_of_the_gallery(name):
    """Each design that loses pages, at the size at which it is recorded."""
    entry = next(e for e in entries() if e.design == name)
    row, design = entry.deciding, load(name)
    program = record(design)
    problem = Problem.of(program, find_property(row.property, design), pages=row.pages, sizes=row.sizes)
    trace, whole, story = Counterexamples(program, problem).narrated(row.depth, program.name)
    assert [] == false_claims(story, whole or trace, trace)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("top-layer", "no bit tells MIGRATION of page 0 any more"),
        ("no-lock-register", "no bit that the property names tells MIGRATION of page 0"),  # `me.seen` delivers it
    ],
)
def test_a_title_says_that_no_bit_is_left_only_where_no_run_delivers_the_page(name, says):
    [(story, *_)] = stories(record(load(name)), names=("promise_kept",))
    assert f"{name} breaks the promise: {says}" == story.title


@pytest.mark.parametrize(
    ("name", "part"),
    [pytest.param(n, p, marks=pytest.mark.slow if p or n != "top-layer" else ()) for n in MAIN for p in range(2)],
)
def test_nothing_false_is_said_of_mutants(name, part):
    """One page, two clients; every second mutant a part."""
    found = [m.program for m in mutants(record(load(name)))][part::2]
    assert [] == [c for program in found for c in wrong(stories(program, states=20_000))]


def told_of_random(data, pages, clients):
    """Stories of a random design in which one set of pages, which a promise names, is what is at stake."""
    for asked in random_questions(data, pages, clients):
        named = {e.args[0] for e in walk(asked.invariant.holds) if e.op == "var" and e.sort == PAGES}
        for variable in (v for v in asked.program.variables if v.name in named and v.role == "part"):
            variables = tuple(replace(v, at_stake=v.name == variable.name) for v in asked.program.variables)
            program = replace(asked.program, variables=variables)
            for name in ("promise", "complete_copy"):
                problem = replace(asked, program=program, invariants=(replace(asked.invariant, name=name),))
                trace = shortest(problem.instance, problem.invariant)
                if trace is not None:
                    yield narrated(trace, "random"), trace, trace
            break


def check_random(data):
    for pages, clients in SIZES:
        assert [] == wrong(told_of_random(data, pages, clients))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(designs())
def test_nothing_false_is_said_of_random_designs(data):
    """Whatever their parts are called and however strange what is at stake."""
    check_random(data)


@pytest.mark.slow
@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(designs())
def test_nothing_false_is_said_of_500_random_designs(data):
    """The nightly sample."""
    check_random(data)


@cache
def told_once(name):
    return list(stories(record(load(name)), names=ASKED[:1]))


def test_every_kind_of_claim_is_checked():
    """A new class needs a row."""
    kinds = {c for c in vars(claims).values() if isinstance(c, type) and issubclass(c, claims.Claim)}
    assert set(CHECKS) == kinds - {claims.Claim}


@pytest.mark.parametrize("name", ["naive", "top-layer", "no-lock", "asker-only", "delivers-nothing"])
def test_a_wrong_sentence_is_caught(name):
    """Each claim that names a move is false of the move before, or of the move after."""
    for story, whole, trace in told_once(name):
        at = [(c, c.at + by) for c in story.claims if "at" in vars(c) for by in (-1, 1)]
        moved = [replace(c, at=other) for c, other in at if 1 <= other <= len(whole)]
        assert len(moved) and len(moved) / 2 <= len(false_claims(replace(story, claims=tuple(moved)), whole, trace))


def test_an_argument_that_marks_the_wrong_move_is_caught(monkeypatch):
    """The seeded fault: the promise is called broken one move late."""
    found = cause._Inquiry._broken
    monkeypatch.setattr(cause._Inquiry, "_broken", lambda self: found(self) + 1)
    assert claims.PromiseBroken in {type(c) for c in wrong(stories(record(load("top-layer")), names=ASKED[:1]))}
