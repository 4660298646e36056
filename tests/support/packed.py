"""A question as the packed search takes it, and what two engines must agree on."""

from model.designs.catalogue import built_in_properties, load
from model.instance.problem import Problem
from model.program.design import record
from model.verdict import Refuted

FORMS = ["promise_kept", "no_lost_write"]


def question(design, property, pages, clients):
    """A property asked of a built-in design, or of a class, at a size."""
    wanted = built_in_properties()[property] if isinstance(property, str) else property
    program = record(load(design) if isinstance(design, str) else design)
    return Problem.of(program, wanted, pages=pages, sizes={"Client": clients})


def answer(verdict):
    """All that two engines must agree on."""
    bad = set(verdict.detail) if isinstance(verdict, Refuted) else None
    return verdict.word, verdict.states, verdict.depth, verdict.transitions, bad
