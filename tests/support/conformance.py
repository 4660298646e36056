"""Subset automata of designs, made once for all tests."""

from functools import cache

from model import record
from model.conformance.automaton import Explanations
from model.conformance.letters import Reading
from model.designs.catalogue import load
from model.verify.result import sizes_for


@cache
def explanations(design, clients=2):
    program = record(load(design))
    return Explanations(Reading(program, sizes_for(program, {"Client": clients})))
