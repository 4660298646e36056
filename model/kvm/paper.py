"""KVM's log as its documentation has it: a bit a page, or a ring a vCPU; and what pages and copies hold. No kernel.

What a design's own steps say of the log is held against this before anything is performed, so that a design which
models what KVM does inside is told from a kernel that is wrong.

Source: Linux Documentation/virt/kvm/api.rst 4.8, 4.117, 8.29; `tests/benchmarks/kvm_fidelity.py` holds it against KVM.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from model.kvm.acts import Act
from model.verify.wording import members, page_set

Copy = tuple[int | None, ...]


class Impossible(Exception):
    """KVM would not do this here; the message says why."""


@dataclass(frozen=True)
class Setup:
    """What there is before the first move.

    Attributes:
        mode: "manual", "initially_set" (manual protect, and a new log reads all ones), "legacy" or "ring".
        open: of rings: a new log protects nothing (INITIALLY_SET).
        unread: for each client the pages that it has not read.
    """

    pages: int
    vcpus: int
    mode: str
    open: bool
    unread: tuple[tuple[int, int], ...]

    @property
    def full(self) -> int:
        return (1 << self.pages) - 1


@dataclass(frozen=True)
class Seen:
    """What user space can look at without changing it: the log, and each vCPU's entries that wait, as pages."""

    log: int | None
    rings: tuple[tuple[int, ...], ...] = ()

    @property
    def pages(self) -> int | None:
        """All of it as one bitmap."""
        return union(1 << page for ring in self.rings for page in ring) if self.rings else self.log


@dataclass(frozen=True)
class Paper:
    """A slot, its guest and the clients' copies; `do` gives the next one.

    Attributes:
        log: pages that GET reports.
        protected: of rings: pages whose next write makes an entry.
        waiting, taken: for each vCPU the pages of entries that nobody looked at, and of those not given back yet.
        versions: what each page holds.
        copies: for each client what it last read of each page.
    """

    setup: Setup
    log: int
    protected: int
    waiting: tuple[tuple[int, ...], ...]
    taken: tuple[tuple[int, ...], ...]
    versions: tuple[int, ...]
    copies: tuple[tuple[int, Copy], ...]

    @classmethod
    def fresh(cls, setup: Setup) -> Paper:
        rings = ((),) * setup.vcpus if setup.mode == "ring" else ()
        nothing = (None,) * setup.pages
        held = (0,) * setup.pages
        return cls(
            setup=setup,
            log=setup.full if setup.mode == "initially_set" else 0,
            protected=0 if setup.open else setup.full,
            waiting=rings,
            taken=rings,
            versions=held,
            copies=tuple((c, merged(held, nothing, pages)) for c, pages in setup.unread),
        )

    def do(self, act: Act) -> tuple[Paper, int | None]:
        """The paper after an act, and the pages that it reports (GET, a harvest).

        Raises:
            Impossible: there is nothing to harvest, or RESET would give back other entries.
        """
        after: tuple[Paper, int | None] = getattr(self, f"_{act.kind}")(act)
        return after

    def stale(self, client: int) -> int:
        """Pages whose content differs from the client's copy."""
        copy = dict(self.copies)[client]
        return union(1 << p for p, version in enumerate(self.versions) if copy[p] != version)

    @property
    def seen(self) -> Seen:
        return Seen(None if self.setup.mode == "ring" else self.log, self.waiting)

    # -- stores

    def _write(self, act: Act) -> tuple[Paper, None]:
        return self._touch(act)[0]._store(act)

    def _touch(self, act: Act) -> tuple[Paper, None]:
        if self.setup.mode != "ring":
            return replace(self, log=self.log | act.pages), None
        new = tuple(members(act.pages & self.protected))
        waiting = placed(self.waiting, act.who, self.waiting[act.who] + new)
        return replace(self, waiting=waiting, protected=self.protected & ~act.pages), None

    def _store(self, act: Act) -> tuple[Paper, None]:
        held = tuple(v + (act.pages >> p & 1) for p, v in enumerate(self.versions))
        return replace(self, versions=held), None

    # -- the log

    def _get(self, act: Act) -> tuple[Paper, int]:
        return self, self.log

    def _take(self, act: Act) -> tuple[Paper, int]:
        return replace(self, log=0), self.log

    def _clear(self, act: Act) -> tuple[Paper, None]:
        return replace(self, log=self.log & ~act.pages), None

    # -- rings

    def _harvest(self, act: Act) -> tuple[Paper, int]:
        waiting = self.waiting[act.who]
        if not waiting:
            raise Impossible(f"no entry of vCPU {act.who} waits to be harvested")
        taken = placed(self.taken, act.who, (*self.taken[act.who], waiting[0]))
        return replace(self, waiting=placed(self.waiting, act.who, waiting[1:]), taken=taken), 1 << waiting[0]

    def _reset(self, act: Act) -> tuple[Paper, None]:
        given = [first_of(entries, act.pages) for entries in self.taken]
        back = union(1 << page for entries, n in zip(self.taken, given, strict=True) for page in entries[:n])
        if back != act.pages:
            raise Impossible(
                f"RESET gives entries back in their order, so it cannot give back {page_set(act.pages)} of "
                f"{page_set(union(1 << p for e in self.taken for p in e))}"
            )
        taken = tuple(entries[n:] for entries, n in zip(self.taken, given, strict=True))
        return replace(self, taken=taken, protected=self.protected | act.pages), None

    # -- clients

    def _read(self, act: Act) -> tuple[Paper, None]:
        return self._copied(act, self.versions)

    def _forget(self, act: Act) -> tuple[Paper, None]:
        return self._copied(act, (None,) * self.setup.pages)

    def _copied(self, act: Act, held: Copy) -> tuple[Paper, None]:
        copies = tuple((c, merged(copy, held, act.pages if c == act.who else 0)) for c, copy in self.copies)
        return replace(self, copies=copies), None


def first_of(entries: tuple[int, ...], pages: int) -> int:
    """How many of the first entries are of these pages: what RESET gives back when these are marked."""
    return next((n for n, page in enumerate(entries) if not pages >> page & 1), len(entries))


def merged(old: Copy, new: Copy, pages: int) -> Copy:
    """`old` with what `new` has of these pages."""
    return tuple(b if pages >> p & 1 else a for p, (a, b) in enumerate(zip(old, new, strict=True)))


def placed(values: tuple[Any, ...], at: int, value: Any) -> tuple[Any, ...]:
    return (*values[:at], value, *values[at + 1 :])


def union(bitmaps: Any) -> int:
    found = 0
    for each in bitmaps:
        found |= each
    return found
