"""What was claimed in the discussion of May 2019, and what our figures make of each claim.

The words of a claim are quoted from its source. What becomes of it is computed: each sentence here is chosen by the
verdicts and filled with the numbers of the results, so that other results give another text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from model.instance.trace import Trace
from model.studies.comparison import EXACT, Row, measures, proved
from model.studies.cost import tally
from model.studies.discussion_2019 import OWN, SHARED, Answer, Mask
from model.verify.wording import plural
from reports.pages.costs import ratio

HOLDS, PARTLY, FAILS = "holds", "holds in part", "does not hold"
MARKS = {
    "S": "seen in the source",
    "A": "in the source almost word for word",
}


@dataclass(frozen=True)
class Claim:
    """One claim.

    Attributes:
        said: what was claimed; the author's own words stand in quotation marks.
        mark: how certain it is that it was said, a key of MARKS.
        settle: one of HOLDS, PARTLY, FAILS, and why.
    """

    who: str
    when: str
    source: str
    mark: str
    said: str
    settle: Callable[[Answer], tuple[str, str]]


@dataclass(frozen=True)
class Settled:
    """A claim and what becomes of it."""

    claim: Claim
    word: str
    text: str


def settled(found: Answer) -> list[Settled]:
    """Every claim, in the order of the discussion."""
    return [Settled(claim, *claim.settle(found)) for claim in CLAIMS]


# ---------------------------------------------------------------- sentences that several claims use


def safety(r: Row) -> str:
    """`safe, proved for any number of pages and clients`, or how it loses."""
    if r.loss is not None:
        size = f"{plural(r.loss.instance.pages, 'page')}, {plural(r.clients, 'client')}"
        return f"loses a write in {plural(len(r.loss), 'move')} ({size})"
    if proved(r.proof):
        return "safe, proved for any number of pages and clients"
    return f"safe in every state with up to {plural(r.pages, 'page')} and {plural(r.clients, 'client')}"


def _copy(trace: Trace | None) -> str:
    if trace is None:
        return "no redundant copy is reachable"
    count = tally(trace)
    counted = f"{plural(count.writes, 'write')}, {count.copies} copies of which {count.redundant} redundant"
    return f"a redundant copy is reached in {plural(len(trace), 'move')} ({counted})"


def _all(*verdicts: bool) -> str:
    return HOLDS if all(verdicts) else PARTLY if any(verdicts) else FAILS


def _many(r: Row) -> str:
    return f"with {plural(r.clients, 'client')}"


# ---------------------------------------------------------------- what becomes of each claim


def _unsure(found: Answer) -> tuple[str, str]:
    naive, top = found.row("naive", 1), found.row("top-layer", 1)
    text = f"Clearing all ones {safety(naive)}."
    if found.blind and top.safe:
        text += (
            f" As a rule it asks for more than safety needs: top-layer with one client clears a bit that nobody was "
            f"told of in {plural(len(found.blind), 'move')}, and is {safety(top)}, for it reads what it has cleared."
        )
    return (HOLDS if naive.loss else FAILS), text


def _own_bitmap(found: Answer) -> tuple[str, str]:
    one, two = found.row("top-layer", 1), found.row("top-layer", 2)
    text = f"Top-layer {_many(one)} is {safety(one)}; " if one.safe else f"Top-layer {_many(one)} {safety(one)}; "
    text += f"{_many(two)} it {'is ' if two.safe else ''}{safety(two)}."
    masks = found.found(OWN[0], 2)
    if masks:
        text += f" {_masks(masks)}"
    return _all(one.safe, two.safe), text


def _masks(masks: tuple[Mask, ...]) -> str:
    first = masks[0]
    over = ", ".join(first.inputs)
    scope = f"with {plural(first.clients, 'client')}"
    if {m.text for m in masks} == {"NONE"}:
        return f"No mask over a client's own sets ({over}) is safe {scope}, except the empty one."
    names = " and ".join(f"“{m.text}”" for m in masks)
    return f"Of all {first.fillings} masks over {over} the greatest safe one {scope} is {names}."


def _twice(found: Answer) -> tuple[str, str]:
    alone, device = found.row("per-slot-cache", 1), found.row("per-slot-cache", 1, "device")
    top = found.row("top-layer", 1, "device")
    text = (
        f"Per-slot cache {_many(device)} and one sync a round: {_copy(device.in_rounds)} with the device, and without "
        f"it {_copy(alone.in_rounds)}. With the device there are at worst {_worst(device)} redundant copies for each "
        f"write, on average {_rates(device)}. Top-layer with the device: {_copy(top.in_rounds)}; at worst "
        f"{_worst(top)}, on average {_rates(top)}. With more syncs: {_copy(top.redundant)}."
    )
    return _all(device.in_rounds is not None, alone.in_rounds is None, top.safe and top.in_rounds is None), text


def _worst(r: Row) -> str:
    return ratio(r.worst_in_rounds["redundant", "writes"])


def _rates(r: Row) -> str:
    return ", ".join(f"{e.redundant} (rate {e.rate:g})" for e in r.expected_in_rounds)


def _race(found: Answer) -> tuple[str, str]:
    two = found.row("top-layer", 2)
    text = f"Top-layer {_many(two)} {'is ' if two.safe else ''}{safety(two)}."
    return (FAILS if two.safe else HOLDS), text


def _both(found: Answer) -> tuple[str, str]:
    two = found.row("top-layer-and-cache", 2)
    device = found.row("top-layer-and-cache", 2, "device")
    text = f"Top-layer AND cache {_many(two)} {'is ' if two.safe else ''}{safety(two)}"
    text += f"; with the device it {'is ' if device.safe else ''}{safety(device)}."
    return _all(two.safe, device.safe), text


def _simpler(found: Answer) -> tuple[str, str]:
    groups = [(c, s) for c in (1, 2) for s in ("none", "device")]
    pairs = [(found.row("top-layer-and-cache", *g), found.row("per-slot-cache", *g)) for g in groups]
    same = all(
        a.bitmaps == b.bitmaps and a.worst == b.worst and a.worst_in_rounds == b.worst_in_rounds for a, b in pairs
    )
    gap = max(
        abs(x.mean - y.mean)
        for a, b in pairs
        for rounds in (False, True)
        for x, y in zip(measures(a, rounds=rounds), measures(b, rounds=rounds), strict=True)
    )
    text = (
        f"Bitmaps and worst cases are {'the same' if same else 'not the same'} with one and two clients, with and "
        f"without the device; expected redundant copies and ioctls differ by at most {gap:.3f} for each write, with "
        "one page."
    )
    return _all(same, gap < 0.0005), text


def _shipped(found: Answer) -> tuple[str, str]:
    two, device = found.row("per-slot-cache", 2), found.row("per-slot-cache", 2, "device")
    text = f"Per-slot cache {_many(two)} {'is ' if two.safe else ''}{safety(two)}; with the device it "
    text += f"{'is ' if device.safe else ''}{safety(device)}."
    for masks in (found.found(SHARED[0], 2), found.found(SHARED[0], 1)):
        if masks:
            text += f" {_masks(masks)}"
    return _all(two.safe, device.safe), text


def _before(found: Answer) -> tuple[str, str]:
    before, after = found.row("get-clears", 1, "device"), found.row("per-slot-cache", 1, "device")
    plain, later = found.row("get-clears", 1), found.row("per-slot-cache", 1)
    gone = plain.in_rounds is not None and later.in_rounds is None
    pairs = zip(before.expected_in_rounds, after.expected_in_rounds, strict=True)
    more = [f"{b.rate:g}" for a, b in pairs if b.redundant.low > a.redundant.high + EXACT]
    text = (
        f"With the device and one sync a round, {_copy(before.in_rounds)} where GET clears. Without the device "
        f"{_copy(plain.in_rounds)} where GET clears, and {_copy(later.in_rounds)} with the per-slot cache. On average, "
        f"with the device, there are {_rates(before)} redundant copies for each write where GET clears and "
        f"{_rates(after)} with the per-slot cache: {'more at rate ' + ', '.join(more) if more else 'not more'}."
    )
    return _all(before.in_rounds is not None, gone, not more), text


def _superset(found: Answer) -> tuple[str, str]:
    one, two = found.found(OWN[0], 1), found.found(OWN[0], 2)
    empty = {m.text for m in two} == {"NONE"}
    wide = any("mine" in m.text for m in one)
    text = " ".join(_masks(m) for m in (one, two) if m)
    if wide and empty:
        text += (
            " So a superset is safe for the one client that reads all of it later, and not for another that does not."
        )
    return _all(wide, not empty), text


MAIL = "qemu-devel, re: [PATCH 00/11] kvm/migration: support KVM_CLEAR_DIRTY_LOG"
CLAIMS = (
    Claim(
        "Peter Xu",
        "2019-04-16",
        "xzpeter/qemu, branch kvm-clear-dirty-log-v1, commit ebd1e5c410",
        "S",
        "rb->bmap “can be a superset of the real bitmap to clear on remote node, however that should be safe because "
        "the worst case is we'll get some redundant dirty bits later on”",
        _superset,
    ),
    Claim(
        "Peter Xu",
        "2019-05-08",
        "qemu-devel, [PATCH 00/11] kvm/migration: support KVM_CLEAR_DIRTY_LOG, cover letter",
        "S",
        "“we can't clear any dirty bit from QEMU if we are not _sure_ that the bit is dirty in the kernel”",
        _unsure,
    ),
    Claim(
        "Paolo Bonzini",
        "2019-05-08 12:09 +0200",
        MAIL,
        "S",
        "“Would it be possible to invoke the clear using rb->bmap instead of the KVMSlot's new bitmap?”",
        _own_bitmap,
    ),
    Claim(
        "Paolo Bonzini",
        "2019-05-08 12:09 +0200",
        MAIL,
        "S",
        "bits from other sources (vhost, address_space_map) are not cleared in the kernel: “double-copying of pages”",
        _twice,
    ),
    Claim(
        "Peter Xu",
        "2019-05-08 19:39 +0800",
        f"{MAIL}, steps (1) to (8)",
        "S",
        "with two users of the log, clearing by the upper layer's own bitmap loses a write",
        _race,
    ),
    Claim(
        "Peter Xu",
        "2019-05-08 19:39 +0800",
        MAIL,
        "S",
        "“I'll need to AND the two bitmaps (upper layer bitmap, and the QEMU kvm cached bitmap) to avoid the above "
        "race”",
        _both,
    ),
    Claim(
        "Peter Xu",
        "2019-05-08 19:39 +0800",
        MAIL,
        "A",
        "the AND was dropped: complexity without benefit over the cache alone",
        _simpler,
    ),
    Claim(
        "Paolo Bonzini",
        "2019-05-08 13:55 +0200",
        MAIL,
        "S",
        "“I see now. And in fact the same double-copying inefficiency happens already without this series, so you are "
        "improving the situation anyway.”",
        _before,
    ),
    Claim(
        "Peter Xu",
        "QEMU 4.1",
        "QEMU ff4aa11419, accel/kvm/kvm-all.c, kvm_physical_log_clear(); since 4222147dfb kvm_log_clear_one_slot()",
        "S",
        "“we must guarantee that we won't clear any unknown dirty bits”",
        _shipped,
    ),
)


def texts(found: Answer) -> Iterator[str]:
    """Each settled claim as a line."""
    for each in settled(found):
        yield f"{each.claim.who}, {each.claim.when}: {each.word}. {each.text}"
