"""A run of a design on the real kernel, move by move: the kernel's bitmap beside the model's, page contents beside
what each client has read.

Every model page is a page of one logged slot; the guest writes a new version each time, and each client copies the
content of the pages that it reads. After every move KVM_GET_DIRTY_LOG must report what the model says.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from model.expr import Client
from model.instance.breadth_first import BreadthFirst
from model.instance.instance import Instance, Move
from model.instance.locations import at as location
from model.instance.state import State
from model.kvm.driver import INITIALLY_SET, MANUAL, Vm
from model.kvm.ioctls import Act, Acts
from model.verdict import PROVED, REFUTED, UNDETERMINED

STRIDE = 64  # model pages lie in different words of the bitmap; 1 puts them side by side


@dataclass(frozen=True)
class Performed:
    """One move as it went on the kernel.

    Attributes:
        ioctls: what was done, in words.
        model, kernel: the pages that the model's log and KVM_GET_DIRTY_LOG show after it.
    """

    number: int
    move: Move
    ioctls: tuple[str, ...]
    model: int
    kernel: int


@dataclass(frozen=True)
class Outcome:
    """How a run went on the model and on the kernel.

    Attributes:
        model_lost, kernel_lost: pages that the client (`client`) misses at the end: by the model, and by comparing
            contents.
        source, copy: versions of every page at the source, and in the client's copy (None: never read).
        disagreement: where model and kernel differ, in a sentence, or an empty string.
    """

    performed: tuple[Performed, ...]
    client: int
    model_lost: int
    kernel_lost: int
    source: tuple[int, ...]
    copy: tuple[int | None, ...]
    disagreement: str = ""

    @property
    def exit_code(self) -> int:
        """1 where the kernel lost a write as the model says, 3 where they differ, else 0."""
        if self.disagreement:
            return UNDETERMINED
        return REFUTED if self.kernel_lost else PROVED


class Bench:
    """A design on a VM of its own: clients with copies of every page, and a guest that writes versions.

    Args:
        instance: a program at given sizes, with a shared log `kernel`.
        stride: how far apart model pages lie in the slot.

    Raises:
        CannotSay: the design does something that KVM has no ioctl for.
        MissingTool, KvmError: as for Vm.
    """

    def __init__(self, instance: Instance, vm: Vm, stride: int = STRIDE) -> None:
        self.instance, self.vm, self.stride = instance, vm, stride
        self.acts = Acts(instance)
        self.masks = [self._at_stride(pages) for pages in range(instance.full + 1)]
        self.all_ones = (1 << vm.slots[0].pages) - 1
        self.shown = {mask: pages for pages, mask in enumerate(self.masks)}
        self.every = self._at_stride(instance.full)
        self.ioctls = 0
        self.unread = self.acts.unread
        self.begin()

    def _at_stride(self, pages: int) -> int:
        return sum(1 << i * self.stride for i in range(self.instance.pages) if pages >> i & 1)

    def begin(self) -> None:
        """A fresh log, version 0 everywhere, and copies that lack what the design says is unread at the start."""
        if self.acts.initially_set:
            self.vm.set_region(0, log=False)
            self.vm.set_region(0)
        else:
            self.vm.clear(self.all_ones)
        for page in range(self.instance.pages):
            self.vm.store(page * self.stride, 0)
        self.versions = [0] * self.instance.pages
        self.copies = {
            c: [None if self.instance.initial[at] >> p & 1 else 0 for p in range(self.instance.pages)]
            for c, at in self.unread.items()
        }

    copies: dict[int, list[int | None]]

    def do(self, act: Act) -> None:
        """One act on the kernel."""
        match act.kind:
            case "write":
                for page in members(act.pages):
                    self.versions[page] += 1
                    self.vm.write(page * self.stride, self.versions[page])
                    self.ioctls += 1
            case "get":
                self.vm.get()
                self.ioctls += 1
            case "clear":
                self.vm.clear(self.all_ones if act.all_ones else self.masks[act.pages])
                self.ioctls += 1
            case "read":
                for page in members(act.pages):
                    self.copies[act.client][page] = self.vm.read(page * self.stride)

    def take(self, move: Move, state: State) -> tuple[tuple[Act, ...], State, str]:
        """A move from `state` on the kernel too: its acts, the state after it, and where the two differ then."""
        acts, after = tuple(self.acts(move, state)), self.instance.apply(move, state)
        for act in acts:
            self.do(act)
        trouble = self.differs(after)
        return acts, after, f"{move.ground.step.label}: {trouble}" if trouble else ""

    def log(self) -> int:
        """KVM_GET_DIRTY_LOG, as model pages."""
        self.ioctls += 1
        return self.shown[self.vm.get() & self.every]

    def stale(self, client: int) -> int:
        """Pages whose content at the source differs from the client's copy."""
        source = self.source()
        return sum(1 << p for p, copy in enumerate(self.copies[client]) if copy != source[p])

    def source(self) -> list[int]:
        return [self.vm.read(p * self.stride) for p in range(self.instance.pages)]

    def differs(self, state: State) -> str:
        """Where the kernel and the model are not the same, or an empty string."""
        log, model = self.log(), state[self.acts.log]
        if log != model:
            return f"the model's log is {members(model)}, KVM_GET_DIRTY_LOG reports {members(log)}"
        for client, at in self.unread.items():
            stale = self.stale(client)
            if stale != state[at]:
                return f"client {client} misses {members(state[at])} by the model and {members(stale)} by content"
        return ""


