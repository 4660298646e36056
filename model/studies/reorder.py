"""Holes for order and for lock scopes: which lines of an operation may be swapped, and where its lock is needed.

An arrangement is a permutation of the lines (the recorded steps) of one operation, and which runs of lines are done
under the lock. A first line that only chooses parameters stays first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise, permutations

from model.errors import UsageError, did_you_mean
from model.expr import Lock, Part, is_register, walk
from model.instance.breadth_first import BreadthFirst
from model.instance.instance import Instance
from model.instance.state import Field
from model.instance.trace import ReplayError
from model.program.mutation import is_keeping, moved_to, relocated
from model.program.program import Program
from model.program.step import Held, Step
from model.verify.judge import Judge, Killing, TooLarge, rerun

MOST = 1000  # arrangements that are decided one by one
NEW_LOCK = "slots_lock"
Scopes = tuple[tuple[int, int], ...]  # positions of the first and the last line of each run under the lock


@dataclass(frozen=True)
class Arrangement:
    """One order of the lines and the runs of them that are done under the lock."""

    order: tuple[str, ...]
    scopes: Scopes

    def __str__(self) -> str:
        """`chosen, [cleared, forgotten], read`: brackets are the lock's scopes."""
        begins, ends = {a for a, _ in self.scopes}, {b for _, b in self.scopes}
        marked = [f"{'[' if i in begins else ''}{name}{']' if i in ends else ''}" for i, name in enumerate(self.order)]
        return ", ".join(marked)

    @property
    def held(self) -> frozenset[tuple[int, int]]:
        """(i, i) where line i is under the lock, (i, i + 1) where the lock is not released between the two."""
        runs = [(i, j) for a, b in self.scopes for i in range(a, b + 1) for j in (i, i + 1) if j <= b]
        return frozenset(runs)


