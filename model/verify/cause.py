"""Why a page was lost, computed from the trace: which bit held the promise, which move took it away, on what grounds.

Every bit of every bitmap has an origin in the trace: the move that last set it and the bits it was copied from.
Following the grounds of the fatal clear back through collects to a sync gives the report that it relied on, and
comparing that report with the last write gives the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from model.expr import PAGES, Expr, walk
from model.instance.instance import Move
from model.instance.state import Field
from model.instance.trace import Trace
from model.program.layout import register_of

Bit = tuple[str, int | None]  # a field; the page is fixed
CARRIERS = ("kernel", "user", "mine")


@dataclass(frozen=True)
class Reason:
    """The argument for one page and one client; numbers are moves of the trace, from 1.

    Attributes:
        written: the write that the client misses.
        carriers: what promised the page to the client just before the promise was broken.
        broken: the move that took the last promise away, or None where the promise still stands.
        grounds: the bitmaps that this move relied on, nearest first, with the move that filled each.
        standing: every bitmap that holds the page at the end, whatever it is for.
        logged: the write put the page into one of the carriers.
        report: the move behind those grounds, or None.
        reported_write: the write that this sync saw.
        delivered: the report that was followed by no merge into the client's bitmap.
    """

    page: int
    client: int | None
    written: int | None
    carriers: tuple[Bit, ...]
    broken: int | None
    grounds: tuple[tuple[Bit, int], ...]
    report: int | None
    reported_write: int | None
    read_at: int | None
    standing: tuple[Bit, ...] = ()
    logged: bool = True
    first_report: int | None = None

    @property
    def logged_elsewhere(self) -> bool:
        """The page stands in a bitmap at the end that is no carrier: it may be on its way, and nothing is claimed."""
        return any(name not in (*CARRIERS, "cache") and not name.startswith("me.") for name, _ in self.standing)


def reason(trace: Trace, client: int | None, page: int) -> Reason:
    """The reason why `client` misses `page` at the end of the trace."""
    return _Inquiry(trace, client, page).reason()


class _Inquiry:
    def __init__(self, trace: Trace, client: int | None, page: int) -> None:
        self.trace, self.instance, self.client, self.page = trace, trace.instance, client, page
        self.bit = 1 << page

    def reason(self) -> Reason:
        written = self.writes[-1] if self.writes else None
        broken = self._broken(written or 0)
        taken = tuple(c for c in self._carriers() if self._has(c, broken - 1)) if broken and broken != written else ()
        carriers = taken if broken else self._standing()
        grounds = self._grounds(broken) if broken else ()
        report = next((m for b, m in grounds if self._copies_the_log(b, m)), None)
        seen = [w for w in self.writes if report and w < report]
        reads = [m for m in self._reads() if written is None or m < written]
        return Reason(
            self.page,
            self.client,
            written,
            carriers,
            broken,
            grounds,
            report,
            seen[-1] if seen else None,
            reads[-1] if reads else None,
            tuple(self._everywhere()),
            self._logged(written),
            min((m for b, m in grounds if self._copies_the_log(b, m)), default=None),
        )

    # -- what happened to the page

    @cached_property
    def writes(self) -> list[int]:
        """Moves that wrote the page: a thread that is no client marked it in `unread`."""
        return [i for i in range(1, len(self.trace) + 1) if writes_page(self.trace, i, self.page)]

    def _reads(self) -> Iterator[int]:
        for i, move in enumerate(self.trace.moves, 1):
            if (
                move.ground.sort == "Client"
                and move.ground.thread == self.client
                and reads_page(self.trace, i, self.page)
            ):
                yield i

    def _operation(self, move: int) -> str:
        return self.trace.moves[move - 1].ground.step.operation

    def _copies_the_log(self, bit: Bit, move: int) -> bool:
        """The move filled this bitmap from the kernel's log: it is a report."""
        made, sources = self.origins[move].get(bit, (0, ()))
        return made == move and any(name == "kernel" for name, _ in sources)

    def _carriers(self) -> Iterator[Bit]:
        for name in CARRIERS:
            for number in dict.fromkeys((None, self.client)):
                if (name, number) in self.instance.position:
                    yield name, number

    def _has(self, bit: Bit, at: int) -> bool:
        return bool(self.trace.value(at, *bit) & self.bit)

    def _everywhere(self) -> Iterator[Bit]:
        """Bitmaps that hold the page at the end, but for what is at stake and what says how writes are noticed."""
        for field in self.instance.fields:
            apart = field.name in ("unread", "armed", "tlb") or field.role == "ghost"
            if field.sort == PAGES and not apart and self._has(field.key, len(self.trace)):
                yield field.key

    def _logged(self, written: int | None) -> bool:
        """Whether the write's own step assigns one of the carriers."""
        if written is None:
            return False
        targets = {self.instance.fields[i].key for i, _ in self.trace.moves[written - 1].ground.updates}
        return any(c in targets for c in self._carriers())

    def _standing(self) -> tuple[Bit, ...]:
        return tuple(c for c in self._carriers() if self._has(c, len(self.trace)))

    def _broken(self, written: int) -> int | None:
        """The move after which no carrier has the page and none has it again; the write itself where none ever had."""
        last = None
        for at in range(len(self.trace), written - 1, -1):
            if any(self._has(c, at) for c in self._carriers()):
                return last
            last = at
        return last or None

    # -- origins

    @cached_property
    def origins(self) -> Sequence[Mapping[Bit, tuple[int, tuple[Bit, ...]]]]:
        """After each move: for every field that holds the page, the move that set it and what it was copied from."""
        known: dict[Bit, tuple[int, tuple[Bit, ...]]] = {}
        history = [dict(known)]
        for i, move in enumerate(self.trace.moves, 1):
            before = dict(known)
            for position, value in move.ground.updates:
                field = self.instance.fields[position]
                if field.sort != PAGES:
                    continue
                had, has = (bool(self.trace.states[j][position] & self.bit) for j in (i - 1, i))
                if not has:
                    known.pop(field.key, None)
                elif not had or not self._only_grows(value, field):
                    known[field.key] = (i, self._support(value, i, move, before))
            history.append(dict(known))
        return history

    def _only_grows(self, value: Expr, field: Field) -> bool:
        """`x := x | …` or `x := x - …`: a bit that was there before keeps its origin."""
        return any(e.op == "field" and e.args == field.key for e in walk(value))

    def _support(self, value: Expr, at: int, move: Move, before: Mapping[Bit, object]) -> tuple[Bit, ...]:
        """The fields whose bit made this one: a copy's sources, or what a parameter was required to lie in."""
        if value.sort != PAGES or not self._value(value, at, move):
            return ()
        match value.op:
            case "field":
                return (value.args,)
            case "param":
                return self._required(value.args[0], at, move)
            case "union":
                return tuple(s for a in value.args for s in self._support(a, at, move, before))
            case "meet":
                return tuple(s for a in value.args for s in self._support(a, at, move, before))
            case "minus":
                return self._support(value.args[0], at, move, before)
            case "choose":
                condition = self.instance.value(value.args[0], self.trace.states[at - 1], move.arguments)
                return self._support(value.args[1 if condition else 2], at, move, before)
        return ()

    def _value(self, value: Expr, at: int, move: Move) -> bool:
        return bool(self.instance.value(value, self.trace.states[at - 1], move.arguments) & self.bit)

    def _required(self, name: str, at: int, move: Move) -> tuple[Bit, ...]:
        """Guards of the form `name <= something` say what a parameter was chosen from."""
        found: list[Bit] = []
        for guard in move.ground.guards:
            for part in walk(guard):
                if part.op == "subset" and part.args[0].op == "param" and part.args[0].args[0] == name:
                    found += [e.args for e in walk(part.args[1]) if e.op == "field" and e.sort == PAGES]
        return tuple(b for b in found if self._has(b, at - 1))

    # -- the grounds of the fatal move

    def _grounds(self, broken: int) -> tuple[tuple[Bit, int], ...]:
        """Follow what the move relied on back to a sync: (bitmap, move that filled it), nearest first."""
        move = self.trace.moves[broken - 1]
        todo = [(b, broken - 1) for b in self._relied_on(broken, move)]
        found: list[tuple[Bit, int]] = []
        while todo:
            bit, at = todo.pop(0)
            if bit not in self.origins[at]:
                continue
            made, sources = self.origins[at][bit]
            if (bit, made) not in found:
                found.append((bit, made))
                todo += [(s, made - 1) for s in sources]
        return tuple(found)

    def _relied_on(self, broken: int, move: Move) -> tuple[Bit, ...]:
        """What selects the page in `kernel := kernel - mask`: the support of every mask that took it away."""
        before: Mapping[Bit, object] = {}
        found: list[Bit] = []
        for position, value in move.ground.updates:
            field = self.instance.fields[position]
            if field.sort != PAGES or field.key not in set(self._carriers()):
                continue
            for part in walk(value):
                if part.op == "minus" and self._value(part.args[1], broken, move):
                    found += self._support(part.args[1], broken, move, before)
        return tuple(found)


