"""A run of a design on the real kernel, move by move: what the kernel shows beside what its documentation promises,
page contents beside what each client has read.

Every client is judged. What is asked of the end is the property itself, in the model's last state with what the kernel
showed put in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from model.expr import walk
from model.instance.instance import Instance, Move
from model.instance.state import Field, State
from model.kvm.acts import Act, Acts
from model.kvm.bench import STRIDE, Bench, bench
from model.kvm.paper import Copy, Paper, Seen, union
from model.kvm.script import Line, Script, scripted
from model.program.program import Invariant
from model.verdict import PROVED, REFUTED, UNDETERMINED
from model.verify.wording import page_set


@dataclass(frozen=True)
class Performed:
    """One move as it went on the kernel.

    Attributes:
        ioctls: what was done, in words.
        model, kernel: the pages that the log (or the rings) should show and shows after it; None where nobody can look
            without changing it.
    """

    number: int
    move: Move
    ioctls: tuple[str, ...]
    model: int | None
    kernel: int | None


@dataclass(frozen=True)
class Client:
    """What one client lacks at the end.

    Attributes:
        model, kernel: pages that it misses: by the model, and by comparing contents.
        copy: versions of every page as it last read them (None: never).
        judged: the property fails for this client, because of what it has not read.
    """

    number: int
    model: int
    kernel: int
    copy: Copy
    judged: bool


@dataclass(frozen=True)
class Outcome:
    """How a run went on the model and on the kernel.

    Attributes:
        clients: every client that the design has.
        model_broken, kernel_broken: the property fails in the model's last state, and with what the kernel showed.
        source: versions of every page at the source.
        disagreement: where model and kernel differ, in a sentence, or an empty string.
    """

    performed: tuple[Performed, ...]
    clients: tuple[Client, ...]
    model_broken: bool
    kernel_broken: bool
    source: tuple[int, ...]
    disagreement: str = ""

    @property
    def model_lost(self) -> int:
        """Pages that a judged client misses, by the model."""
        return union(c.model for c in self.clients if c.judged)

    @property
    def kernel_lost(self) -> int:
        """Pages that a judged client misses, by content."""
        return union(c.kernel for c in self.clients if c.judged)

    @property
    def exit_code(self) -> int:
        """1 where the kernel shows the violation as the model says, 3 where they differ, else 0."""
        if self.disagreement:
            return UNDETERMINED
        return REFUTED if self.kernel_broken else PROVED


def replay(instance: Instance, moves: Sequence[Move], invariant: Invariant, stride: int = STRIDE) -> Outcome:
    """Perform `moves` from the initial state on /dev/kvm, comparing after every one.

    Args:
        invariant: what is asked of the end.

    Returns:
        The outcome; a run that disagrees ends at the move that disagreed.

    Raises:
        CannotSay, MissingTool, KvmError.
    """
    acts = Acts(instance)
    script = scripted(acts, moves)
    with bench(script.setup, stride) as on:
        performed, trouble = perform(on, script)
        return _outcome(acts, on, performed, trouble, Judge(instance, invariant), script.last)


def perform(on: Bench, script: Script) -> tuple[list[Performed], str]:
    """A script on a bench, from the beginning; what was done, and where paper and kernel differed ("" if nowhere)."""
    on.begin()
    performed: list[Performed] = []
    trouble = _differs(on, Paper.fresh(script.setup), on.seen())
    for number, line in enumerate(script.lines, 1):
        if trouble:
            break
        trouble, seen = _line(on, line)
        done = *map(spoken, (each.act for each in line.done)), *(f"({spoken(a)} at {at})" for a, at in line.elsewhere)
        performed.append(Performed(number, line.move, done, line.paper.seen.pages, seen.pages))
        if trouble:
            trouble = f"after move {number}, {line.move.ground.step.label}: {trouble}"
    return performed, trouble or _rest(on, script)


def _rest(on: Bench, script: Script) -> str:
    """Where the log that a run leaves behind is another one than promised, or an empty string."""
    if script.rest is None or (found := on.do(Act("take"))) == script.rest:
        return ""
    return f"after the run, GET should report {page_set(script.rest)}, it reports {page_set(found or 0)}"


def _line(on: Bench, line: Line) -> tuple[str, Seen]:
    """A move on the kernel; where the two differ then, and what the kernel shows."""
    trouble = ""
    for each in line.done:
        found = on.do(each.act)
        if each.report not in (None, found) and not trouble:
            trouble = (
                f"{spoken(each.act)} should report {page_set(each.report or 0)}, it reports {page_set(found or 0)}"
            )
    seen = on.seen()
    return trouble or _differs(on, line.paper, seen), seen


def _differs(on: Bench, paper: Paper, seen: Seen) -> str:
    """Where the kernel and the paper are not the same, or an empty string."""
    promised = paper.seen
    if seen.log not in (None, promised.log):
        return f"the model's log is {page_set(promised.log or 0)}, KVM_GET_DIRTY_LOG reports {page_set(seen.log or 0)}"
    for vcpu, (one, other) in enumerate(zip(promised.rings, seen.rings, strict=True)):
        if one != other:
            return f"the model's entries of vCPU {vcpu} are {list(one)}, its ring has {list(other)}"
    for client, _ in paper.copies:
        if paper.stale(client) != on.stale(client):
            stale = page_set(paper.stale(client)), page_set(on.stale(client))
            return f"client {client} misses {stale[0]} by the model and {stale[1]} by content"
    return ""


class Judge:
    """Asks an invariant of states of an instance."""

    def __init__(self, instance: Instance, invariant: Invariant) -> None:
        cases = instance.cases(invariant)
        self.cases = [(number, instance.predicate(case)) for number, case in cases]
        self.about = {number: {e.args for e in walk(case) if e.op == "field"} for number, case in cases}

    def failed(self, state: State) -> frozenset[int | None]:
        """The elements for which it fails; {None} of an invariant that speaks of no element."""
        return frozenset(number for number, holds in self.cases if not holds(state))

    def speaks_of(self, failed: frozenset[int | None], field: Field) -> bool:
        """Where the invariant failed for these elements, it did so by looking at the field."""
        return any(field.key in self.about[number] for number in failed)


def shown(acts: Acts, on: Bench, last: State) -> State:
    """The last state of a run with what the kernel shows in its place: the log, and what clients lack by content."""
    found, log = [*last], on.seen().log
    if acts.interface.log is not None and log is not None:
        found[acts.interface.log] = log
    for client, at in acts.interface.unread.items():
        found[at] = on.stale(client)
    return tuple(found)


def _outcome(acts: Acts, on: Bench, performed: list[Performed], trouble: str, judge: Judge, last: State) -> Outcome:
    seen = shown(acts, on, last)
    model, kernel = judge.failed(last), judge.failed(seen)
    clients = [
        Client(client, last[at], seen[at], tuple(on.copies[client]), judge.speaks_of(model | kernel, field))
        for client, at in acts.interface.unread.items()
        for field in [acts.instance.fields[at]]
    ]
    return Outcome(tuple(performed), tuple(clients), bool(model), bool(kernel), on.source(), trouble)


WORDS = {
    "touch": "write again",
    "store": "the VMM stores to",
    "take": "GET takes all",
    "get": "GET",
    "clear": "CLEAR",
    "reset": "RESET",
}


def spoken(act: Act) -> str:
    """`CLEAR {0}`: an act as a report shows it."""
    word = WORDS.get(act.kind, act.kind)
    if act.kind in ("get", "take"):
        return word
    if act.kind == "harvest":
        return f"harvest vCPU {act.who}"
    return f"{word} all ones" if act.all_ones else f"{word} {page_set(act.pages)}"
