"""One migration from a QEMU to another, and the memory of both compared at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, NamedTuple

from model.errors import ModelError
from model.reproduce.guest import STOP_ALSO
from model.reproduce.machine import Died, Machine, Refused, running
from model.reproduce.qemu import Qemu
from model.reproduce.scenario import PAGE, Area, Case, Change

POLL = 0.1
STALE, SAME, ABORTED, UNFINISHED = "stale", "same", "aborted", "unfinished"
MOVING = ("none", "setup", "active", "device", "pre-switchover", "wait-unplug", "postcopy-active", "cancelling")


class Stale(NamedTuple):
    """A page whose contents differ: its number in the watched area, and its first word on both sides."""

    page: int
    source: int
    destination: int


@dataclass(frozen=True)
class Run:
    """What one migration came to.

    Attributes:
        outcome: STALE (completed, and memories differ), SAME, ABORTED (QEMU noticed by itself) or UNFINISHED.
        pages: how many were compared.
        rounds: QEMU's `dirty-sync-count`.
        seconds: from `migrate` to the end.
        said: what QEMU said where it aborted, or why there is no answer.
    """

    case: str
    control: bool
    number: int
    outcome: str
    stale: tuple[Stale, ...] = ()
    pages: int = 0
    rounds: int = 0
    seconds: float = 0.0
    said: str = ""


@dataclass
class Course:
    """How far a migration has come; `text` is for the terminal."""

    what: str
    began: float = 0.0
    state: dict[str, Any] | None = None

    @property
    def rounds(self) -> int:
        return int((self.state or {}).get("ram", {}).get("dirty-sync-count", 0))

    @property
    def seconds(self) -> float:
        return monotonic() - self.began if self.began else 0.0

    def text(self, silent: float = 0.0) -> str:
        if not self.began:
            return f"{self.what}: starting"
        left = (self.state or {}).get("ram", {}).get("remaining", 0)
        return f"{self.what}: round {self.rounds}, {self.seconds:.0f} s, {left / (1 << 20):.1f} MiB to send"


Report = Callable[[Course], None]


def run(case: Case, qemu: Qemu, number: int, *, seconds: float, aborts: str = "", report: Report | None = None) -> Run:
    """Perform a case once, in a scratch folder that is removed.

    Args:
        seconds: after which it is UNFINISHED.
        aborts: what QEMU says where it notices the fault by itself.

    Raises:
        BadQemu: the QEMU cannot run it.
    """
    course = Course(f"{case.name}, run {number}")

    def ended(outcome: str, **more: Any) -> Run:
        return Run(case.name, case.control, number, outcome, rounds=course.rounds, seconds=course.seconds, **more)

    with TemporaryDirectory(prefix="clearorder-reproduce-", ignore_cleanup_errors=True) as scratch:
        try:
            stale = asyncio.run(_within(seconds, case, qemu, Path(scratch), course, report))
        except TimeoutError:
            return ended(UNFINISHED, said=f"did not complete within {seconds:g} s")
        except Died as died:
            noticed = bool(aborts) and aborts in died.said
            return ended(ABORTED if noticed else UNFINISHED, said=died.message)
        except Refused as refused:
            return ended(UNFINISHED, said=refused.message)
    return ended(STALE if stale else SAME, stale=tuple(stale), pages=case.watched.pages)


async def _within(
    seconds: float, case: Case, qemu: Qemu, at: Path, course: Course, report: Report | None
) -> list[Stale]:
    async with asyncio.timeout(seconds):
        return await _perform(case, qemu, at, course, report)


async def _perform(case: Case, qemu: Qemu, at: Path, course: Course, report: Report | None) -> list[Stale]:
    (at / "firmware").write_bytes(case.firmware)
    options = options_of(case)
    async with (
        running(qemu, "destination", [*options, "-S", "-incoming", "unix:migration"], at) as destination,
        running(qemu, "source", options, at) as source,
    ):
        await source.heard()
        await _set_up(case, source, destination)
        course.began = monotonic()
        await source("migrate", uri="unix:migration")
        async with _drawn(case, source):
            await _steered(case, source, course, report)
        await _arrived(destination)
        sides = [await _memory(machine, case.watched, at) for machine in (source, destination)]
        if not any(sides[0]):
            raise Refused("the guest wrote none of the watched pages")
        return stale_pages(*sides)


def options_of(case: Case) -> list[str]:
    """QEMU's command line for a case, both sides alike."""
    memory = [
        word
        for number, size in enumerate(case.blocks)
        for word in ("-object", f"memory-backend-ram,id=ram{number},size={size}M")
    ]
    nodes = [word for number in range(len(case.blocks)) for word in ("-numa", f"node,memdev=ram{number}")]
    one = len(case.blocks) == 1
    machine = f"pc,dump-guest-core=off{',memory-backend=ram0' if one else ''}"
    return [
        *("-no-user-config", "-nodefaults", "-display", "none", "-vga", "none", "-bios", "firmware"),
        *("-machine", machine, "-m", f"{sum(case.blocks)}M", *memory, *(() if one else nodes)),
        *case.options,
    ]


