"""Why a loop goes on for ever: who waits for what meanwhile, and what the bitmaps hold."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from model.expr import PAGES, TRUE, TRUTH, Expr
from model.instance.ground_expr import number_of
from model.instance.ground_step import GroundStep, environment
from model.instance.instance import Instance
from model.instance.locations import at
from model.instance.state import State
from model.liveness.lasso import Action, Fairness, Lasso, action, begins_a_write
from model.verify.wording import change_name, listed, members, thread_name


@dataclass(frozen=True)
class Waiting:
    """A step that is never taken in the loop though its thread is ready for it.

    Attributes:
        ready: states of the loop in which everything but a lock lets the step be taken.
        shut: those of them in which a lock is held by another thread.
    """

    ground: GroundStep
    lock: str
    ready: tuple[State, ...]
    shut: tuple[State, ...]


def reasons(found: Lasso, fairness: Fairness) -> Iterator[str]:
    """Sentences without a full stop: each thread that waits, then the bitmaps."""
    told: dict[tuple[str, int, str], None] = {}
    for each in waiting(found):
        key = each.ground.sort, each.ground.thread, each.lock
        if key not in told:
            told[key] = None
            yield _sentence(found, each, fairness)
    yield from _bitmaps(found)


def waiting(found: Lasso) -> Iterator[Waiting]:
    """Every step that begins no write, is never taken in the loop, and for which its thread is ready in the loop."""
    instance = found.instance
    taken = {action(m.ground) for m in found.loop}
    states = tuple(dict.fromkeys(found.rounds))
    steps: dict[Action, list[GroundStep]] = {}
    for ground in instance.steps:
        if not begins_a_write(instance.program, ground.step) and action(ground) not in taken:
            steps.setdefault(action(ground), []).append(ground)
    for alternatives in steps.values():
        for ground in alternatives:
            locks = _locks(instance, ground)
            ready = tuple(s for s in states if _ready(instance, ground, s, [*locks.values()]))
            if not ready:
                continue
            name, free = next(iter(locks.items()), ("", TRUE))
            yield Waiting(ground, name, ready, tuple(s for s in ready if not instance.value(free, s)))
            break


def _locks(instance: Instance, ground: GroundStep) -> dict[str, Expr]:
    """For each lock that the step takes: that no other thread holds it."""
    step, places = ground.step, instance.places
    env = environment(places, step, ground.thread, ground.indices)
    return {
        str(held.lock): places.free(held, number_of(held.index, env), but=(step.by, ground.thread))
        for held in step.takes
    }


def _ready(instance: Instance, ground: GroundStep, state: State, locks: Collection[Expr]) -> bool:
    """But for the locks the step can be taken, with some choice of its sets of pages."""
    guards = [g for g in ground.guards if not any(g is lock for lock in locks)]
    names = [p.name for p in ground.params]
    return any(
        all(instance.value(g, state, dict(zip(names, values, strict=True))) for g in guards)
        for values in product(*(instance.choices(p) for p in ground.params))
    )


def _sentence(found: Lasso, each: Waiting, fairness: Fairness) -> str:
    instance, ground = found.instance, each.ground
    who = thread_name(instance, ground.sort, ground.thread)
    label, kind = ground.step.label, fairness.of(ground.step.operation)
    if each.shut:
        takers = _takers(found, each.lock)
        begin = f"{who} waits for {each.lock} before {label}"
        if not takers:
            return f"{begin}; {_holder(instance, each)} and never frees it"
        again = f"{listed(takers)} {'takes' if len(takers) == 1 else 'take'} it again in each turn of the loop"
        shut = len(each.shut) == len(each.ready)
        return f"{begin}; {again}" + ("" if shut else f", and {kind} fairness lets {who} miss the moments between")
    if kind == "none":
        return f"{who} can take {label} in the loop and never does: its fairness is none"
    return f"{who} can take {label} in some states of the loop and not in all, so weak fairness does not owe it"


def _takers(found: Lasso, lock: str) -> list[str]:
    """Who takes the lock in the loop."""
    takes = (m.ground for m in found.loop if any(held.lock == lock for held in m.ground.step.takes))
    return list(dict.fromkeys(thread_name(found.instance, g.sort, g.thread) for g in takes))


def _holder(instance: Instance, each: Waiting) -> str:
    """`MIGRATION holds it`."""
    step, places = each.ground.step, instance.places
    env = environment(places, step, each.ground.thread, each.ground.indices)
    lock = next((h.lock, number_of(h.index, env)) for h in step.takes if str(h.lock) == each.lock)
    for sort, k in places.told_apart:
        code = each.shut[0][instance.position[sort, k]]
        of = sort.removeprefix(at(""))
        if lock in instance.held(of, k, code):
            return f"{thread_name(instance, of, k)} holds it"
    return "another thread holds it"


def _bitmaps(found: Lasso) -> Iterator[str]:
    """What stays as it is in the whole loop, and what does not."""
    instance, kept, moving = found.instance, {}, []
    for i, field in enumerate(instance.fields):
        shown = field.role == "part" or field.name == "unread"
        if not shown or field.sort not in (PAGES, TRUTH) or "." in field.name:
            continue
        values = {s[i] for s in found.rounds}
        name = change_name(instance, field)
        if len(values) == 1:
            [value] = values
            kept[name] = members(value) if field.sort == PAGES else bool(value)
        else:
            moving.append(name)
    yield from _stay(kept, moving, bool(found.loop))


def _stay(kept: Mapping[str, object], moving: Sequence[str], loop: bool) -> Iterator[str]:
    from model.verify.result_text import changes

    if kept:
        yield f"{'all through the loop:' if loop else 'from then on:'} {'; '.join(changes(kept))}"
    if moving:
        names = [f"`{name.partition('[')[0]}`" + _owner(name) for name in moving]
        yield f"only {listed(names)} {'changes and comes' if len(names) == 1 else 'change and come'} back"


def _owner(name: str) -> str:
    """` of VGA` of `user[VGA]`; empty where there is only one."""
    whose = name.partition("[")[2].rstrip("]")
    return f" of {whose}" if whose else ""