@contextmanager
def bench(instance: Instance, stride: int = STRIDE) -> Iterator[Bench]:
    """A Bench on a new VM, which is released at the end."""
    manual = INITIALLY_SET if Acts(instance).initially_set else MANUAL
    with Vm((instance.pages * stride,), manual=manual) as vm:
        yield Bench(instance, vm, stride)


def members(pages: int) -> list[int]:
    """The pages of a bitmap."""
    return [i for i in range(pages.bit_length()) if pages >> i & 1]


def replay(instance: Instance, moves: Sequence[Move], client: int = 0, stride: int = STRIDE) -> Outcome:
    """Perform `moves` from the initial state on /dev/kvm, comparing after every one.

    Args:
        client: whose copy is compared with the source at the end.

    Returns:
        The outcome; a run that disagrees ends at the move that disagreed.

    Raises:
        CannotSay, MissingTool, KvmError.
    """
    with bench(instance, stride) as on:
        state, performed, trouble = instance.initial, [], on.differs(instance.initial)
        for number, move in enumerate(moves, 1):
            acts, state, trouble = on.take(move, state)
            performed.append(Performed(number, move, tuple(map(spoken, acts)), state[on.acts.log], on.log()))
            if trouble:
                trouble = f"after move {number}, {trouble}"
                break
        return Outcome(
            performed=tuple(performed),
            client=client,
            model_lost=state[on.unread[client]],
            kernel_lost=on.stale(client),
            source=tuple(on.source()),
            copy=tuple(on.copies[client]),
            disagreement=trouble,
        )


def spoken(act: Act) -> str:
    """`CLEAR {0}`: an act as a report shows it."""
    pages = "{" + ", ".join(map(str, members(act.pages))) + "}"
    words = {"get": "GET", "clear": "CLEAR all ones" if act.all_ones else f"CLEAR {pages}"}
    return words.get(act.kind, f"{act.kind} {pages}")


# ---------------------------------------------------------------- of designs without a counterexample


def deepest(instance: Instance, most: int = 20_000, count: int = 50) -> list[tuple[Move, ...]]:
    """Runs to states that no shorter run reaches, of the greatest depth that `most` states allow; at most `count`."""
    walk = BreadthFirst([instance.initial], instance.successors)
    deepest_level: list[State] = []
    for level in walk.levels():
        if len(walk.came) > most:
            break
        deepest_level = level
    return [tuple(instance.moves[n] for n in walk.path(state)[0]) for state in deepest_level[:count]]


