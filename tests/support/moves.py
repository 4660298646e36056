"""Moves of a small instance by their names, and the state after some of them."""

from model.instance.instance import Instance
from model.program.design import record
from model.verify.result import sizes_for


def moves(instance, label, thread=None):
    """The moves with this label, of one thread or of all."""
    return [m for m in instance.moves if m.ground.step.label == label and thread in (None, m.ground.thread)]


def enabled(instance, state):
    """(label, thread) of every move that is possible in a state."""
    return {(m.ground.step.label, m.ground.thread) for m in instance.moves if instance.enabled(m, state)}


def after(design, *taken, pages=2, **sizes):
    """The state after moves given as (label, thread, arguments), as {field: value}; raises if one is not enabled."""
    program = record(design)
    instance = Instance(program, pages, sizes_for(program, {"Client": 2} | sizes))
    state = instance.initial
    for label, thread, arguments in taken:
        found = [m for m in moves(instance, label, thread) if {**m.ground.indices, **m.arguments} == arguments]
        assert 1 == len(found), (label, arguments)
        assert instance.enabled(found[0], state), label
        state = instance.apply(found[0], state)
    return {f.name if f.number is None else (f.name, f.number): v for f, v in zip(instance.fields, state, strict=True)}
