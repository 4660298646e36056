"""Questions of the mails of 2019 that nobody answered, answered: chosen by what was found, filled with its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from model.studies.comparison import Row
from model.studies.discussion_2019 import OWN, SHARED, Answer
from model.studies.questions_2019 import Question
from model.verify.wording import plural
from reports.pages.costs import ratio
from reports.pages.replays import recordings
from reports.pages.settling import safety


@dataclass(frozen=True)
class Answered:
    """A question, the words of the mail that it is about, and its answer."""

    question: str
    said: str
    answer: str


def lead(found: Answer) -> list[str]:
    """The answer to the discussion in five sentences."""
    one, two = found.row("top-layer", 1), found.row("top-layer", 2)
    cache, both = found.row("per-slot-cache", 2, "device"), found.row("top-layer-and-cache", 2, "device")
    cost, anded = found.two_pages["per-slot-cache"], found.two_pages["top-layer-and-cache"]
    return [
        f"Clearing by each client's own bitmap, as Paolo Bonzini proposed, {_loses(one)} with one user of the log, and "
        f"with two it {_loses(two)}: the race of Peter Xu's mail.",
        f"What was merged, the per-slot cache, {_is(cache)}, also where a device marks pages beside KVM; and so "
        f"{'is' if both.safe else 'is not'} the AND of both bitmaps.",
        f"The double copying is real: with such a device at worst {_worst(found, 'per-slot-cache')} redundant copies "
        f"for each write, where it was {_worst(found, 'get-clears')} before the series, when GET cleared; without a "
        f"device {_copies(found.row('per-slot-cache', 1))}, where before {_copies(found.row('get-clears', 1))}.",
        f"The AND buys no safety: with two pages it takes {anded.copies} copies for each write where the cache alone "
        f"takes {cost.copies}, and {anded.clears} CLEARs instead of {cost.clears}.",
        f"Of all masks made of a client's own bitmaps alone the weakest that is safe with two users is "
        f"{_weakest(found, OWN[0])}; of all masks over what QEMU's clear has before it, {_weakest(found, SHARED[0])}.",
    ]


def _is(row: Row) -> str:
    said = safety(row)
    return f"is {said}" if said.startswith("safe") else said


def _loses(row: Row) -> str:
    if row.loss is None:
        return f"loses nothing (every state with up to {plural(row.pages, 'page')})"
    return f"loses a write in {plural(len(row.loss), 'move')}"


def _worst(found: Answer, design: str) -> str:
    return ratio(found.row(design, 1, "device").worst_in_rounds["redundant", "writes"])


def _copies(row: Row) -> str:
    return "no page is copied in vain" if row.in_rounds is None else "one can be copied in vain"


def _weakest(found: Answer, base: str) -> str:
    names = [m.text for m in found.found(base, 2)]
    return " and ".join("the empty one" if n == "NONE" else f"“{n}”" for n in names) or "none"


def answered(found: Answer) -> Iterator[Answered]:
    """In the order of the mails."""
    q, naive = found.questions, found.row("naive", 1)
    broken = next((r for r in recordings() if "on purpose" in r.vmm), None)
    yield Answered(
        "Why a guest oops, and not a wrong byte somewhere?",
        "“but then I encountered guest oops”",
        f"All ones {safety(naive)}: it needs neither a display nor a second round. What is lost is whatever was "
        "written between the sync and the clear, and the pages for which that is likeliest are those that the guest's "
        "kernel writes all the time: page tables, slabs, stacks. The destination runs with their old content beside "
        "newer neighbours (our reasoning). "
        + (f"{broken.vmm} in this way: {broken.how}; differing pages: {broken.differing}." if broken else ""),
    )
    yield Answered(
        "What does the conversion between RAM blocks and memory slots endanger?",
        "“upper layer bitmaps are per ramblock, and kvm bitmaps are per memslot”",
        f"Nothing, if it is done: two slots over one block, the second with an offset, writes through either, "
        f"{_size(q.slots)}: {_outcome(q.slots)}. The cache needs it for ranges only; clearing by the block's bitmap "
        "would have to shift whole bitmaps as well. Forgotten for the second slot, it costs a write: "
        f"{_outcome(q.unconverted)} ({_size(q.unconverted)}).",
    )
    yield Answered(
        "What of bits from vhost and address_space_map, merged into the same bitmaps?",
        "“let's just make it simpler to not have them yet”",
        f"They are marked at unmap, after the store. With the per-slot cache {_size(q.mapped)}: {_outcome(q.mapped)}"
        f"{', and proved for any number of pages and clients' if q.mapped_anywhere else ''}, as long as the device has "
        "unmapped before the last sync, which the stop of the VM waits for. Marked when the page is mapped, before the "
        f"store, {_outcome(q.marked_first)}. A mark that reaches one client only breaks the promise to the others at "
        "once (see below).",
    )
    before = found.row("get-clears", 2)
    yield Answered(
        "Is MANUAL_PROTECT the reason for the race?",
        "“D is not cleared in KVM due to MANUAL_PROTECT cap”",
        f"It opens the window. Where GET clears, a report exists once: get-clears with 2 clients {_is(before)}. With "
        "manual protection the same report is handed out until somebody clears it, so two clients can act on one "
        "report, and the second of them after a newer write. What it buys is that the clear stands next to the copy: "
        "without another source of dirty pages, and one sync a round, no page is copied in vain.",
    )


def _size(q: Question) -> str:
    return f"at {plural(q.pages, 'page')} and {plural(q.clients, 'client')}"


def _outcome(q: Question) -> str:
    if q.moves:
        return f"a write is lost in {plural(q.moves, 'move')}"
    return f"safe in every one of {q.states:,} states"
