"""A run of a design as a script for KVM: which ioctls and stores each move is, and what must be seen after it.

The one definition behind `clearorder replay` and the C programs. The run is gone through on paper first (`paper`): what
its steps say of the log must be what KVM is documented to do. Where a design spells an ioctl out in several steps the
ioctl, which is one thing to user space, is performed at one of them; a run that no such choice explains is a run of
what KVM does inside, and is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, product

from model.errors import CannotSay
from model.instance.instance import Instance, Move
from model.instance.state import State
from model.kvm.acts import IOCTLS, Act, Acts
from model.kvm.interface import GUESTS
from model.kvm.paper import Impossible, Paper, Setup
from model.verify.wording import page_set

MOST_TRIES = 20_000  # moves gone through on paper before a run counts as one that nothing explains


@dataclass(frozen=True)
class Done:
    """An act, and the pages that it must report, None where it reports nothing."""

    act: Act
    report: int | None


@dataclass(frozen=True)
class Line:
    """A move of a run: what is done, and the paper after it.

    Attributes:
        elsewhere: ioctls of this move that are performed at another one, with its number (from 1).
    """

    move: Move
    done: tuple[Done, ...]
    paper: Paper
    elsewhere: tuple[tuple[Act, int], ...] = ()


@dataclass(frozen=True)
class Script:
    """A run for KVM.

    Attributes:
        last: the state of the model after it.
    """

    instance: Instance
    setup: Setup
    lines: tuple[Line, ...]
    last: State

    @property
    def end(self) -> Paper:
        return self.lines[-1].paper if self.lines else Paper.fresh(self.setup)

    @property
    def rest(self) -> int | None:
        """What a GET after the run must report, where a GET between its moves would empty the log; else None."""
        return self.end.log if self.setup.mode == "legacy" else None


def setup_of(acts: Acts) -> Setup:
    """What a VM for these acts is like."""
    instance, parts = acts.instance, acts.interface
    modes = {"ring": bool(parts.rings), "initially_set": parts.initially_set, "legacy": parts.legacy, "manual": True}
    return Setup(
        pages=instance.pages,
        vcpus=max(1, instance.sizes.get("Vcpu", 1)),
        mode=next(mode for mode, holds in modes.items() if holds),
        open=bool(parts.rings) and parts.initially_set,
        unread=tuple((client, instance.initial[at]) for client, at in sorted(parts.unread.items())),
    )


def scripted(acts: Acts, moves: Sequence[Move], states: Sequence[State] = ()) -> Script:
    """The script of a run from the initial state.

    Args:
        states: one more than moves, where they are known.

    Raises:
        CannotSay: a move is none that KVM has an ioctl for, or the run is one of what KVM does inside.
    """
    return _Search(acts, moves, states).script()


@dataclass(frozen=True)
class _Node:
    """A run gone through up to `at` moves.

    Attributes:
        due: (index of the move, whose act it is) of ioctls that are performed at another move than their own.
    """

    at: int
    paper: Paper
    due: tuple[tuple[int, int], ...] = ()
    line: Line | None = None
    before: _Node | None = None

    def lines(self) -> list[Line]:
        found, node = [], self
        while node.line is not None and node.before is not None:
            found.append(node.line)
            node = node.before
        return found[::-1]


class _Mismatch(Exception):
    """The design and the paper part here."""


class _Search:
    """Depth first over the moves at which ioctls may be performed, their own first."""

    def __init__(self, acts: Acts, moves: Sequence[Move], states: Sequence[State]) -> None:
        self.interface, self.instance, self.moves = acts.interface, acts.instance, moves
        self.setup = setup_of(acts)
        self.states = states or [
            *accumulate(moves, lambda s, m: self.instance.apply(m, s), initial=acts.instance.initial)
        ]
        self.acts = [[*_of_use(acts(move, state))] for move, state in zip(moves, self.states, strict=False)]
        self.places = dict(self._movable())

    def script(self) -> Script:
        stack, furthest, tries = [_Node(0, Paper.fresh(self.setup))], (-1, ""), 0
        while stack:
            node = stack.pop()
            if node.at == len(self.moves):
                return Script(self.instance, self.setup, tuple(node.lines()), self.states[-1])
            for due in reversed(self._choices(node)):
                tries += 1
                try:
                    stack.append(self._after(node, due))
                except _Mismatch as why:
                    furthest = max(furthest, (node.at, str(why)), key=lambda found: found[0])
            if tries > MOST_TRIES:
                break
        raise CannotSay(self._refusal(*furthest))

    def _refusal(self, at: int, why: str) -> str:
        inside = self.interface.names
        reason = f"it models what KVM does inside ({inside})" if inside else "it keeps another log than KVM"
        label = self.moves[at].ground.step.label
        return f"{self.instance.program.name}: after move {at + 1}, {label}, {why}: {reason}, and no ioctl does that."

    # -- where an ioctl may be performed

    def _movable(self) -> Iterator[tuple[int, list[int]]]:
        """For each ioctl of an operation that spells it out in steps: its own move first, then the others."""
        for run in self._runs():
            inside = [i for i in run if self._changes_inside(self.moves[i])]
            own = [i for i in run if any(a.kind in IOCTLS for a in self.acts[i])]
            if len(own) == 1 and set(inside) - set(own) and self.moves[own[0]].ground.sort not in GUESTS:
                yield own[0], [own[0], *sorted(set(inside) - set(own), key=lambda i: (i < own[0], i))]

    def _runs(self) -> list[list[int]]:
        """The moves of one thread through one operation, together."""
        running: dict[tuple[str, int], list[int]] = {}
        found = []
        for i, move in enumerate(self.moves):
            thread = (move.ground.sort, move.ground.thread)
            if move.ground.step.first or thread not in running:
                running[thread] = []
                found.append(running[thread])
            running[thread].append(i)
        return found

    def _changes_inside(self, move: Move) -> bool:
        return any(at in self.interface.inside for at, _ in move.ground.updates)

    def _choices(self, node: _Node) -> list[tuple[tuple[int, int], ...]]:
        """What is due, for each choice that falls on this move: a choice is made at the earliest of its moves."""
        here = [(own, places) for own, places in self.places.items() if min(places) == node.at]
        chosen = product(*([(place, own) for place in places] for own, places in here))
        return [(*node.due, *each) for each in chosen]

    # -- one move

    def _after(self, node: _Node, due: tuple[tuple[int, int], ...]) -> _Node:
        paper, done = node.paper, []
        for own, act in self._acts_at(node.at, due):
            try:
                paper, report = paper.do(act)
            except Impossible as why:
                raise _Mismatch(str(why)) from None
            self._compare_report(own, act, report)
            done.append(Done(act, report))
        late = any(min(place, own) <= node.at < max(place, own) for place, own in due)
        self._compare(paper, self.states[node.at + 1], late)
        line = Line(self.moves[node.at], tuple(done), paper, tuple(self._elsewhere(node.at, due)))
        left = tuple((place, own) for place, own in due if max(place, own) > node.at)
        return _Node(node.at + 1, paper, left, line, node)

    def _acts_at(self, at: int, due: tuple[tuple[int, int], ...]) -> Iterator[tuple[int, Act]]:
        """(move that it belongs to, act), in the order in which they are performed."""
        for place, own in due:
            if place == at != own:
                yield from ((own, act) for act in self.acts[own] if act.kind in IOCTLS)
        elsewhere = any(own == at != place for place, own in due)
        yield from ((at, act) for act in self.acts[at] if not (elsewhere and act.kind in IOCTLS))

    def _elsewhere(self, at: int, due: tuple[tuple[int, int], ...]) -> Iterator[tuple[Act, int]]:
        for place, own in due:
            if own == at != place:
                yield from ((act, place + 1) for act in self.acts[own] if act.kind in IOCTLS)

    def _compare_report(self, own: int, act: Act, report: int | None) -> None:
        before = self.states[own]
        if act.kind in ("get", "take") and self.interface.log is not None:
            _same("GET", before[self.interface.log], report)
        if act.kind == "harvest":
            _same("the entry that is harvested", before[self.interface.rings[act.who][0]], report)

    def _compare(self, paper: Paper, state: State, late: bool) -> None:
        """What user space can see, and what each client misses, by the design and on paper.

        Args:
            late: an ioctl of the run has begun and is not performed yet, or the other way round: the design's log is
                between its values.
        """
        if not late and self.interface.log is not None:
            _same("the log", state[self.interface.log], paper.log)
        for vcpu, places in enumerate(self.interface.rings):
            waiting = [state[at] for at in places if state[at]]
            for one, other in zip(waiting, [1 << p for p in paper.waiting[vcpu]], strict=False):
                _same(f"an entry of vCPU {vcpu}'s ring", one, other)
            if len(waiting) != len(paper.waiting[vcpu]):
                raise _Mismatch(
                    f"vCPU {vcpu}'s ring has {len(waiting)} by the design and {len(paper.waiting[vcpu])} on KVM"
                )
        for client, at in self.interface.unread.items():
            _same(f"what client {client} misses", state[at], paper.stale(client))


def _of_use(acts: Iterable[Act]) -> Iterator[Act]:
    """Without what clients would do to no page."""
    return (act for act in acts if act.pages or act.kind not in ("read", "forget"))


def _same(what: str, design: int, kvm: int | None) -> None:
    if design != kvm:
        raise _Mismatch(f"{what} is {page_set(design)} by the design and {page_set(kvm or 0)} on KVM")