def writes_page(trace: Trace, at: int, page: int) -> bool:
    """Move number `at` changes the page's content: a thread that is no client marks it in `unread`."""
    ground = trace.moves[at - 1].ground
    marks = any(trace.instance.fields[i].name == "unread" for i, _ in ground.updates)
    pages = subject(trace, at)
    return ground.sort != "Client" and marks and pages is not None and bool(pages >> page & 1)


def subject(trace: Trace, at: int) -> int | None:
    """The pages that the operation of a move is about: its first parameter, chosen now or kept in a register."""
    move = trace.moves[at - 1]
    step = move.ground.step
    first = next(s for s in trace.instance.program.steps if s.operation == step.operation and s.first)
    sets = [p.name for p in first.params if p.kind in ("page", "some", "any")]
    if not sets:
        return None
    if sets[0] in move.arguments:
        return move.arguments[sets[0]]
    for name in (register_of(step.by, sets[0]), f"me.{sets[0]}"):
        if (name, move.ground.thread) in trace.instance.position:
            return trace.value(at - 1, name, move.ground.thread)
    return None


def reads_page(trace: Trace, at: int, page: int) -> bool:
    """Move number `at` is a client's and takes the page out of what it wants to read, or out of its `unread`."""
    move = trace.moves[at - 1]
    if move.ground.sort != "Client":
        return False
    position = trace.instance.position
    owners = (move.ground.thread, None)
    bitmaps = [position[n, k] for n in ("mine", "unread") for k in owners if (n, k) in position]
    took = any(trace.states[at - 1][i] & ~trace.states[at][i] & 1 << page for i in bitmaps)
    return took and "unread" in move.ground.step.writes