class Arranging:
    """The lines of one operation of a program, and how to put them together anew.

    Args:
        operation: one that has at least two steps with a name.
        lock: of the design; by default the one that the operation takes, else the only one, else a new one.

    Raises:
        UsageError: there is no such operation or lock, or it has a single line.
    """

    def __init__(self, program: Program, operation: str, lock: str = "") -> None:
        if operation not in program.operations:
            known = list(program.operations)
            raise UsageError(f"{program.name} has no operation '{operation}'{did_you_mean(operation, known)}")
        self.program, self.operation = program, operation
        self.steps = [s for s in program.steps if s.operation == operation]
        self.fixed = 1 if self.steps[0].first and _only_chooses(self.steps[0]) else 0
        self.lines = self.steps[self.fixed :]
        if len(self.lines) < 2:
            raise UsageError(f"{operation} of {program.name} has a single line; there is nothing to arrange.")
        self.lock = Held(lock or self._lock())

    def _lock(self) -> str:
        taken = {h for s in self.steps for h in s.takes}
        if any(h.index is not None for h in taken) or len(taken) > 1:
            raise UsageError(f"{self.operation} of {self.program.name} takes several locks; name one that it shares.")
        shared = [p.name for p in self.program.locks if p.per is None]
        return next((h.lock for h in taken), shared[0] if shared else NEW_LOCK)

    @cached_property
    def original(self) -> Arrangement:
        """As the design has it."""
        scopes, begin = [], None
        for i, step in enumerate(self.lines):
            begin = i if self.lock in step.takes else begin
            if self.lock in step.frees and begin is not None:
                scopes.append((begin, i))
                begin = None
        return Arrangement(tuple(s.name for s in self.lines), tuple(scopes))

    def arrangements(self, *, order: bool, locks: bool) -> list[Arrangement]:
        """The original first; every other order (a line keeps its need of the lock), every choice of scopes, or both.

        Raises:
            TooLarge: there are more than can be decided one by one.
        """
        count = len(self.lines)
        if (order and count > 6) or (locks and count > 7):
            raise TooLarge(f"{self.operation} has {count} lines, too many to arrange in every way.")
        orders = list(permutations(self.original.order)) if order else [self.original.order]
        found = [Arrangement(o, s) for o in orders for s in (runs(count) if locks else [self.scopes_in(o)])]
        if len(found) > MOST:
            raise TooLarge(
                f"there are {len(found):,} ways to arrange the {count} lines of {self.operation}; up to {MOST:,} are "
                f"decided. Ask for --order and --locks one at a time."
            )
        return sorted(found, key=lambda a: a != self.original)

    def scopes_in(self, order: Sequence[str]) -> Scopes:
        """Scopes in which the lines that are under the lock in the design are under it in another order."""
        under = {self.original.order[i] for a, b in self.original.scopes for i in range(a, b + 1)}
        scopes: list[tuple[int, int]] = []
        for i, name in enumerate(order):
            if name in under and scopes and scopes[-1][1] == i - 1 and not self._apart(order[i - 1], name):
                scopes[-1] = (scopes[-1][0], i)
            elif name in under:
                scopes.append((i, i))
        return tuple(scopes)

    def _apart(self, one: str, other: str) -> bool:
        """The design releases the lock between the two."""
        number = {n: k for k, (a, b) in enumerate(self.original.scopes) for n in self.original.order[a : b + 1]}
        return number[one] != number[other]

    def program_of(self, arrangement: Arrangement) -> Program | None:
        """The design with the arrangement, or None where a line uses a register too early or can never be taken."""
        by_name = {s.name: s for s in self.lines}
        if arrangement == self.original:
            return self.program
        if not _set_before_use([by_name[n] for n in arrangement.order], self.steps):
            return None
        placed = [
            self._placed(by_name[n], at, i, arrangement)
            for i, (n, at) in enumerate(zip(arrangement.order, self.lines, strict=True))
        ]
        new = iter([*self.steps[: self.fixed], *placed])
        steps = tuple(next(new) if s.operation == self.operation else s for s in self.program.steps)
        known = self.program.variable
        if any(
            e.args[0] not in known
            for s in placed
            for e in walk(*s.guards, *(u.value for u in s.updates))
            if e.op == "var"
        ):
            return None
        made = relocated(replace(self.program, steps=steps, parts=self._parts()))
        return made if made and taken(self.program) <= taken(made) else None

    def _placed(self, line: Step, at: Step, i: int, arrangement: Arrangement) -> Step:
        moved = line if line is at else moved_to(line, at)
        takes = (*_others(at.takes, self.lock), *([self.lock] if i in {a for a, _ in arrangement.scopes} else []))
        frees = (*_others(at.frees, self.lock), *([self.lock] if i in {b for _, b in arrangement.scopes} else []))
        return replace(moved, takes=takes, frees=frees)

    def _parts(self) -> dict[str, Part]:
        parts = dict(self.program.parts)
        if self.lock.lock not in parts:
            parts[self.lock.lock] = Lock("added: keeps two threads apart")
            parts[self.lock.lock].name = self.lock.lock
        return parts


def taken(program: Program) -> set[object]:
    """What can happen in runs with one page: steps that are taken, readers that read, `finished`, and no deadlock.

    A candidate in which less can happen than before is none: a design that stops keeps every promise.
    """
    instance = Instance(program, 1)
    begins = [m.ground.step.first and m.ground.step.operation in program.writing for m in instance.moves]
    inside = [i for i, f in enumerate(instance.fields) if f.role == "location"]
    numbers: set[int] = set()
    found: set[object] = {"nobody is stuck"}
    watched = [i for i, f in enumerate(instance.fields) if f.name in ("unread", "finished")]
    for state in BreadthFirst([instance.initial], instance.successors):
        goes_on = False
        for number, after in instance.successors(state):
            goes_on |= not begins[number]
            numbers.add(number)
            found |= {instance.fields[i].key for i in watched if _happened(instance.fields[i], state[i], after[i])}
        if not goes_on and any(state[i] for i in inside):
            found.discard("nobody is stuck")
    return found | {instance.moves[n].ground.step.label for n in numbers}


def _happened(field: Field, before: int, after: int) -> bool:
    """A page was read, or the end was reached."""
    return before > after if field.name == "unread" else after > before


def _others(locks: Sequence[Held], but: Held) -> list[Held]:
    return [h for h in locks if h != but]


def _only_chooses(step: Step) -> bool:
    return bool(step.params) and not step.takes and all(is_keeping(u, step) for u in step.updates)


