"""States from which nothing but a new write is possible, while some thread is inside an operation."""

from __future__ import annotations

from model.instance.instance import Instance, Move
from model.instance.problem import Problem
from model.instance.state import State
from model.program.program import Program

STATES = 30_000  # up to which is looked for one


def deadlock(instance: Instance, states: int = STATES) -> tuple[Move, ...] | None:
    """The moves of a shortest run into a deadlock; None where there is none, or none was found among so many states."""
    writing, inside = instance.program.writing, [i for i, f in enumerate(instance.fields) if f.role == "location"]
    begins = [m.ground.step.first and m.ground.step.operation in writing for m in instance.moves]
    came: dict[State, tuple[State, int] | None] = {instance.initial: None}
    level = [instance.initial]
    while level and len(came) < states:
        following = []
        for state in level:
            goes_on = False
            for number, after in instance.successors(state):
                goes_on |= not begins[number]
                if after not in came:
                    came[after] = (state, number)
                    following.append(after)
            if not goes_on and any(state[i] for i in inside):
                return _back(instance, came, state)
        level = following
    return None


def _back(instance: Instance, came: dict[State, tuple[State, int] | None], state: State) -> tuple[Move, ...]:
    moves = []
    while (step := came[state]) is not None:
        state, number = step
        moves.append(instance.moves[number])
    return tuple(reversed(moves))


def deadlock_note(program: Program, problem: Problem) -> str:
    """A note with the run at one page and few threads; empty where none was found."""
    sizes = {s: min(n, 2) for s, n in problem.free_sizes.items()}
    instance = Instance(program, 1, sizes)
    moves = deadlock(instance)
    if moves is None:
        return ""
    run = ", ".join(_told(instance, m) for m in moves)
    size = ", ".join(["1 page", *(f"{n} {s.lower()}{'s' if n > 1 else ''}" for s, n in sizes.items())])
    return f"deadlock: after {run} nothing but a new write is possible ({size}); --property no_deadlock asks for it"


def _told(instance: Instance, move: Move) -> str:
    who = instance.program.sorts[move.ground.sort].call(move.ground.thread).removeprefix("the ")
    return f"{who}: {move.ground.step.label}"
