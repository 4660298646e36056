"""What becomes of a design with a slip, and whether a pass of it says what it seems to say."""

from functools import cache

from model.designs.catalogue import find_property, load
from model.errors import ModelError
from model.instance.problem import Problem
from model.limits import Limits
from model.program.design import record
from model.verdict import Proved, Refuted
from model.verify.api import verify

STATES = 200_000  # a slip that makes more of them is left open, never passed
LOOKED = 60_000  # states of 1 page and 1 client in which is looked for what no longer happens
WORDS = ("refused", "refuted", "marked vacuous", "marked deadlock", "left open", "safe all the same", "SILENT")


def outcome(slip, directory):
    """(one of WORDS, why).

    `safe all the same`: the packed search has seen every state of 1 page and 2 clients, what is at stake is asked for
    there (nothing is vacuous), and every part still changes and every step is still taken that were before.
    `SILENT` is a pass whose question lost part of its meaning, and nothing says so.
    """
    file = directory / "slipped.py"
    file.write_text(slip.text)
    spec = f"{file}:{slip.design}"
    try:
        found = verify(spec, slip.property, pages=1, clients=2, engine="lanes", limits=Limits(states=STATES))
    except ModelError as refusal:
        return "refused", refusal.message
    if isinstance(found.verdict, Refuted):
        return "refuted", f"{len(found.trace)} moves"
    if found.vacuous:
        return "marked vacuous", "; ".join(found.vacuous)
    if any(note.startswith("deadlock: ") for note in found.notes):
        return "marked deadlock", ""
    if not isinstance(found.verdict, Proved):
        return "left open", found.verdict.reason
    gone = lost(slip, load(spec))
    return ("SILENT", ", ".join(gone)) if gone else ("safe all the same", f"{found.verdict.states} states")


def lost(slip, design):
    """Parts that change and steps that are taken in the safe design, and that are idle in the slipped one."""
    before, _ = happens(load(slip.origin), slip.property)
    after, there = happens(design, slip.property)
    return sorted((before - after) & there)


@cache
def happens(design, name):
    """(what happens at 1 page and 1 client, what the design speaks of): labels of steps, names of parts."""
    program = record(design)
    problem = Problem.of(program, find_property(name, design))
    instance = problem.at(1, dict.fromkeys(problem.free_sizes, 1)).instance
    parts = [(i, f"part {f.name}") for i, f in enumerate(instance.fields) if f.role != "location"]
    steps = [f"step {m.ground.step.label}" for m in instance.moves]
    found, seen, todo = set(), {instance.initial}, [instance.initial]
    while todo and len(seen) < LOOKED:
        state = todo.pop()
        for number, after in instance.successors(state):
            found.add(steps[number])
            if after not in seen:
                seen.add(after)
                todo.append(after)
                found |= {name for i, name in parts if after[i] != instance.initial[i]}
    there = {*steps, *(name for _, name in parts)}
    return frozenset(found if not todo else there), frozenset(there)
