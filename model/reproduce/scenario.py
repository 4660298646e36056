"""What a loss on a real QEMU is made of, as data: memory, guest, and how the migration is steered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import NamedTuple

from model.reproduce.guest import FRAME_BUFFER, MODE, RANDOM, SCREEN, WRITER, firmware, mode

PAGE = 4096
MIB = 1 << 20


class Area(NamedTuple):
    """Guest memory: a physical address and a number of pages."""

    at: int
    pages: int


NOWHERE = Area(MIB, 0)


@dataclass(frozen=True)
class Change:
    """What is done to a migration once so much time and so many rounds have gone by.

    Attributes:
        seconds, rounds: since it began; QEMU's `dirty-sync-count`.
        bandwidth: bytes a second from now on; None leaves it.
        downtime: milliseconds for which the guest may stand still.
        stop_also: the guest writes the watched pages only from now on.
    """

    seconds: float = 0.0
    rounds: int = 0
    bandwidth: int | None = None
    downtime: int | None = None
    stop_also: bool = False


OPEN = Change(seconds=30, bandwidth=400 * MIB, downtime=300)  # so that a migration that loses nothing ends as well


@dataclass(frozen=True)
class Case:
    """One kind of migration.

    Attributes:
        says: what is done, in a few words.
        control: nothing may be lost here, whichever QEMU it is.
        share: the part of the runs asked for that it gets, rounded up; 0 is a single run.
        blocks: MiB of each RAM block; more than one are NUMA nodes.
        watched: pages that the guest writes to the end.
        also: pages that it writes until it is told to stop.
        filled: pages that are written once before that, so that they have to be sent.
        capabilities: of the migration, on both sides.
        options: of QEMU, besides the memory.
        pause: processor cycles from a write to the next, which is to any of the watched pages; 0: round and round.
        screen: width and height of a screen whose memory is watched.
        drawn: it is drawn all the time, so that the display is a second client.
    """

    name: str
    says: str
    watched: Area
    control: bool = False
    share: float = 1.0
    blocks: tuple[int, ...] = (128,)
    also: Area = NOWHERE
    filled: Area = NOWHERE
    bandwidth: int = 20 * MIB
    downtime: int = 20
    changes: tuple[Change, ...] = (OPEN,)
    capabilities: tuple[str, ...] = ()
    options: tuple[str, ...] = ("-accel", "tcg")
    pause: int = 0
    screen: tuple[int, int] | None = None
    drawn: bool = False

    def runs(self, asked: int) -> int:
        return max(1, ceil(asked * self.share))

    @property
    def firmware(self) -> bytes:
        if not self.pause:
            return firmware(WRITER, (*self.filled, *self.also, *self.watched))
        words = (*self.filled, self.watched.at, (self.watched.pages - 1) * PAGE, self.pause)
        if not self.screen:
            return firmware(RANDOM, words)
        return firmware(SCREEN + RANDOM, (*words, *(0,) * (MODE - len(words)), *mode(*self.screen)))


@dataclass(frozen=True)
class Scenario:
    """A loss that a design of the gallery predicts, and the cases that show it.

    Attributes:
        says: what goes wrong.
        designs: those of the gallery that predict it.
        since: the first QEMU that has it, and what brought it; None where only a QEMU broken on purpose has it.
        until: the first QEMU that has it no more, and what mended it.
        older: the scenario of what a QEMU before `since` has instead.
        aborts: what QEMU says where it notices by itself.
        kvm: it needs /dev/kvm.
    """

    name: str
    says: str
    designs: tuple[str, ...]
    cases: tuple[Case, ...]
    since: tuple[int, int] | None = None
    brought_by: str = ""
    until: tuple[int, int] | None = None
    mended_by: str = ""
    older: str = ""
    aborts: str = ""
    kvm: bool = False


BEHIND = Area(0x9000000, 256)  # in the second block, whether the first has 64 or 128 MiB
HOT = Area(0x6000000, 64)

ONE_BLOCK = Case(
    name="one-block",
    says="128 MiB, 256 pages are written",
    watched=Area(0x2000000, 256),
    filled=Area(MIB, 8192),
)
SECOND_BLOCK = replace(
    ONE_BLOCK,
    name="second-block",
    says="128 and 128 MiB, 256 pages of the second block are written",
    blocks=(128, 128),
    watched=BEHIND,
)

NO_REARM = Scenario(
    name="qemu-no-rearm",
    says="TCG takes the dirty bits in a sync and re-arms nothing: later writes leave no mark",
    designs=("clear-without-rearm",),
    since=(2, 0),
    brought_by="aa8dc044772",
    until=(9, 0),
    mended_by="03bfc2188f",
    cases=(ONE_BLOCK,),
)

OFFSET = Scenario(
    name="qemu-rearm-offset",
    says="TCG re-arms pages at their offset within the RAM block: writes to all blocks but the first leave no mark",
    designs=("rearm-offset", "rearm-today"),
    since=(9, 0),
    brought_by="03bfc2188f",
    older="qemu-no-rearm",
    aborts="tlb_reset_dirty_range_all",
    cases=(
        SECOND_BLOCK,
        replace(
            SECOND_BLOCK,
            name="uneven-blocks",
            says="64 and 192 MiB, 256 pages of the second block are written",
            share=0,
            blocks=(64, 192),
        ),
        replace(
            SECOND_BLOCK,
            name="first-block",
            says="128 and 128 MiB, 256 pages of the first block are written",
            control=True,
            share=0.5,
            watched=Area(0x4000000, 256),
        ),
    ),
)

SLOW_SECOND_ROUND = (Change(seconds=1.5, stop_also=True), Change(rounds=2, bandwidth=700 << 10), OPEN)

MID_ROUND = Case(
    name="sync-in-mid-round",
    says="auto-converge, the link slowed down in round 2, 64 hot pages",
    capabilities=("auto-converge",),
    watched=HOT,
    also=Area(0x2000000, 4096),
    filled=Area(MIB, (128 * MIB - MIB) // PAGE),
    bandwidth=40 * MIB,
    changes=SLOW_SECOND_ROUND,
)

IF_NEW = Scenario(
    name="qemu-rearm-if-new",
    says="TCG re-arms pages only where a bit was new: pages that wait to be sent are written unmarked afterwards",
    designs=("rearm-if-new", "rearm-today"),
    since=(9, 2),
    brought_by="the periodic sync of auto-converge",
    older="qemu-no-rearm",
    cases=(
        MID_ROUND,
        replace(
            MID_ROUND,
            name="no-sync-in-mid-round",
            says="the same without auto-converge, whose periodic sync falls into the round",
            control=True,
            share=0.5,
            capabilities=(),
        ),
    ),
)

KVM = ("-accel", "kvm", "-cpu", "qemu64,kvm=off", "-global", "migration.x-clear-bitmap-shift=6")

OPEN_SOON = Change(seconds=6, bandwidth=1024 * MIB, downtime=2000)

RANDOM_WRITES = Case(
    name="random-writes",
    says="64 MiB, 4096 pages are written in no order; chunks of 64 pages",
    blocks=(64,),
    watched=Area(32 * MIB, 4096),
    filled=Area(MIB, 31 * MIB // PAGE),
    pause=200_000,
    bandwidth=16 * MIB,
    downtime=1,
    changes=(OPEN_SOON,),
    options=KVM,
)

NAIVE = Scenario(
    name="naive",
    says="every clear is of the whole slot: what was written since the last sync is forgotten",
    designs=("naive",),
    kvm=True,
    cases=(RANDOM_WRITES,),
)

DISPLAY = replace(
    RANDOM_WRITES,
    name="display",
    says="a screen of 1024x768 that is drawn and migrated at once, its memory written in no order; chunks of 64 pages",
    watched=Area(FRAME_BUFFER, 512),
    pause=300_000,
    screen=(1024, 768),
    drawn=True,
    options=(*KVM, "-device", "VGA,addr=2,romfile="),
)

TOP_LAYER = Scenario(
    name="top-layer",
    says="every client clears by its own bitmap: what another has not heard of is forgotten",
    designs=("top-layer",),
    kvm=True,
    cases=(
        DISPLAY,
        replace(
            DISPLAY,
            name="no-display",
            says="the same, and nobody draws: with one client a clear by its own bitmap is safe",
            control=True,
            share=0.5,
            drawn=False,
        ),
    ),
)

SCENARIOS: Mapping[str, Scenario] = {each.name: each for each in (OFFSET, IF_NEW, NO_REARM, NAIVE, TOP_LAYER)}
