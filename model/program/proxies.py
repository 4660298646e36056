"""`s` and `me` as an operation sees them: reading gives expressions, assigning adds to the step being recorded."""

from __future__ import annotations

from typing import Any

from model.errors import DesignError, did_you_mean, here
from model.expr import PAGES, TRUTH, Element, Index, Lock, Part, Queue, Sort, choose, lift, register
from model.expr.names import identifier
from model.expr.nodes import NONE, TRUE, Expr, node
from model.program.builder import Recorder
from model.program.step import Held


class StateView:
    """`s` in an operation: attributes are the parts of the design."""

    def __init__(self, recorder: Recorder, direct: bool = False) -> None:
        object.__setattr__(self, "_recorder", recorder)
        object.__setattr__(self, "_direct", direct)

    def __getattr__(self, name: str) -> Any:
        recorder: Recorder = self._recorder
        part = _part(recorder, name)
        if part.per is not None:
            return Indexed(recorder, part)
        if isinstance(part, Lock):
            return LockView(recorder, part)
        if isinstance(part, Queue):
            return QueueView(recorder, part, None)
        return recorder.current(part.name, None, part.sort)

    @property
    def locked(self) -> StateView:
        """The state as a locked instruction sees and changes it: at once, after the thread's store buffer is empty."""
        self._recorder.fence()
        return StateView(self._recorder, direct=True)

    def __setattr__(self, name: str, value: object) -> None:
        recorder: Recorder = self._recorder
        part = _part(recorder, name)
        if isinstance(part, Lock):
            raise recorder.error(f"{name} is a lock and cannot be assigned; take it with `with s.{name}:`.")
        if isinstance(part, Queue):
            raise recorder.error(f"{name} is a queue and cannot be assigned; s.{name}.push(page), s.{name}.pop().")
        if part.per is not None:
            Indexed(recorder, part).complain()
        recorder.store(part, lift(value), self._direct)

    def __contains__(self, name: str) -> bool:
        return name in self._recorder.parts


def _part(recorder: Recorder, name: str) -> Part:
    part = recorder.parts.get(name)
    if part is None:
        known = sorted(p for p in recorder.parts if "." not in p)
        raise DesignError(
            f"{recorder.owner} has no field '{name}'{did_you_mean(name, known)} It has {', '.join(known)}.", here()
        )
    return part


class Indexed:
    """`s.part` where there is one part per element of a sort: `s.part[me]`, `s.part[every_client]`."""

    def __init__(self, recorder: Recorder, part: Part) -> None:
        self.recorder, self.part = recorder, part

    @property
    def sort_of_index(self) -> Sort | None:
        return self.part.per

    def _index(self, index: object) -> Index:
        sort = self.part.per
        assert sort is not None
        if not isinstance(index, Element):
            raise self.recorder.error(
                f"{self.part.name}[{index!r}]: the index is a {sort.name}, such as me, {sort.name}[0] or "
                f"{sort.name}.every; a design does not know how many there are."
            )
        if index.index.sort != sort.name:
            raise self.recorder.error(
                f"{self.part.name} is per {sort.name}, and {index.index} is a {index.index.sort} here. Index it by a "
                f"parameter named {sort.name.lower()}, by {sort.name}[0] or {sort.name}.every, or let those threads "
                f"run the operation: @operation(by={sort.name})."
            )
        return index.index

    def __getitem__(self, index: object) -> Any:
        if isinstance(self.part, Lock):
            return LockView(self.recorder, self.part, self._index(index))
        if isinstance(self.part, Queue):
            return QueueView(self.recorder, self.part, self._index(index))
        return self.recorder.current(self.part.name, self._index(index), self.part.sort)

    def __setitem__(self, index: object, value: object) -> None:
        if isinstance(self.part, Lock | Queue):
            raise self.recorder.error(f"{self.part.name} is a {self.part.sort} and cannot be assigned.")
        self.recorder.assign(self.part.name, self._index(index), lift(value), self.part.sort)

    def complain(self) -> None:
        """Someone used all of them as if they were one."""
        name, sort = self.part.name, self.part.per.name if self.part.per else ""
        raise self.recorder.error(
            f"{name} is one per {sort}; say whose: s.{name}[me], or s.{name}[{sort}.every] for all of them."
        )

    def _refuse(self, *_: object) -> Any:
        self.complain()

    __or__ = __and__ = __sub__ = __le__ = __ge__ = __ror__ = __rand__ = __rsub__ = __invert__ = _refuse
    __ior__ = __iand__ = __isub__ = __bool__ = __iter__ = _refuse
    __eq__ = __ne__ = _refuse  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]


