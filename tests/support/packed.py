"""A question as engines take it, and what two of them must agree on."""

from model.designs.catalogue import built_in_properties, load
from model.instance.problem import Problem
from model.program.design import record
from model.verdict import Refuted

FORMS = ["promise_kept", "no_lost_write"]


def question(design, property, pages, clients):
    """A property asked of a design at a size; both are a class, or the name of a built-in one."""
    wanted = built_in_properties()[property] if isinstance(property, str) else property
    program = record(load(design) if isinstance(design, str) else design)
    return Problem.of(program, wanted, pages=pages, sizes={"Client": clients})


def asked(design, property):
    """(program, invariants): the same for any number of pages and clients."""
    found = question(design, property, 1, 1)
    return found.program, found.invariants


def answer(verdict):
    """All that two engines must agree on."""
    bad = set(verdict.detail) if isinstance(verdict, Refuted) else None
    return verdict.word, verdict.states, verdict.depth, verdict.transitions, bad
