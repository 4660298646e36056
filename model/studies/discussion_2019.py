"""The 2019 discussion, measured: its designs and the weakest safe masks, with one and two clients and other sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from model.designs.catalogue import built_in_properties, load
from model.designs.dirty_log import DirtyLog
from model.expr import NONE, every_client, operation, wait_for
from model.expr.registers import PREFIX
from model.instance.trace import Trace
from model.program.design import record
from model.program.holes import formula, inputs_of, opened, table_of
from model.program.tracing import SomePages
from model.studies.comparison import SEARCH, Candidate, Row, contains, row, shortest
from model.studies.cost import one_sync_a_round, with_device
from model.studies.markov import Expected, expected
from model.studies.questions_2019 import Questions, answers
from model.studies.synthesis import Synthesis, synthesise, unseen
from model.verdict import Proved, Verdict
from model.verify.judge import Judge, Killing

BOTH = "top-layer-and-cache"
DESIGNS = ("naive", "top-layer", BOTH, "per-slot-cache")
OWN = ("top-layer", ("want", "mine", "user"))  # what a client knows without asking below
SHARED = ("per-slot-cache", ("cache", "want", "span"))  # what QEMU's clear has before it
CLIENTS = (1, 2)
SOURCES = ("none", "device")
RATES = (0.5, 0.1, 2.0)  # rows are compared and drawn at the first
COPYING = (0.01, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)  # how often a page is written, from rarely to at nearly every copy
PROOF_SECONDS = 600.0  # a proof takes a few; a slow machine must not change the page


class GetClears(DirtyLog):
    """Before the series: KVM_GET_DIRTY_LOG clears what it reports, long before the page is read.

    Source: Linux Documentation/virt/kvm/api.rst 4.8, "The bits in the dirty bitmap are cleared before the ioctl
    returns, unless KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 is enabled."
    """

    @operation
    def sync(s: Any, me: Any) -> None:
        s.user[every_client] |= s.kernel
        s.kernel = NONE

    @operation
    def send(s: Any, me: Any, want: SomePages) -> None:
        wait_for(want <= s.mine[me])
        DirtyLog.read(s, me, want)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Mask:
    """What the synthesiser says of the clear's mask, over some inputs.

    Attributes:
        text: a greatest safe mask, in the words of the design.
        safe, fillings: how many are safe of how many there are.
        ones: the trace that kills all ones.
    """

    clients: int
    source: str
    base: str
    inputs: tuple[str, ...]
    text: str
    candidate: Candidate
    safe: int
    fillings: int
    ones: Killing | None


@dataclass(frozen=True)
class Careless:
    """A device that marks MIGRATION's bitmap only: moves to a broken promise, and to a lost write."""

    design: str
    broken: Trace | None
    loss: Trace | None


@dataclass(frozen=True)
class Answer:
    """All that was found.

    Attributes:
        blind: a shortest trace of top-layer with one client that clears a bit that nobody was told of.
        two_pages: what the cache and the AND cost with two pages and one client, on any schedule.
        copying: what a GET that clears and the cache cost beside a device, one sync a round, at each rate of writing.
        crossing: the rate at which both make as many redundant copies, or None where one always makes fewer.
    """

    rows: tuple[Row, ...]
    masks: tuple[Mask, ...]
    careless: tuple[Careless, ...]
    blind: Trace | None
    two_pages: Mapping[str, Expected]
    copying: tuple[tuple[Expected, Expected], ...]
    crossing: float | None
    questions: Questions

    def row(self, design: str, clients: int, source: str = "none") -> Row:
        return next(r for r in self.rows if (r.design, r.clients, r.source) == (design, clients, source))

    def found(self, base: str, clients: int, source: str = "none") -> tuple[Mask, ...]:
        """The greatest safe masks over one set of inputs."""
        return tuple(m for m in self.masks if (m.base, m.clients, m.source) == (base, clients, source))


def answer(pages: int = 2, rates: Sequence[float] = RATES, seconds: float = PROOF_SECONDS) -> Answer:
    """Search, measure and prove everything; expected numbers are those of one page, where the chain is solved.

    Args:
        seconds: for each proof; 0 asks for none.

    Raises:
        Unsettled: a search ended at a limit.
    """
    known = [Candidate("get-clears", GetClears), *(Candidate(name, load(name)) for name in DESIGNS)]
    masks = [m for count, source in product(CLIENTS, SOURCES) for m in weakest(count, source)]
    proofs = _Proofs(seconds)
    rows = []
    for count, source in product(CLIENTS, SOURCES):
        own = [m.candidate for m in masks if (m.clients, m.source) == (count, source)]
        for each in [*known, *own]:
            proof = proofs.of(each, source)
            rows.append(row(each, count, source, pages=pages, rates=rates, average_pages=1, proof=proof))
    top = record(load("top-layer"))
    return Answer(
        rows=tuple(rows),
        masks=tuple(masks),
        careless=tuple(careless(name) for name in DESIGNS),
        blind=shortest(built_in_properties()["no_blind_clear"], top, 1, 1),
        two_pages={n: expected(record(load(n)), 2, 1, rates=rates[:1], seed=1)[0] for n in ("per-slot-cache", BOTH)},
        copying=copying(COPYING),
        crossing=crossing(COPYING[0], COPYING[-1]),
        questions=answers(seconds),
    )