class QueueView:
    """A queue inside an operation; entries are sets of pages, the oldest in slot 0, an empty slot is NONE."""

    def __init__(self, recorder: Recorder, part: Queue, index: Index | None) -> None:
        self.recorder, self.part, self.index = recorder, part, index
        self.names = slots(part)

    def _slot(self, number: int) -> Expr:
        return self.recorder.current(self.names[number], self.index, PAGES)

    @property
    def head(self) -> Expr:
        """The oldest entry, NONE where there is none."""
        return self._slot(0)

    @property
    def empty(self) -> Expr:
        return self._slot(0) <= NONE

    @property
    def full(self) -> Expr:
        return ~(self._slot(self.part.length - 1) <= NONE)

    @property
    def everything(self) -> Expr:
        """All pages that are in the queue."""
        found = self._slot(0)
        for number in range(1, self.part.length):
            found = found | self._slot(number)
        return found

    def push(self, pages: object) -> None:
        """Add an entry behind the others; the step waits while the queue is full."""
        value = lift(pages)
        self.recorder.guard(~self.full)
        room = [self._slot(n) <= NONE for n in range(self.part.length)]
        before = [TRUE, *(~empty for empty in room[:-1])]
        for number, (first, empty) in enumerate(zip(before, room, strict=True)):
            new = choose(first & empty, value, self._slot(number))
            self.recorder.assign(self.names[number], self.index, new, PAGES)

    def pop(self) -> None:
        """Drop the oldest entry; the step waits while the queue is empty."""
        self.recorder.guard(~self.empty)
        values = [*(self._slot(n) for n in range(1, self.part.length)), NONE]
        for name, value in zip(self.names, values, strict=True):
            self.recorder.assign(name, self.index, value, PAGES)

    def clear(self) -> None:
        """Drop every entry."""
        for name in self.names:
            self.recorder.assign(name, self.index, NONE, PAGES)

    def complain(self) -> None:
        name = self.part.name
        raise self.recorder.error(f"{name} is a queue, not a value; use .head, .everything, .empty or .full of it.")


def slots(part: Queue) -> list[str]:
    """Names of the sets of pages that hold a queue's entries."""
    return [f"{part.name}.{number}" for number in range(part.length)]


class LockView:
    """A lock inside an operation: `with s.lock:`, or `.acquire()` and `.release()` where the scopes do not nest."""

    def __init__(self, recorder: Recorder, part: Lock, index: Index | None = None) -> None:
        self.recorder, self.held = recorder, Held(part.name, index)
        if index is not None and index.kind == "each":
            raise recorder.error(f"{part.name}[every ...]: a thread takes one lock at a time.")

    @property
    def free(self) -> Expr:
        """No thread holds it."""
        return node("free", (self.held.lock, self.held.index), TRUTH, self.recorder.serial)

    def acquire(self) -> None:
        self.recorder.take(self.held)

    def release(self) -> None:
        self.recorder.free(self.held)

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.release()

    def complain(self) -> None:
        raise self.recorder.error(f"{self.held} is a lock, not a value; take it with `with s.{self.held}:`.")


STATE_OWN = ("locked",)  # attributes of `s` and of `me` that the language itself has
ME_OWN = ("index", "complain")


class Me(Element):
    """`me` in an operation: the thread. As an index it is the thread; its attributes are private registers."""

    __slots__ = ("_recorder",)
    _recorder: Recorder

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(Index("me", recorder.by.name))
        object.__setattr__(self, "_recorder", recorder)

    def __getattr__(self, name: str) -> Expr:
        recorder: Recorder = self._recorder
        if name in recorder.params:
            raise recorder.error(f"{name} is a parameter; write {name}, not me.{name}.")
        if name not in recorder.registers:
            known = list(recorder.registers)
            raise recorder.error(
                f"me.{name} is read before the operation has set it{did_you_mean(name, known)} Registers are empty "
                f"when an operation starts."
            )
        recorder.unread.pop(name, None)
        return recorder.current(register(name), self.index, recorder.registers[name])

    def __setattr__(self, name: str, value: object) -> None:
        recorder: Recorder = self._recorder
        if name in recorder.params:
            raise recorder.error(
                f"{name} is a parameter: it is chosen once, when the operation starts, and cannot be assigned. "
                f"Keep the new value in a register of another name, me.kept_{name} = ..."
            )
        if name in ME_OWN or name.startswith("_"):
            raise recorder.error(f"me.{name} is the language's own and cannot be a register; give it another name.")
        expr = lift(value)
        identifier(name, "a register", here())
        if name not in recorder.registers:
            recorder.unread[name] = None
        recorder.registers.setdefault(name, expr.sort)
        recorder.assign(register(name), self.index, expr, recorder.registers[name])
