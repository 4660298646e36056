"""What our figures make of each claim of May 2019: each sentence is chosen by the verdicts and filled with numbers."""

from __future__ import annotations

from model.instance.trace import Trace
from model.studies.comparison import Row, proved
from model.studies.cost import tally
from model.studies.discussion_2019 import OWN, SHARED, Answer, Mask
from model.verify.wording import plural
from reports.pages.costs import ratio

HOLDS, PARTLY, FAILS = "holds", "holds in part", "does not hold"


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


def unsure(found: Answer) -> tuple[str, str]:
    naive, top = found.row("naive", 1), found.row("top-layer", 1)
    text = f"Clearing all ones {safety(naive)}."
    if found.blind and top.safe:
        text += (
            f" As a rule it asks for more than safety needs: top-layer with one client clears a bit that nobody was "
            f"told of in {plural(len(found.blind), 'move')}, and is {safety(top)}, for it reads what it has cleared."
        )
    return (HOLDS if naive.loss else FAILS), text


def own_bitmap(found: Answer) -> tuple[str, str]:
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


def twice(found: Answer) -> tuple[str, str]:
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


def race(found: Answer) -> tuple[str, str]:
    two = found.row("top-layer", 2)
    text = f"Top-layer {_many(two)} {'is ' if two.safe else ''}{safety(two)}."
    return (FAILS if two.safe else HOLDS), text


def both(found: Answer) -> tuple[str, str]:
    two = found.row("top-layer-and-cache", 2)
    device = found.row("top-layer-and-cache", 2, "device")
    text = f"Top-layer AND cache {_many(two)} {'is ' if two.safe else ''}{safety(two)}"
    text += f"; with the device it {'is ' if device.safe else ''}{safety(device)}."
    return _all(two.safe, device.safe), text


def simpler(found: Answer) -> tuple[str, str]:
    groups = [(c, s) for c in (1, 2) for s in ("none", "device")]
    pairs = [(found.row("top-layer-and-cache", *g), found.row("per-slot-cache", *g)) for g in groups]
    same = all(
        a.bitmaps == b.bitmaps and a.worst == b.worst and a.worst_in_rounds == b.worst_in_rounds for a, b in pairs
    )
    both, cache = found.two_pages["top-layer-and-cache"], found.two_pages["per-slot-cache"]
    text = (
        f"Bitmaps and worst cases are {'the same' if same else 'not the same'} with one and two clients, with and "
        f"without the device. With one page there is nothing else to compare, for the range is the page; with two "
        f"pages and one client (any schedule, rate {both.rate:g}) the AND takes {both.copies} copies and {both.clears} "
        f"CLEARs for each write, the cache alone {cache.copies} and {cache.clears}: a page that the wider clear did "
        "not take is reported once more."
    )
    return _all(same, both.copies.mean >= cache.copies.mean), text


def shipped(found: Answer) -> tuple[str, str]:
    two, device = found.row("per-slot-cache", 2), found.row("per-slot-cache", 2, "device")
    text = f"Per-slot cache {_many(two)} {'is ' if two.safe else ''}{safety(two)}; with the device it "
    text += f"{'is ' if device.safe else ''}{safety(device)}."
    for masks in (found.found(SHARED[0], 2), found.found(SHARED[0], 1)):
        if masks:
            text += f" {_masks(masks)}"
    return _all(two.safe, device.safe), text


def before(found: Answer) -> tuple[str, str]:
    before, after = found.row("get-clears", 1, "device"), found.row("per-slot-cache", 1, "device")
    plain, later = found.row("get-clears", 1), found.row("per-slot-cache", 1)
    gone = plain.in_rounds is not None and later.in_rounds is None
    worst = [_ratio(r) for r in (before, after)]
    text = (
        f"With the device and one sync a round, {_copy(before.in_rounds)} where GET clears, at worst {_worst(before)} "
        f"for each write, and {_worst(after)} with the per-slot cache. Without the device {_copy(plain.in_rounds)} "
        f"where GET clears, and {_copy(later.in_rounds)} with the per-slot cache. On average, with the device: "
        f"{_rates_of(found)}."
    )
    return _all(before.in_rounds is not None, gone, worst[1] <= worst[0]), text


def _ratio(r: Row) -> float:
    found = r.worst_in_rounds["redundant", "writes"]
    return float("inf") if found is None else float(found)


def _rates_of(found: Answer) -> str:
    """Which of the two copies more, by how often a page is written."""
    shown = ", ".join(f"{a.rate:g}: {a.redundant} and {b.redundant}" for a, b in found.copying)
    text = f"redundant copies for each write, by the rate of writing, where GET clears and with the cache: {shown}"
    if found.crossing is None:
        return text
    return (
        f"{text}. Below a rate of {found.crossing:.2f} (a page is written less than once in "
        f"{1 / found.crossing:.0f} operations of the client, as in a migration that converges) the cache copies less; "
        "above it the page is new at nearly every copy and both figures are small"
    )


def superset(found: Answer) -> tuple[str, str]:
    one, two = found.found(OWN[0], 1), found.found(OWN[0], 2)
    empty = {m.text for m in two} == {"NONE"}
    wide = any("mine" in m.text for m in one)
    text = " ".join(_masks(m) for m in (one, two) if m)
    if wide and empty:
        text += (
            " So a superset is safe for the one client that reads all of it later, and not for another that does not."
        )
    return _all(wide, not empty), text
