"""Why a loop goes on for ever: who waits for what meanwhile, and what the bitmaps hold."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from model.expr import PAGES, TRUTH, Expr
from model.instance.ground_expr import number_of
from model.instance.ground_step import GroundStep, environment
from model.instance.instance import Instance
from model.instance.locations import at
from model.instance.state import State
from model.liveness.lasso import Action, Fairness, Lasso, action, begins_a_write
from model.program.step import Held
from model.verify.stake import Key
from model.verify.wording import change_name, listed, members, thread_name


@dataclass(frozen=True)
class Waiting:
    """A step that is never taken in the loop though its thread is ready for it.

    Attributes:
        ready: states of the loop in which everything but locks lets the step be taken.
        shut: for each lock that another thread holds in some of them, those.
    """

    ground: GroundStep
    ready: tuple[State, ...]
    shut: Mapping[Key, tuple[State, ...]]

    @property
    def always_shut(self) -> bool:
        """Whenever the thread is ready, somebody holds one of the locks."""
        return set().union(*self.shut.values()) >= set(self.ready)


def reasons(found: Lasso, fairness: Fairness) -> Iterator[str]:
    """Sentences without a full stop: each thread that waits, then the bitmaps."""
    told: dict[tuple[str, int, frozenset[Key]], None] = {}
    for each in waiting(found):
        key = each.ground.sort, each.ground.thread, frozenset(each.shut)
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
        ways = [way for ground in alternatives if (way := _way(instance, ground, states)).ready]
        yield from sorted(ways, key=lambda way: bool(way.shut))[:1]  # one that no lock shuts is no wait for a lock


def _way(instance: Instance, ground: GroundStep, states: Sequence[State]) -> Waiting:
    locks = _locks(instance, ground)
    ready = tuple(s for s in states if _ready(instance, ground, s, [*locks.values()]))
    shut = {key: tuple(s for s in ready if not instance.value(free, s)) for key, free in locks.items()}
    return Waiting(ground, ready, {key: held for key, held in shut.items() if held})


def _taken(instance: Instance, ground: GroundStep) -> list[tuple[Held, Key]]:
    """The locks that the step takes; of one that there is several times, also which."""
    env = environment(instance.places, ground.step, ground.thread, ground.indices)
    return [(held, (held.lock, number_of(held.index, env))) for held in ground.step.takes]


def _locks(instance: Instance, ground: GroundStep) -> dict[Key, Expr]:
    """For each lock that the step takes: that no other thread holds it."""
    me = ground.step.by, ground.thread
    return {key: instance.places.free(held, key[1], but=me) for held, key in _taken(instance, ground)}


def _ready(instance: Instance, ground: GroundStep, state: State, locks: Collection[Expr]) -> bool:
    """But for the locks the step can be taken, with some choice of its sets of pages."""
    guards = [g for g in ground.guards if not any(g is lock for lock in locks)]
    names = [p.name for p in ground.params]
    return any(
        all(instance.value(g, state, dict(zip(names, values, strict=True))) for g in guards)
        for values in product(*(instance.choices(p) for p in ground.params))
    )


def _sentence(found: Lasso, each: Waiting, fairness: Fairness) -> str:
    ground = each.ground
    who = thread_name(found.instance, ground.sort, ground.thread)
    label, kind = ground.step.label, fairness.of(ground.step.operation)
    if each.shut:
        names = [_lock_name(found.instance, ground, key) for key in each.shut]
        said = ["it"] if len(names) == 1 else names
        why = [_kept_shut(found, each, key, name) for key, name in zip(each.shut, said, strict=True)]
        missed = "" if each.always_shut else f", and {_of(kind)} lets {who} miss the moments between"
        return f"{who} waits for {listed(names)} before {label}; {'; '.join(why)}{missed}"
    if kind == "none":
        return f"{who} can take {label} in the loop and never does: its fairness is none"
    return f"{who} can take {label} in some states of the loop and not in all, so weak fairness does not owe it"


def _of(kind: str) -> str:
    return "no fairness" if kind == "none" else f"{kind} fairness"


def _lock_name(instance: Instance, ground: GroundStep, key: Key) -> str:
    """`slots_lock`, or `lock[VGA]` of one for each client."""
    index = next(held.index for held, each in _taken(instance, ground) if each == key)
    return key[0] if index is None or key[1] is None else f"{key[0]}[{thread_name(instance, index.sort, key[1])}]"


def _kept_shut(found: Lasso, each: Waiting, key: Key, name: str) -> str:
    """Who takes the lock in the loop besides the thread that waits, or who never frees it."""
    instance, me = found.instance, (each.ground.sort, each.ground.thread)
    taking = (m.ground for m in found.loop if key in (taken for _, taken in _taken(instance, m.ground)))
    takers = [thread_name(instance, *who) for who in dict.fromkeys((g.sort, g.thread) for g in taking) if who != me]
    if not takers:
        return f"{_holder(instance, each.shut[key][0], key, me)} holds {name} and never frees it"
    return f"{listed(takers)} {'takes' if len(takers) == 1 else 'take'} {name} again in each turn of the loop"


def _holder(instance: Instance, state: State, lock: Key, but: tuple[str, int]) -> str:
    """The thread, other than the one that waits, that holds the lock in the state."""
    for sort, k in instance.places.told_apart:
        of = sort.removeprefix(at(""))
        if (of, k) != but and lock in instance.held(of, k, state[instance.position[sort, k]]):
            return thread_name(instance, of, k)
    return "another thread"


def _bitmaps(found: Lasso) -> Iterator[str]:
    """What stays as it is in the whole loop, and what does not."""
    instance, kept, moving = found.instance, {}, []
    for i, field in enumerate(instance.fields):
        shown = field.role == "part" or field.name == "unread"
        if not shown or field.sort not in (PAGES, TRUTH):
            continue
        values = {s[i] for s in found.rounds}
        name = change_name(instance, field)
        if len(values) > 1:
            moving.append(name)
        elif "." not in field.name:  # entries of queues and store buffers are many
            [value] = values
            kept[name] = members(value) if field.sort == PAGES else bool(value)
    yield from _stay(kept, moving, bool(found.loop))


def _stay(kept: Mapping[str, object], moving: Sequence[str], loop: bool) -> Iterator[str]:
    from model.verify.result_text import changes

    if kept:
        yield f"{'all through the loop:' if loop else 'from then on:'} {'; '.join(changes(kept))}"
    if moving:
        names = [f"`{name.partition('[')[0]}`" + _owner(name) for name in moving]
        yield f"{listed(names)} {'changes and comes' if len(names) == 1 else 'change and come'} back"


def _owner(name: str) -> str:
    """` of VGA` of `user[VGA]`; empty where there is only one."""
    whose = name.partition("[")[2].rstrip("]")
    return f" of {whose}" if whose else ""
