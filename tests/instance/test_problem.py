"""A watched program as one value: what is asked, at which sizes, and what it takes to ask it elsewhere."""

import pickle

import pytest

from model.designs.catalogue import find_property, load
from model.errors import UsageError
from model.instance.problem import Problem
from model.program.design import record
from model.program.observers import invariant, observed

RULES = [find_property(name) for name in ("promise_kept", "no_lost_write")]


def test_a_problem_is_the_program_with_all_that_is_asked_of_it():
    """The ghosts of each property are there, and every invariant speaks of the same program."""
    program = record(load("naive"))
    watched = observed(observed(program, RULES[0]), RULES[1])
    asked = Problem.of(program, *RULES, pages=2, sizes={"Client": 1})
    assert watched.digest == asked.program.digest
    assert tuple(invariant(watched, rule) for rule in RULES) == asked.invariants
    assert (2, {"Client": 1}) == (asked.instance.pages, asked.free_sizes)


def test_sizes_that_nobody_chose_are_free_too():
    """Two clients are the default; the guest is one, and nobody can choose that."""
    asked = Problem.of(record(load("naive")), RULES[1])
    assert {"Client": 2} == asked.free_sizes
    assert {"Client", "Guest"} == set(asked.instance.sizes)


def test_a_problem_goes_to_another_process_after_it_was_searched():
    """The instance has compiled functions, which no process can send to another."""
    asked = Problem.of(record(load("naive")), RULES[1])
    before = list(asked.instance.successors(asked.instance.initial))
    sent = pickle.loads(pickle.dumps(asked))
    assert before == list(sent.instance.successors(sent.instance.initial))
    assert asked.program.digest == sent.program.digest


def test_another_size_is_another_problem():
    """A size that does not fit is refused where there is an instance."""
    asked = Problem.of(record(load("naive")), RULES[1])
    small = asked.at(1, {"Client": 1})
    assert (1, {"Client": 1}) == (small.instance.pages, small.free_sizes)
    with pytest.raises(UsageError, match="at least 1 client"):
        _ = asked.at(1, {"Client": 0}).instance
