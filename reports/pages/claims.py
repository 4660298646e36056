"""What was claimed in the discussion of May 2019, and what our figures make of each claim.

The words of a claim are quoted from its source. What becomes of it is computed: each sentence here is chosen by the
verdicts and filled with the numbers of the results, so that other results give another text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from model.studies.discussion_2019 import Answer
from reports.pages import links, settling
from reports.pages.settling import HOLDS, PARTLY

MARKS = {
    "S": "read in the source",
}


@dataclass(frozen=True)
class Claim:
    """One claim.

    Attributes:
        said: what was claimed; the author's own words stand in quotation marks.
        address: where it can be read.
        mark: how certain it is that it was said, a key of MARKS.
        settle: one of HOLDS, PARTLY, FAILS, and why.
        judged: the verdict in words, by what `settle` says; what is not there is said by that word itself.
    """

    who: str
    when: str
    source: str
    address: str
    mark: str
    said: str
    settle: Callable[[Answer], tuple[str, str]]
    judged: Mapping[str, str]


@dataclass(frozen=True)
class Settled:
    """A claim and what becomes of it."""

    claim: Claim
    word: str
    text: str

    @property
    def judged(self) -> str:
        """The verdict in words."""
        return self.claim.judged.get(self.word, self.word)


def settled(found: Answer) -> list[Settled]:
    """Every claim, in the order of the discussion."""
    return [Settled(claim, *claim.settle(found)) for claim in CLAIMS]


MAIL = "qemu-devel, Re: [PATCH 00/11] kvm/migration: support KVM_CLEAR_DIRTY_LOG"


def _mailed(
    who: str,
    when: str,
    said: str,
    settle: Callable[[Answer], tuple[str, str]],
    judged: Mapping[str, str],
    source: str = MAIL,
) -> Claim:
    """A claim of a mail; who wrote it, and the hour in its header, name the mail."""
    return Claim(who, when, source, links.mail(f"{who} {when[11:16]}"), "S", said, settle, judged)


CLAIMS = (
    Claim(
        "Peter Xu",
        "2019-04-16",
        "xzpeter/qemu, branch kvm-clear-dirty-log-v1, commit ebd1e5c410",
        links.address("ebd1e5c410"),
        "S",
        "rb->bmap “can be a superset of the real bitmap to clear on remote node, however that should be safe because "
        "the worst case is we'll get some redundant dirty bits later on”",
        settling.superset,
        {PARTLY: "right for the client that owns the bitmap, of which the message speaks; a second client needs more"},
    ),
    Claim(
        "Peter Xu",
        "2019-05-08",
        "qemu-devel, [PATCH 00/11] kvm/migration: support KVM_CLEAR_DIRTY_LOG, cover letter",
        links.mail("cover letter"),
        "S",
        "“we can't clear any dirty bit from QEMU if we are not _sure_ that the bit is dirty in the kernel”",
        settling.unsure,
        {HOLDS: "right, and more cautious than safety needs"},
    ),
    _mailed(
        "Paolo Bonzini",
        "2019-05-08 12:09 +0200",
        "“Would it be possible to invoke the clear using rb->bmap instead of the KVMSlot's new bitmap?”",
        settling.own_bitmap,
        {PARTLY: "yes with one user of the log; with two it is the race of the answer"},
    ),
    _mailed(
        "Paolo Bonzini",
        "2019-05-08 12:09 +0200",
        "“you won't clear in the kernel those dirty bits that come from other sources (e.g. vhost or "
        "address_space_map). This can lead to double-copying of pages.”",
        settling.twice,
        {HOLDS: "right, and bounded"},
    ),
    _mailed(
        "Peter Xu",
        "2019-05-08 19:39 +0800",
        "with two users of the log, clearing by the upper layer's own bitmap loses a write: “this is data loss...”",
        settling.race,
        {HOLDS: "right, and no interleaving is shorter"},
        source=f"{MAIL}, steps (1) to (8)",
    ),
    _mailed(
        "Peter Xu",
        "2019-05-08 19:39 +0800",
        "“I'll need to AND the two bitmaps (upper layer bitmap, and the QEMU kvm cached bitmap) to avoid the above "
        "race”",
        settling.both,
        {HOLDS: "right: with the AND the race is gone"},
    ),
    _mailed(
        "Peter Xu",
        "2019-05-08 19:39 +0800",
        "of the top layer's bitmap beside the cache: “it seems to not bring much benefit but instead it'll bring lots "
        "of more complexity”",
        settling.simpler,
        {HOLDS: "right: it buys no safety and costs a few copies"},
    ),
    _mailed(
        "Paolo Bonzini",
        "2019-05-08 13:55 +0200",
        "“I see now. And in fact the same double-copying inefficiency happens already without this series, so you are "
        "improving the situation anyway.”",
        settling.before,
        {HOLDS: "right: it happened before, and less of it is left"},
    ),
    Claim(
        "Peter Xu",
        "QEMU 4.1",
        "QEMU ff4aa11419, accel/kvm/kvm-all.c, kvm_physical_log_clear(); since 4222147dfb kvm_log_clear_one_slot()",
        links.address("ff4aa11419"),
        "S",
        "“we must guarantee that we won't clear any unknown dirty bits”",
        settling.shipped,
        {HOLDS: "right, and the cache guarantees it"},
    ),
)


def texts(found: Answer) -> Iterator[str]:
    """Each settled claim as a line."""
    for each in settled(found):
        yield f"{each.claim.who}, {each.claim.when}: {each.judged}. {each.text}"
