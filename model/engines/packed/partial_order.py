"""Partial order: where one thread's next steps disturb nobody and nobody sees them, only they are taken.

A location of a thread may go alone if, while the thread is there,
  C0  one of its steps is possible, whatever the state;
  C1  no step that another thread can take then reads or writes what its steps write, or writes what they read;
  C2  no invariant reads what its steps write;
  C3  it is not where operations begin, and its steps lead on, so that no circle has such locations only.
By C1 other threads lose nothing by waiting: every run can be put in an order in which these steps come first, without a
difference to any invariant (C2), and by C3 nobody waits for ever. Verdicts are those of the whole graph; a first
violation may be found later than at the least depth.

What is read and written is derived from the recorded steps, for each thread and element. While the thread is where it
holds a lock, no step can be taken that needs it or that begins where another thread holds it.

Source: Clarke, Grumberg, Peled, "Model Checking", 1999, chapter 10, conditions C0 to C3; the cycle condition by static
choice: Kurshan, Levin, Minea, Peled, Yenigün, "Static Partial Order Reduction", TACAS 1998.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from model.expr import Expr, walk
from model.instance.ground_step import GroundStep
from model.instance.instance import Instance
from model.instance.locations import at
from model.instance.problem import Problem

Thread = tuple[str, int]  # the name of its location field, and its number
Key = tuple[str, int | None]  # of a field
Locks = frozenset[Key]  # name and number
START = 0  # the code of the location where every operation begins


@dataclass(frozen=True)
class Effect:
    """What a step of one instance reads and writes, locations apart.

    Attributes:
        tests: for each thread whose location it looks at, the sets of codes that it tells from others.
        shut_out: locations of other threads at which it is impossible.
        held: locks that its thread holds before it.
        source, target: locations before and after it.
        always: it is possible in every state in which the thread is at `source`.
    """

    thread: Thread
    reads: frozenset[Key]
    writes: frozenset[Key]
    tests: Mapping[Thread, frozenset[frozenset[int]]]
    shut_out: Mapping[Thread, frozenset[int]]
    held: Locks
    source: int
    target: int
    always: bool

    @property
    def moves(self) -> tuple[int, int]:
        return self.source, self.target

    def disturbs(self, other: Effect) -> bool:
        """Whether the other step would see, or undo, what this one does."""
        return bool(self.writes & (other.reads | other.writes)) or _noticed(other.tests.get(self.thread), self.moves)

    def possible(self, thread: Thread, code: int, held: Locks) -> bool:
        """Whether it may be taken while that other thread is at that location, where it holds these locks."""
        return code not in self.shut_out.get(thread, ()) and not held & self.held


def _noticed(tests: Iterable[frozenset[int]] | None, moves: tuple[int, int]) -> bool:
    return any((moves[0] in codes) != (moves[1] in codes) for codes in tests or ())


def ample(asked: Problem) -> tuple[Expr, ...]:
    """The locations that may go alone, as the guards `located` of their steps, in the order of the instance."""
    return Locations(asked).ample


class Locations:
    """Every location of every thread with the steps that begin there."""

    def __init__(self, asked: Problem) -> None:
        self.instance = asked.instance
        self.effects = [_effect(self.instance, s) for s in self.instance.steps]
        checked = [c.holds for c in asked.checks]
        self.seen = _fields(checked)
        self.seen_locations = _tests(checked)
        self.steps: dict[tuple[Thread, int], list[Effect]] = {}
        for effect in self.effects:
            self.steps.setdefault((effect.thread, effect.source), []).append(effect)

    @cached_property
    def ample(self) -> tuple[Expr, ...]:
        alone = {place for place in self.steps if self.may_go_alone(*place)}
        pairs = zip(self.instance.steps, self.effects, strict=True)
        return tuple(dict.fromkeys(s.guards[0] for s, e in pairs if (e.thread, e.source) in alone))

    def may_go_alone(self, thread: Thread, code: int) -> bool:
        own = self.steps[thread, code]
        if not any(e.always for e in own) or any(self.visible(e) for e in own) or not leads_on(code, own):
            return False
        others = [e for e in self.effects if e.thread != thread and e.possible(thread, code, own[0].held)]
        return not any(a.disturbs(b) or b.disturbs(a) for a in own for b in others)

    def visible(self, effect: Effect) -> bool:
        return bool(effect.writes & self.seen) or _noticed(self.seen_locations.get(effect.thread), effect.moves)


def leads_on(code: int, own: Sequence[Effect]) -> bool:
    """Whether the location is within an operation, and each of its steps goes further or ends it."""
    return code != START and all(e.target == START or e.target > code for e in own)


def _effect(instance: Instance, step: GroundStep) -> Effect:
    """What one ground step reads and writes."""
    own = (at(step.sort), step.thread)
    here = next((g for g in step.guards if g.op == "located" and g.args[:2] == own), None)
    guards = [g for g in step.guards if g is not here]
    values = [value for _, value in step.updates]
    written = {instance.fields[position].key: value for position, value in step.updates}
    source = START if here is None else min(here.args[2])
    target = written.pop(own).args[0] if own in written else source
    return Effect(
        thread=own,
        reads=_fields([*guards, *values]),
        writes=frozenset(written),
        tests=_tests([*guards, *values]),
        shut_out=_shut_out(guards),
        held=instance.held(step.sort, step.thread, source),
        source=source,
        target=target,
        always=not guards,
    )


def _fields(roots: Sequence[Expr]) -> frozenset[Key]:
    return frozenset(e.args for e in walk(*roots) if e.op == "field")


def _tests(roots: Sequence[Expr]) -> Mapping[Thread, frozenset[frozenset[int]]]:
    found: dict[Thread, set[frozenset[int]]] = {}
    for each in walk(*roots):
        if each.op == "located":
            found.setdefault(each.args[:2], set()).add(each.args[2])
    return {thread: frozenset(tests) for thread, tests in found.items()}


def _shut_out(guards: Sequence[Expr]) -> Mapping[Thread, frozenset[int]]:
    """Locations of other threads at which a guard says no."""
    found: dict[Thread, frozenset[int]] = {}
    for each in _conjuncts(guards):
        if each.op == "negate" and each.args[0].op == "located":
            inside = each.args[0]
            found[inside.args[:2]] = found.get(inside.args[:2], frozenset()) | inside.args[2]
    return found


def _conjuncts(guards: Iterable[Expr]) -> Iterator[Expr]:
    for each in guards:
        if each.op == "both":
            yield from _conjuncts(each.args)
        else:
            yield each