def copying(rates: Sequence[float]) -> tuple[tuple[Expected, Expected], ...]:
    """(where GET clears, with the per-slot cache) beside a device, one client, one sync a round, at each rate."""
    both = (Candidate("get-clears", GetClears), Candidate("per-slot-cache", load("per-slot-cache")))
    costs = [expected(one_sync_a_round(each.program("device")), 1, 1, rates=rates, seed=1) for each in both]
    return tuple(zip(*costs, strict=True))


def crossing(low: float, high: float) -> float | None:
    """The rate between the two at which the cache stops to make fewer redundant copies than a GET that clears."""

    def better(rate: float) -> bool:
        ((before, after),) = copying((rate,))
        return after.redundant.mean < before.redundant.mean

    if better(low) == better(high):
        return None
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if better(middle) == better(low) else (low, middle)
    return (low + high) / 2


def careless(design: str) -> Careless:
    """The design with a device that tells one of two clients."""
    program, known = record(with_device(load(design), tells_one=True)), built_in_properties()
    broken, loss = (shortest(known[name], program, 1, 2) for name in ("promise_kept", "no_lost_write"))
    return Careless(design, broken, loss)


# ---------------------------------------------------------------- the weakest safe masks


def weakest(clients: int, source: str) -> Iterator[Mask]:
    """The greatest safe masks over what a client has, and over what the slot's cache adds; not the empty one.

    Where no other mask is safe, the empty one is given.
    """
    for design, inputs in (OWN, SHARED):
        judge = Judge([built_in_properties()["no_lost_write"]], _scopes(design, clients), SEARCH)
        whole = Candidate(design, load(design)).program(source)
        found = synthesise(opened(whole, inputs)[0], judge)
        masks = [_mask(found, table, design, clients, source) for table in found.greatest]
        clearing = {m.text: m for m in masks if m.text != "NONE"}
        yield from clearing.values() or masks[:1]


def _scopes(design: str, clients: int) -> tuple[tuple[int, int], ...]:
    """Sizes to search; the greatest masks over the cache are proved, those over a client's own sets are not."""
    largest = [(2, clients)] if design == OWN[0] else []
    return tuple(dict.fromkeys([(1, 1), (1, clients), (2, 1), *largest]))


def _mask(found: Synthesis, table: int, design: str, clients: int, source: str) -> Mask:
    """The mask as it is shown: rows that no state looks up are as the shorter text has them."""
    blank = unseen(found, table)
    text = found.hole.text(table, blank)
    inputs = inputs_of(found.program)
    shown = table_of(formula(table, inputs, blank), inputs)
    asked = dict((OWN, SHARED))[design]
    return Mask(
        clients=clients,
        source=source,
        base=design,
        inputs=asked,
        text=text,
        candidate=Candidate(f"mask {text.replace(PREFIX, '').replace('[me]', '')}", load(design), asked, shown),
        safe=len(found.safe),
        fillings=1 << found.hole.rows,
        ones=found.killer((1 << found.hole.rows) - 1),
    )


# ---------------------------------------------------------------- proofs for any number


class _Proofs:
    """Proofs that nothing is lost, for any number of pages and clients, each asked for once.

    The program with the device is proved: it has every run of the program without it. What loses with one page and two
    clients is not tried.
    """

    def __init__(self, seconds: float) -> None:
        self.rule, self.seconds = built_in_properties()["no_lost_write"], seconds
        self.found: dict[str, Verdict | None] = {}

    def of(self, candidate: Candidate, source: str) -> Proved | None:
        """The proof for the candidate with this other source, or None where there is none."""
        if not self.seconds:
            return None
        larger = candidate.program("device")
        if larger.digest not in self.found:
            lost = shortest(self.rule, larger, 1, 2)
            self.found[larger.digest] = None if lost else Judge([self.rule]).proof(larger, self.seconds)
        proof = self.found[larger.digest]
        return proof if isinstance(proof, Proved) and contains(larger, candidate.program(source)) else None
