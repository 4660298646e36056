"""The recorder of one operation: what it says while it runs, cut into drafts of atomic steps.

A step is everything between two `yield`s. Taking a lock joins the step after it and freeing it the step before it:
taking is a right mover and freeing a left mover, so the joined step reaches the same states between operations.
Source: Lipton, "Reduction: a method of proving properties of parallel programs", CACM 18(12), 1975.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from model.errors import DesignError, Place, here
from model.expr import (
    FALSE,
    PAGES,
    STALE,
    TRUTH,
    Expr,
    Index,
    Part,
    Sort,
    indices,
    is_register,
    make,
    node,
    replace_index,
    show,
)
from model.expr.names import one_line
from model.program.step import Held, Param, Update

STEPS, UPDATES = 1_000, 5_000  # of one operation, of one step: more than any design, fewer than a loop without end
ENDLESS = (
    "An operation runs once, while it is recorded, so a loop in it must end. What happens again and again is an "
    "operation of its own, which the checker repeats."
)


@dataclass
class Draft:
    """The step that is being recorded."""

    guards: list[Expr] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    takes: list[Held] = field(default_factory=list)
    apart: list[Expr] = field(default_factory=list)
    frees: list[Held] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    code: list[Place] = field(default_factory=list)  # the lines that say so, those of the language left out
    name: str = ""
    place: Place | None = None

    def something(self) -> bool:
        fenced = any(e.kind == "fence" for e in self.events)
        return bool(self.guards or self.updates or self.takes or self.frees or fenced)


_serial = iter(range(1 << 62))


@dataclass(frozen=True)
class Event:
    """What a step does to memory, in the order of the program: what the order of stores is judged by.

    Attributes:
        kind: "store" (into the store buffer), "at once" (a store past it), "fence", "take" or "free" (of a lock).
        name: the part or lock.
    """

    kind: str
    name: str
    place: Place | None


class Recorder:
    """Collects the steps of one operation of one design.

    Args:
        owner: the design's name, for messages.
        parts: what `s.…` may name.
        by: whose threads run the operation.
        split_locks: record taking and freeing a lock as steps of their own.
    """

    def __init__(self, owner: str, parts: Mapping[str, Part], operation: str, by: Sort, split_locks: bool = False):
        self.owner, self.parts, self.operation, self.by = owner, parts, operation, by
        self.split_locks = split_locks
        self.buffers = any(p.memory == "tso" for p in parts.values())
        self.params: dict[str, Param] = {}
        self.registers: dict[str, str] = {}  # name -> sort of value
        self.unread: dict[str, None] = {}  # registers that nothing has read yet
        self.steps: list[Draft] = []
        self.held: list[Held] = []
        self.draft = Draft()
        self.complete = True  # all of the source was read before it was run
        self.serial: int | None = next(_serial)  # None: not in a step, as in a property

    # -- what the views call

    def current(self, name: str, index: Index | None, sort: str) -> Expr:
        """The value now: the state before the step, changed by what the step has assigned so far."""
        value = node("var", (name, index), sort, self.serial)
        for update in self.draft.updates:
            if update.variable != name:
                continue
            if update.index is None or index is None or update.index == index:
                value = update.value
            elif update.index.kind == "each":
                value = replace_index(update.value, update.index, index)
            else:
                value = make("choose", make("is", index, update.index), update.value, value)
        return value

    def assign(self, name: str, index: Index | None, value: Expr, sort: str, buffered: bool = False) -> None:
        """Add `name[index] := value` to the open step."""
        self.check_fresh(value)
        if value.sort != sort:
            kinds = {PAGES: "a set of pages", TRUTH: "a truth value"}
            raise self.error(f"{name} is {kinds[sort]}, and {show(value)} is {kinds[value.sort]}.")
        self.check_each(value, index)
        self.touch()
        if len(self.draft.updates) == UPDATES:
            raise self.error(f"one step changes something more than {UPDATES:,} times. {ENDLESS}")
        self.draft.updates.append(Update(name, index, value, buffered))
        if not is_register(name):
            self.event("store" if buffered else "at once", name.partition(".")[0])

    # -- store buffers

    def store(self, part: Part, value: Expr, direct: bool) -> None:
        """Assign a shared part; a plain store of a `memory="tso"` part goes into the thread's store buffer."""
        buffered = part.memory == "tso" and not direct
        others = [u.variable for u in self.draft.updates if u.buffered or (buffered and u.variable == part.name)]
        if part.memory == "tso" and others:
            raise self.error(
                f"two plain stores in one step, to {others[0]} and to {part.name}; each is an instruction of its own. "
                f"End the first one's step with a yield, or store at once: s.locked.{part.name} = ..."
            )
        self.assign(part.name, None, value, part.sort, buffered)

    def fence(self) -> None:
        """The open step waits until no store of this thread is pending."""
        if self.buffers:
            self.event("fence", "")
            self.touch()

    def event(self, kind: str, name: str, draft: Draft | None = None) -> None:
        """Keep what the open step (or `draft`) does to memory, where the order of stores matters."""
        if self.buffers:
            (draft or self.draft).events.append(Event(kind, name, here()))

    def guard(self, condition: Expr) -> None:
        """The open step waits for `condition`."""
        self.check_fresh(condition)
        if condition.sort != TRUTH:
            raise self.error(f"wait_for(...) takes a truth value, and {show(condition)} is a set of pages; compare it.")
        if condition is FALSE:
            raise self.error("this guard is never true, so the operation can never run; remove it or the operation.")
        self.check_each(condition, None)
        self.touch()
        self.draft.guards.append(condition)

    def take(self, held: Held) -> None:
        if held in self.held:
            raise self.error(
                f"{held} is taken twice: the thread would wait for itself for ever. Take it once, around both parts."
            )
        if self.draft.guards or self.draft.updates or self.draft.frees:
            raise self.error(
                f'the step before {held} is taken has no name. End it with `yield "..."` before the lock; '
                f"the name is what a counterexample shows."
            )
        self.touch()
        self.event("take", held.lock)
        self.draft.apart += [_another(held, mine) for mine in self.held if mine.lock == held.lock]
        self.draft.takes.append(held)
        self.held.append(held)
        if self.split_locks:
            self.cut(f"took {held.lock}")

    def free(self, held: Held) -> None:
        if held not in self.held:
            raise self.error(f"{held} is freed by a thread that does not hold it; take it first: `with s.{held}:`.")
        if self.draft.something():
            what = (
                "nothing happens under it"
                if not self.draft.updates + self.draft.guards
                else ("the last step under it has no name")
            )
            raise self.error(f'{held} is freed, but {what}. End that step with `yield "..."` inside the lock.')
        self.held.remove(held)
        if self.split_locks:
            self.draft.frees.append(held)
            self.event("free", held.lock)
            self.touch()
            self.cut(f"freed {held.lock}")
        else:
            self.steps[-1].frees.append(held)
            self.event("free", held.lock, self.steps[-1])

    def cut(self, name: object, place: Place | None = None) -> None:
        """End the open step and name it; `place` is the line that ends it."""
        if not isinstance(name, str) or not name:
            raise self.error('`yield` ends a step and names it: yield "cleared".', place)
        one_line(name, f"{self.owner}.{self.operation}: a step's name", place or here())
        if not self.draft.something() and not (self.params and not self.steps):
            raise self.error(f'nothing happens before `yield "{name}"`; a step changes something or waits.', place)
        if any(name == s.name for s in self.steps):
            raise self.error(
                f'two steps of this operation are named "{name}", and a counterexample could not tell them apart; '
                f"give each its own name.",
                place,
            )
        if len(self.steps) == STEPS:
            raise self.error(f"it has more than {STEPS:,} steps. {ENDLESS}", place)
        self.draft.guards += self.draft.apart
        self.draft.name = name
        self.draft.place = self.draft.place or place or here()
        self.steps.append(self.draft)
        self.draft, self.serial = Draft(), next(_serial)

    def finish(self, start: Place) -> None:
        """The operation has returned: what is open must be nothing, or the one unnamed step."""
        if self.held:
            raise self.error(f"{self.held[0]} is taken and never freed; use `with s.{self.held[0]}:`.", start)
        if not self.draft.something():
            if not self.steps:
                raise self.error("the operation does nothing; let it change a part, or remove it.", start)
            return
        if self.steps:
            raise self.error(
                f'the step after "{self.steps[-1].name}" has no name. End it with `yield "..."`; '
                f"the name is what a counterexample shows.",
                self.draft.place,
            )
        self.steps.append(self.draft)

    # -- checks

    def touch(self) -> None:
        if self.serial is None:
            raise self.error(
                "a property says what holds of a state and changes nothing, and this line would change or wait. "
                "Return a truth value: return s.cache <= s.kernel."
            )
        place = here()
        self.draft.place = self.draft.place or place
        if place and place not in self.draft.code:
            self.draft.code.append(place)

    def check_fresh(self, value: Expr) -> None:
        if value.when not in (None, self.serial):
            raise self.error(STALE)

    def check_each(self, value: Expr, index: Index | None) -> None:
        if wrong := loose_each(value, index):
            raise self.error(wrong)

    def error(self, message: str, place: Place | None = None) -> DesignError:
        return DesignError(f"{self.owner}.{self.operation}: {message}", place or here())


def loose_each(value: Expr, index: Index | None = None) -> str:
    """What is wrong where the value says `every` and what it is given to does not; else nothing."""
    for loose in sorted(indices(value), key=str):
        if loose.kind == "each" and loose != index:
            sort = loose.sort
            return (
                f"`every {sort.lower()}` stands for one {sort} after another and needs the same on the left: "
                f"s.part[every_{sort.lower()}] = ...; for a guard or a property write every({sort}, lambda c: ...)."
            )
    return ""


def _another(held: Held, mine: Held) -> Expr:
    """It is not the lock of the family that the thread itself holds: a thread waits for itself for ever."""
    assert held.index is not None and mine.index is not None  # the same lock is refused
    return ~make("is", held.index, mine.index)
