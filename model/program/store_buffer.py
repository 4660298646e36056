"""Store buffers, x86's total store order: cells and values an entry and thread, and operations that drain them.

Everything here becomes plain parts and plain steps, so every reader has store buffers without knowing them.
docs/design.md, "Store buffers", says what a cell, an entry and a fence are.
Source: Sewell, Sarkar, Owens, Zappa Nardelli, Myreen, "x86-TSO", CACM 53(7), 2010.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from model.errors import DesignError, Place, UsageError
from model.expr import PAGES, TRUTH, Flag, Index, Operation, Pages, Part, Sort, choose, rewrite, wait_for
from model.expr.nodes import ALL, FALSE, NONE, TRUE, Expr, node
from model.program.program import Program
from model.program.step import Step, Update
from model.program.tracing import Page

ENTRIES = 2  # of a buffer, where --size Buffer=N does not say otherwise
SIZE = "Buffer"
HARDWARE = ("Guest", "Drainer")  # sorts that a size need not name: there is one of each, or it is no thread of a design
Drainer = Sort("Drainer", "store buffers that empty by themselves", ("the store buffer",), size=1)


def refuse_memory(owner: str, part: Part, place: Place | None) -> None:
    """Refuse what a part says of its memory, where that has no meaning.

    Raises:
        DesignError: it says something else than the words in the message.
    """
    shared = part.per is None and isinstance(part, Pages | Flag) and not part.ghost
    if part.memory != "sc" and (part.memory != "tso" or not shared):
        raise DesignError(
            f'{owner}.{part.name}: memory="tso" is for a set of pages or a flag that all threads share; '
            f'every other part is memory="sc".',
            place,
        )
    cell = getattr(part, "cell", None)
    if cell is not None and (cell is not ALL or part.memory != "tso"):
        raise DesignError(
            f'{owner}.{part.name}: cell=ALL says of a part with memory="tso" that one store writes the whole set, as '
            f"in a bitmap of one word; leave cell out where a store writes a page.",
            place,
        )
    if part.ghost is not False and (part.ghost is not True or part.sort == "lock"):
        raise DesignError(f"{owner}.{part.name}: ghost=True is for a set of pages, a flag or a queue.", place)


def wanted_entries(given: int | None) -> int:
    """The entries of each buffer: the given number, or 2.

    Raises:
        UsageError: there would be none.
    """
    if given is not None and given < 1:
        raise UsageError(f"a store buffer has at least 1 entry, not {given}.")
    return ENTRIES if given is None else given


@dataclass(frozen=True)
class StoreBuffer:
    """The buffers of one kind of thread.

    Args:
        by: whose they are.
        parts: what these threads store plainly, in the order of declaration.
        entries: how many there are, at least 1; number 0 is the oldest.
    """

    by: Sort
    parts: tuple[Part, ...]
    entries: int

    # -- names

    def cells_name(self, part: Part, entry: int) -> str:
        """The part that says which cells entry number `entry` writes: pages of a byte map, else whether it writes."""
        return f"{part.name}.{self.by.name.lower()}.{'cells' if by_page(part) else 'waits'}.{entry}"

    def value_name(self, part: Part, entry: int) -> str:
        """The part that has the values that it writes there."""
        return f"{part.name}.{self.by.name.lower()}.value.{entry}"

    def declared(self) -> dict[str, Part]:
        """The parts that the entries are kept in."""
        found: dict[str, Part] = {}
        for entry in range(self.entries):
            for part in self.parts:
                which = f"store buffer of a {self.by.name}, entry {entry} (0 is the oldest)"
                cells = Pages if by_page(part) else Flag
                found |= _named(cells(f"{which}: what it writes of {part.name}", self.by), self.cells_name(part, entry))
                found |= _named(
                    type(part)(f"{which}: the value for {part.name}", self.by), self.value_name(part, entry)
                )
        return found

    # -- expressions; `who` is the thread

    def cells(self, part: Part, entry: int, who: Index) -> Expr:
        return node("var", (self.cells_name(part, entry), who), PAGES if by_page(part) else TRUTH)

    def value(self, part: Part, entry: int, who: Index) -> Expr:
        return node("var", (self.value_name(part, entry), who), part.sort)

    def used(self, entry: int, who: Index) -> Expr:
        """Entry number `entry` holds a store."""
        found: Expr = FALSE
        for part in self.parts:
            found = found | writes(self.cells(part, entry, who))
        return found

    def room(self, who: Index) -> Expr:
        """One more entry fits."""
        return ~self.used(self.entries - 1, who)

    def seen(self, part: Part, who: Index) -> Expr:
        """The part as the thread loads it: the newest own entry of each cell, else memory."""
        value = node("var", (part.name, None), part.sort)
        for entry in range(self.entries):
            cells, new = self.cells(part, entry, who), self.value(part, entry, who)
            value = (value - cells) | new if by_page(part) else choose(cells, new, value)
        return value

    # -- steps

    def step(self, step: Step, fenced: bool) -> Step:
        """A recorded step of such a thread, with its loads, its store and its fence said in plain parts."""
        me = Index("me", self.by.name)
        views = {} if fenced else {p.name: self.seen(p, me) for p in self.parts}

        def loaded(expr: Expr) -> Expr:
            return rewrite(expr, lambda e: views.get(e.args[0]) if e.op == "var" and e.args[1] is None else None)

        guards = [~self.used(0, me)] if fenced else []
        guards += [loaded(g) for g in step.guards]
        updates: list[Update] = []
        for update in step.updates:
            if not update.buffered:
                updates.append(replace(update, value=loaded(update.value)))
                continue
            part = next(p for p in self.parts if p.name == update.variable)
            cells = loaded(written(update.value, part))
            guards += _kept_guards(self.room(me) | ~writes(cells))
            updates += self.push(part, cells, loaded(update.value), me)
        return replace(step, guards=tuple(guards), updates=tuple(updates))

    def push(self, part: Part, cells: Expr, value: Expr, me: Index) -> list[Update]:
        """A new entry behind the others; no cells, no entry."""
        if cells is NONE or cells is FALSE:
            return []
        found, room_before = [], FALSE
        for entry in range(self.entries):
            empty = ~self.used(entry, me)
            mine = empty & ~room_before
            room_before = empty
            old_cells, old = self.cells(part, entry, me), self.value(part, entry, me)
            new = value & cells if part.sort == cells.sort else choose(cells, value, NONE)
            found.append(Update(self.cells_name(part, entry), me, choose(mine, cells, old_cells)))
            found.append(Update(self.value_name(part, entry), me, choose(mine, new, old)))
        return found

    def drains(self) -> dict[str, Operation]:
        """The operations that make the oldest store visible, one for each part: `drain_memory_of_device`."""
        return {f"drain_{p.name}_of_{self.by.name.lower()}": Operation(self._drain(p), Drainer) for p in self.parts}

    def _drain(self, part: Part) -> Callable[..., None]:
        def page_by_page(s: Any, me: Any, thread: Any, page: Any) -> None:
            cells = getattr(s, self.cells_name(part, 0))[thread]
            value = getattr(s, self.value_name(part, 0))[thread]
            wait_for(page <= cells)
            setattr(s, part.name, (getattr(s, part.name) - page) | (value & page))
            rest = {self.cells_name(part, 0): cells - page, self.value_name(part, 0): value - page}
            self._move_up(s, thread, cells - page <= NONE, rest)

        def at_once(s: Any, me: Any, thread: Any) -> None:
            wait_for(getattr(s, self.cells_name(part, 0))[thread])
            setattr(s, part.name, getattr(s, self.value_name(part, 0))[thread])
            self._move_up(s, thread, TRUE, {})

        drain = page_by_page if by_page(part) else at_once
        drain.__annotations__ = {"thread": self.by, "page": Page} if by_page(part) else {"thread": self.by}
        return drain

    def _move_up(self, s: Any, thread: Any, done: Expr, rest: dict[str, Expr]) -> None:
        """Where the oldest entry is done every other comes a place forward; else `rest` is left of it."""
        for part in self.parts:
            for name in (self.cells_name, self.value_name):
                for entry in range(self.entries):
                    here = getattr(s, name(part, entry))
                    old = rest.get(name(part, entry), here[thread])
                    empty = NONE if old.sort == PAGES else FALSE
                    last = entry == self.entries - 1
                    here[thread] = choose(done, empty if last else getattr(s, name(part, entry + 1))[thread], old)


def at_once(step: Step) -> Step:
    """The step with stores that wait in no buffer."""
    return replace(step, updates=tuple(replace(u, buffered=False) for u in step.updates))


def by_page(part: Part) -> bool:
    """A store to it writes pages, not the whole."""
    return isinstance(part, Pages) and part.cell is None


def writes(cells: Expr) -> Expr:
    """A store to these cells is a store at all."""
    return ~(cells <= NONE) if cells.sort == PAGES else cells


def written(value: Expr, part: Part) -> Expr:
    """Which cells an assignment of `value` to `part` writes, read off the expression, not off its value."""
    itself = node("var", (part.name, None), part.sort)
    if by_page(part):
        found = _pages_written(value, itself)
        return ALL if found is None else found
    return _all_written(value, itself)


def _pages_written(value: Expr, part: Expr) -> Expr | None:
    """The pages where `value` may differ from `part`; None where `part` is not what it is built upon."""
    if value is part:
        return NONE
    if value.op == "choose":
        condition, *branches = value.args
        found = [_pages_written(b, part) for b in branches]
        return None if found == [None, None] else choose(condition, *(ALL if f is None else f for f in found))
    if value.op in ("union", "meet", "minus"):
        base, other = value.args
        for upon, by in ((base, other), (other, base)) if value.op != "minus" else ((base, other),):
            inside = _pages_written(upon, part)
            if inside is not None:
                return inside | (~by if value.op == "meet" else by)
    return None


def _all_written(value: Expr, part: Expr) -> Expr:
    """Whether the one cell is written: always, but for branches of `choose` that are the part itself."""
    if value is part:
        return FALSE
    if value.op == "choose":
        condition, yes, no = value.args
        return choose(condition, _all_written(yes, part), _all_written(no, part))
    return TRUE


def store_buffers(
    steps: Iterable[Step], parts: Iterable[Part], sorts: dict[str, Sort], entries: int
) -> list[StoreBuffer]:
    """The buffers that the recorded steps need: of each kind of thread that stores plainly."""
    stored: dict[str, set[str]] = {}
    for step in steps:
        for update in step.updates:
            if update.buffered:
                stored.setdefault(step.by, set()).add(update.variable)
    all_parts = list(parts)
    return [StoreBuffer(sorts[by], tuple(p for p in all_parts if p.name in own), entries) for by, own in stored.items()]


def entries_told(entries: object) -> str:
    """`store buffers of 2`, as a scope says it."""
    return f"store buffers of {entries}"


def buffers_of(program: Program) -> list[StoreBuffer]:
    """The buffers that a recorded program has."""
    found = []
    for by in program.threads if program.buffer else ():
        one = StoreBuffer(program.sorts[by], tuple(p for p in program.parts.values() if p.memory == "tso"), 1)
        own = tuple(p for p in one.parts if one.cells_name(p, 0) in program.variable)
        if own:
            found.append(StoreBuffer(one.by, own, program.buffer))
    return found


def _kept_guards(guard: Expr) -> list[Expr]:
    return [] if guard is TRUE else [guard]


def _named(part: Part, name: str) -> dict[str, Part]:
    part.name = name
    return {name: part}