def _set_before_use(lines: Sequence[Step], steps: Sequence[Step]) -> bool:
    """No line reads a register of the operation that a later line, and no earlier one, sets."""
    sets = [{u.variable for u in s.updates if is_register(u.variable) and not is_keeping(u, s)} for s in lines]
    for i, line in enumerate(lines):
        needed = {v for v in line.reads if any(v in s for s in sets)}
        if not needed <= set().union(*sets[:i]):
            return False
    return True


def runs(count: int, begin: int = 0) -> Iterator[Scopes]:
    """Every choice of runs, that do not overlap, of `count` lines in a row."""
    yield ()
    for a in range(begin, count):
        for b in range(a, count):
            for rest in runs(count, b + 1):
                yield ((a, b), *rest)


# ---------------------------------------------------------------- the search


@dataclass(frozen=True)
class Arranged:
    """Which arrangements are safe.

    Attributes:
        killed: each other one that is a program, and a trace of it that ends in a violation.
        senseless: those in which a line uses a register that is not set yet, or can never be taken.
        searched: arrangements that an engine searched; the others follow from those by what is said at `arrange`.
    """

    arranging: Arranging
    judge: Judge
    safe: tuple[Arrangement, ...]
    killed: dict[Arrangement, Killing]
    senseless: tuple[Arrangement, ...]
    searched: int

    @cached_property
    def least(self) -> tuple[Arrangement, ...]:
        """The safe ones that are no longer safe with less of the lock."""
        return tuple(a for a in self.safe if not any(b.order == a.order and b.held < a.held for b in self.safe))

    def swaps(self) -> Iterator[tuple[str, Arrangement]]:
        """(the two lines, the arrangement with only them swapped) for all neighbours in the design."""
        order = self.arranging.original.order
        for i, (first, second) in enumerate(pairwise(order)):
            other = (*order[:i], second, first, *order[i + 2 :])
            yield f"{first} and {second}", Arrangement(other, self.arranging.scopes_in(other))

    def releases(self) -> Iterator[tuple[str, Arrangement]]:
        """(which line or gap, the arrangement where the lock is not held there) for all of the design's scopes."""
        original = self.arranging.original
        for a, b in original.scopes:
            others = [s for s in original.scopes if s != (a, b)]
            for i in range(a, b):
                cut = tuple(sorted([*others, (a, i), (i + 1, b)]))
                yield f"between {original.order[i]} and {original.order[i + 1]}", Arrangement(original.order, cut)
            for i in range(a, b + 1):
                parts = [(x, y) for x, y in ((a, i - 1), (i + 1, b)) if x <= y]
                yield f"during {original.order[i]}", Arrangement(original.order, tuple(sorted([*others, *parts])))


def arrange(arranging: Arranging, judge: Judge, *, order: bool = False, locks: bool = False) -> Arranged:
    """Decide about every arrangement, those with less of the lock first.

    A trace of one is tried on all others. More of the lock only takes behaviour away (a thread waits where it went on
    before), so that what holds with less of it holds with more.
    """
    safe: list[Arrangement] = []
    killed: dict[Arrangement, Killing] = {}
    senseless: list[Arrangement] = []
    searched = 0
    for one in sorted(arranging.arrangements(order=order, locks=locks), key=lambda a: len(a.held)):
        program = arranging.program_of(one)
        if program is None:
            senseless.append(one)
            continue
        if any(other.order == one.order and other.held <= one.held for other in safe):
            safe.append(one)
            continue
        killing = _known(program, list(killed.values()))
        if killing is None:
            killing = judge.killing(program)
            searched += 1
        if killing is None:
            safe.append(one)
        else:
            killed[one] = killing
    return Arranged(arranging, judge, tuple(safe), killed, tuple(senseless), searched)


def _known(program: Program, killings: Sequence[Killing]) -> Killing | None:
    """A trace of an earlier candidate that is a run of this one with the same end, replayed."""
    return next((k for k in (transferred(program, killing) for killing in killings) if k), None)


def transferred(program: Program, killing: Killing) -> Killing | None:
    """The same moves, by name, on another program, replayed; None where they are no run of it or end well."""
    asked = killing.again(program)
    numbers = {m.key: m.number for m in asked.instance.moves}
    try:
        moves = [numbers[m.key] for m in killing.trace.moves]
        trace = rerun(asked, moves, killing.trace.number)
    except (KeyError, ReplayError):
        return None
    return Killing(program, killing.property, trace)
