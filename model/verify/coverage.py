"""What happens in the reachable states of a small instance: steps that are taken, facts that come to hold."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from model.expr import PAGES, TRUTH, Expr
from model.instance.instance import Instance
from model.instance.state import State
from model.program.program import Program

STATES = 200_000  # up to which is looked for what is missing
UNREAD = "unread"
ANY = "anyone"


@dataclass(frozen=True)
class Fact:
    """A ground truth value that should come to hold in some state; of `reader`, after it has read page 0.

    Attributes:
        reader: the number of the `unread` that must have become smaller before (None: of the shared one), or ANY.
    """

    holds: Expr
    reader: object = ANY


@dataclass(frozen=True)
class Coverage:
    """What was not seen, and whether every reachable state was looked at.

    Attributes:
        steps: labels of steps that were not taken.
        facts: keys of facts that did not come to hold.
        flags: flags and sets of pages that steps read and that kept the value they begin with.
        shrinks: the names of `unread` where everything is unread at the start, and nothing becomes so again.
        whole: every reachable state was visited, so what was not seen never happens at this size.
    """

    steps: tuple[str, ...]
    facts: frozenset[Hashable]
    flags: tuple[str, ...]
    whole: bool
    shrinks: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        """Everything was seen."""
        return not (self.steps or self.facts or self.flags or self.shrinks)


def coverage(
    instance: Instance, facts: Mapping[Any, Fact], states: int = STATES, *, only_facts: bool = False
) -> Coverage:
    """Walk through the reachable states until every step, fact and changed flag was seen, or there are no more.

    Args:
        instance: small: a state is a tuple, each move is taken one at a time.
        states: how many states are looked at, at most.
        only_facts: look for the facts alone.
    """
    unread = [(i, f.number) for i, f in enumerate(instance.fields) if f.name == UNREAD]
    waiting = {key: (instance.predicate(f.holds), _bit(f, unread)) for key, f in facts.items()}
    every = labels(instance.program)
    untaken, label_of = set(() if only_facts else every), [m.ground.step.label for m in instance.moves]
    start = (instance.initial, 0)
    seen, level, still = {start}, [start], set() if only_facts else _flags(instance)
    grows = [] if only_facts else [i for i, _ in unread if instance.initial[i] & 1]
    _strike(waiting, *start)
    while level and (waiting or untaken or still or grows) and len(seen) < states:
        following = []
        for state, read in level:
            for number, after in instance.successors(state):
                untaken.discard(label_of[number])
                grows = [] if any(after[i] & ~state[i] & 1 for i in grows) else grows
                new = (after, read | _reads(state, after, unread))
                if new not in seen:
                    seen.add(new)
                    following.append(new)
                    _strike(waiting, *new)
                    still -= {f for f in still if after[f[0]] != instance.initial[f[0]]}
        level = following
    changed = {name for _, name in _flags(instance) - still}
    kept = tuple(sorted({name for _, name in still} - changed))
    steps = tuple(x for x in every if x in untaken)
    return Coverage(steps, frozenset(waiting), kept, not level, (UNREAD,) if grows else ())


def labels(program: Program) -> list[str]:
    """What the steps of a design are called, in its order, each once."""
    return list(dict.fromkeys(step.label for step in program.steps))


def _flags(instance: Instance) -> set[tuple[int, str]]:
    """(field, name) of what the design declares and some step reads; of one per element, of each element.

    A name with a dot is no part's: what a store buffer consists of, or the ghost of a property.
    """
    read = {name for step in instance.program.steps for name in step.reads}
    fields = enumerate(instance.fields)
    return {
        (i, f.name)
        for i, f in fields
        if f.role == "part" and f.sort in (TRUTH, PAGES) and f.name in read and "." not in f.name
    }


Waiting = dict[Hashable, tuple[Callable[[State], bool], int]]


def _strike(waiting: Waiting, state: State, read: int) -> None:
    """Take away what holds here."""
    for key in [k for k, (holds, bit) in waiting.items() if read & bit == bit and holds(state)]:
        del waiting[key]


def _bit(fact: Fact, unread: list[tuple[int, Any]]) -> int:
    return 0 if fact.reader == ANY else sum(1 << k for k, (_, number) in enumerate(unread) if number == fact.reader)


def _reads(before: State, after: State, unread: list[tuple[int, Any]]) -> int:
    """One bit for each `unread` that lost page 0, the page that facts are about."""
    return sum(1 << k for k, (i, _) in enumerate(unread) if before[i] & ~after[i] & 1)