def rehearse(on: Bench, moves: Iterable[Move]) -> str:
    """Perform a run; returns where model and kernel differed, or an empty string."""
    on.begin()
    state = on.instance.initial
    for number, move in enumerate(moves, 1):
        _, state, trouble = on.take(move, state)
        if trouble:
            return f"after move {number}, {trouble}"
    return ""


# ---------------------------------------------------------------- random walks


@dataclass
class Walks:
    """What random walks on model and kernel side by side came to."""

    walks: int = 0
    moves: int = 0
    ioctls: int = 0
    finished: int = 0
    lost: int = 0
    disagreement: str = ""


def walk(on: Bench, choices: Iterable[float], ends: Iterable[str] = ()) -> tuple[list[Move], State, str]:
    """A walk of the design on model and kernel: each number from 0 to 1 picks one of the enabled moves.

    A step is picked first and then its pages, so that steps with many choices of pages are not taken more often.

    Returns:
        The moves, the last state, and where model and kernel differed ("" if they did not).
    """
    instance, state, taken = on.instance, on.instance.initial, []
    on.begin()
    for choice in choices:
        move = pick(instance, state, choice)
        if move is None:
            break
        taken.append(move)
        _, state, trouble = on.take(move, state)
        if trouble:
            return taken, state, f"after {len(taken)} moves, {trouble}"
    return taken, state, ""


def pick(instance: Instance, state: State, choice: float) -> Move | None:
    """The enabled move that a number from 0 to 1 stands for; None where none is enabled."""
    groups = by_step(instance, state)
    if not groups:
        return None
    which, rest = divmod(min(choice, 1 - 1e-9) * len(groups), 1)
    return groups[int(which)][int(rest * len(groups[int(which)]))]


def by_step(instance: Instance, state: State) -> list[list[Move]]:
    """The enabled moves, those of one step of one thread together."""
    groups: dict[int, list[Move]] = {}
    for number, _ in instance.successors(state):
        move = instance.moves[number]
        groups.setdefault(id(move.ground), []).append(move)
    return list(groups.values())


def walks(instance: Instance, count: int, *, seed: int = 0, busy: int = 40, drain: int = 400) -> Walks:
    """Random walks of a design that watches `no_lost_write`, on model and kernel, each to a finished migration.

    Args:
        instance: a program observed by `no_lost_write`: it has `stopped`, `watched` and `synced`.
        busy: moves before the guest is stopped.
        drain: most moves after that until the watched client has synced and read all it was told of.
    """
    rng, found = random.Random(seed), Walks()
    with bench(instance) as on:
        for _ in range(count):
            on.begin()
            _walk_to_end(on, rng, found, busy, drain)
            found.walks += 1
            if found.disagreement:
                break
        found.ioctls = on.ioctls
    return found


def _walk_to_end(on: Bench, rng: random.Random, found: Walks, busy: int, drain: int) -> None:
    """One walk: moves without `stop`, then `stop`, then moves of the clients until the watched one is done."""
    instance, state = on.instance, on.instance.initial
    for at in range(busy + drain):
        options = _options(instance, state, stopping=at >= busy)
        if not options:
            return
        _, state, found.disagreement = on.take(rng.choice(rng.choice(options)), state)
        found.moves += 1
        if found.disagreement:
            return
        if at >= busy and (client := finished(instance, state)) is not None:
            found.finished += 1
            found.lost += bool(on.stale(client))
            return


def _options(instance: Instance, state: State, stopping: bool) -> list[list[Move]]:
    """Enabled moves by step and thread; `stop` as soon as stopping begins and not before."""
    groups = by_step(instance, state)
    stop = [g for g in groups if g[0].ground.step.operation == "stop"]
    return stop if stopping and stop else [g for g in groups if g not in stop]


def finished(instance: Instance, state: State) -> int | None:
    """The watched client, once it has synced after the stop and has nothing left to read."""
    at = instance.position
    for client in range(instance.sizes[Client.name]):
        if not (state[at["watched", client]] and state[at["synced", None]]):
            continue
        place = at.get((location(Client.name), client))
        busy = place is not None and state[place]
        left = [state[at[name, client]] for name in ("user", "mine") if (name, client) in at]
        if not busy and not any(left):
            return client
    return None