@asynccontextmanager
async def _drawn(case: Case, source: Machine) -> AsyncIterator[None]:
    """The screen is drawn again and again, where the case has one: that is what makes the display sync and clear."""
    if not case.drawn:
        yield
        return
    drawing = asyncio.create_task(_draw(source))
    try:
        yield
    finally:
        drawing.cancel()
        (failed,) = await asyncio.gather(drawing, return_exceptions=True)
    if isinstance(failed, ModelError):  # then nobody drew, and it was another scenario
        raise failed


async def _draw(source: Machine) -> None:
    while True:
        await source("screendump", filename="screen")


async def _set_up(case: Case, *sides: Machine) -> None:
    for side in sides:
        wanted = [{"capability": name, "state": True} for name in case.capabilities]
        await side("migrate-set-capabilities", capabilities=wanted)
    await _limited(sides[0], case.bandwidth, case.downtime)


async def _limited(source: Machine, bandwidth: int | None, downtime: int | None) -> None:
    asked = {"max-bandwidth": bandwidth, "downtime-limit": downtime}
    if given := {name: value for name, value in asked.items() if value is not None}:
        await source("migrate-set-parameters", **given)


async def _steered(case: Case, source: Machine, course: Course, report: Report | None) -> None:
    """Until the migration has completed, with the changes of the case on the way."""
    to_come = list(case.changes)
    while True:
        course.state = await source("query-migrate")
        if report:
            report(course)
        status = course.state.get("status", "none")
        if status == "completed":
            return
        if status not in MOVING:
            raise Refused(f"the migration {status}: {course.state.get('error-desc', 'QEMU does not say why')}")
        for change in [each for each in to_come if due(each, course)]:
            to_come.remove(change)
            await _apply(change, source)
        await asyncio.sleep(POLL)


def due(change: Change, course: Course) -> bool:
    return course.seconds >= change.seconds and course.rounds >= change.rounds


async def _apply(change: Change, source: Machine) -> None:
    if change.stop_also:
        await source.tell(STOP_ALSO)
    await _limited(source, change.bandwidth, change.downtime)


async def _arrived(destination: Machine) -> None:
    while (await destination("query-migrate")).get("status") not in ("completed", None):
        await asyncio.sleep(POLL)


async def _memory(machine: Machine, area: Area, at: Path) -> bytes:
    file = at / f"{machine.name}.memory"
    await machine("pmemsave", val=area.at, size=area.pages * PAGE, filename=file.name)
    return file.read_bytes()


def stale_pages(source: bytes, destination: bytes) -> list[Stale]:
    """Pages that are not the same on both sides."""
    sides = [_cut(source), _cut(destination)]
    return [Stale(n, _word(a), _word(b)) for n, (a, b) in enumerate(zip(*sides, strict=True)) if a != b]


def _cut(memory: bytes) -> list[bytes]:
    return [memory[at : at + PAGE] for at in range(0, len(memory), PAGE)]


def _word(page: bytes) -> int:
    return int.from_bytes(page[:4], "little")
