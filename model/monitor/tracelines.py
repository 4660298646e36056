"""Text of tracepoints instead of a recording: ftrace and `trace-cmd report` of KVM's rings, and QEMU's `-trace` lines.

Neither breaks a rule by itself. Tracepoints show what KVM pushed and how much each RESET took, not whether anybody read
it; QEMU's lines show which ranges a CLEAR was about, not its mask, and no GET. So what they say is counted, what is
missing is told by line, and the answer is undetermined, with what was not recorded.

Source: Linux include/trace/events/kvm.h, virt/kvm/dirty_ring.c, kernel/trace/trace_output.c; QEMU
accel/kvm/trace-events.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

from model.monitor.judgement import Findings
from model.monitor.recording import Damage, Recording, numbered

LONGEST = 1_024  # characters of a line; those of an event of ours have about 120
LARGEST_RING = 65_536  # KVM_DIRTY_RING_MAX_ENTRIES
FTRACE, QEMU = "ftrace", "QEMU"
HEX = r"(?:0x)?([0-9a-f]+)"

# The thread's name may have blanks; `trace` has flags after the CPU, `trace-cmd report` has none or some of them.
EVENT = re.compile(
    r" {0,32}.{0,32}?-\d+ {1,16}(?:\(.{7}\) {1,16})?\[\d+\]\s{1,16}(?:\S{4,6} {1,16})?\d+(?:\.\d+)?: +(\w+):(.*)"
)
LOST = re.compile(r"CPU:\d+ \[(?:LOST )?(?:(\d+) )?EVENTS(?: DROPPED)?\]")
WRITTEN = re.compile(r"# entries-in-buffer/entries-written: (\d+)/(\d+)\b")
ASIDE = re.compile(r"#|cpus=\d|version = |CPU \d+ is empty|trace-cmd|\s*=> ")
QEMU_EVENT = re.compile(r"(?:\d+@\d+\.\d+:)?([a-z]\w*)(?: (.*))?")
OURS = re.compile(r"kvm_dirty_ring_|kvm_clear_dirty_log")

FORMS = {
    FTRACE: {
        "kvm_dirty_ring_push": (
            rf"ring (\d+): dirty {HEX} reset {HEX} slot (\d+) offset {HEX}(?: ret \d+)? \(used (\d+)\)"
        ),
        "kvm_dirty_ring_reset": rf"ring (\d+): dirty {HEX} reset {HEX} \(used (\d+)\)",
        "kvm_dirty_ring_exit": r"vcpu (\d+)",
    },
    QEMU: {
        "kvm_clear_dirty_log": rf"slot#(-?\d+) start {HEX} size {HEX}",
        "kvm_dirty_ring_page": rf"vcpu (\d+) fetch (\d+) offset {HEX}",
        "kvm_dirty_ring_reap": r"reaped (\d+) pages \(took -?\d+ us\)",
        "kvm_dirty_ring_full": r"vcpu (\d+)",
    },
}
SHOWS = {
    FTRACE: (
        "it is a trace of KVM's tracepoints, which show what KVM pushed and what each RESET took, and neither what the "
        "VMM harvested nor when it read the pages: a RESET before that looks like one after it (`clearorder record` "
        "has the entries that each RESET took, and marks of reads)"
    ),
    QEMU: (
        "it is QEMU's -trace, and the lines have no masks and no GETs: whether a CLEAR names only what a GET had "
        "reported cannot be seen (`clearorder record` has both)"
    ),
}


def kind(first: str) -> str:
    """Which of the two a file is whose first line is this one."""
    return QEMU if not ASIDE.match(first) and not EVENT.match(first) and QEMU_EVENT.match(first) else FTRACE


def why_not(recording: Recording) -> str:
    """Why such a text cannot be judged by a design or a rule."""
    return SHOWS[kind(_text(recording.trace))]


def judged(recording: Recording) -> Findings:
    """What the text says, and what it cannot."""
    found = Findings(recording.name)
    teller = (Rings if kind(_text(recording.trace)) == FTRACE else Qemu)(found)
    for number, line in _lines(recording):
        if isinstance(line, Damage):
            found.damage(number, line.problem)
        elif not line.endswith("\n"):
            found.damage(number, "the file breaks off in this line")
        elif line.strip():
            teller.line(number, line.rstrip())
    teller.end()
    return found


def _lines(recording: Recording) -> Iterator[tuple[int, str | Damage]]:
    yield 1, _text(recording.trace)
    for number, line in numbered(recording.stream, 2):
        yield number, line if isinstance(line, Damage) else _text(line)


def _text(line: bytes) -> str:
    return str(line, "utf-8", "replace")


class Teller:
    """Counts the lines of one kind of text, and says what they show."""

    KIND: ClassVar[str]

    def __init__(self, found: Findings) -> None:
        self.found = found
        self.seen: Counter[str] = Counter()

    def line(self, number: int, line: str) -> None:
        """One line: an event of ours, another event, or neither."""
        if len(line) > LONGEST:
            self.found.damage(number, f"longer than {LONGEST:,} characters, and no line of such a trace is")
            return
        name, rest = self.event(line) or ("", line)
        if form := FORMS[self.KIND].get(name):
            self.matched(number, name, re.fullmatch(form, rest.strip()))
        elif not name:
            self.neither(number, line)
        elif OURS.search(rest):
            self.found.damage(number, f"{name} has another event within it: two lines that ran into each other?")

    def event(self, line: str) -> tuple[str, str] | None:
        """Its name, and what stands after it."""
        pattern = EVENT if self.KIND == FTRACE else QEMU_EVENT
        match = pattern.fullmatch(line)
        return (match[1], match[2] or "") if match else None

    def matched(self, number: int, name: str, match: re.Match[str] | None) -> None:
        if match is None:
            self.found.damage(number, f"{name} stands here, and not in the form in which {self.maker} prints it")
            return
        self.seen[name] += 1
        if handler := self.HANDLERS.get(name):
            handler(self, number, match)

    @property
    def maker(self) -> str:
        return "Linux" if self.KIND == FTRACE else "QEMU"

    def neither(self, number: int, line: str) -> None:
        """A line that is no event."""
        raise NotImplementedError

    def end(self) -> None:
        """Say what was not recorded."""
        self.found.reason(SHOWS[self.KIND])
        if not self.seen:
            names = ", ".join(FORMS[self.KIND])
            self.found.reason(f"no line of it is one of the events that are about dirty pages: {names}")

    HANDLERS: ClassVar[Mapping[str, Callable[..., None]]] = {}


class Rings(Teller):
    """KVM's tracepoints: free-running indices, by which one knows that no line is missing."""

    KIND = FTRACE

    def __init__(self, found: Findings) -> None:
        super().__init__(found)
        self.dirty: dict[int, int] = {}  # ring -> its dirty index as seen last
        self.reset: dict[int, int] = {}  # ring -> where the last RESET left it, or it stood when it was seen first
        self.free: dict[int, int] = {}  # ring -> up to where a push found its entries reset, RESET in the trace or not
        self.taken: Counter[int] = Counter()

    def neither(self, number: int, line: str) -> None:
        if lost := LOST.match(line):
            self.found.damage(number, f"ftrace lost {lost[1] or 'some'} events here: enlarge its buffer_size_kb")
        elif written := WRITTEN.match(line):
            self.overwritten(number, int(written[2]) - int(written[1]))
        elif not ASIDE.match(line):
            other = QEMU_EVENT.fullmatch(line)
            two = "a line of QEMU's -trace in a trace of ftrace: two recordings in one file?"
            self.found.damage(
                number, two if other and other[1] in FORMS[QEMU] else "neither a comment of ftrace nor an event"
            )

    def overwritten(self, number: int, lost: int) -> None:
        if lost > 0:
            self.found.damage(number, f"ftrace has overwritten {lost:,} events: enlarge its buffer_size_kb")

    def pushed(self, number: int, match: re.Match[str]) -> None:
        """kvm_dirty_ring_push: printed after the index has moved on, so that the entry is the one before it."""
        ring, dirty, reset = int(match[1]), int(match[2], 16), int(match[3], 16)
        if not self.plausible(number, dirty, reset, int(match[6])):
            return
        before = self.dirty.get(ring)
        if before is not None and dirty != (before + 1) % (1 << 32):
            self.found.damage(
                number,
                f"ring {ring} goes from entry 0x{before:x} to 0x{dirty:x}: lines are missing or out of order, or the "
                "trace has two VMs (trace one process: set_event_pid with its threads)",
            )
        self.dirty[ring] = dirty
        self.reset.setdefault(ring, reset)
        if (reset - self.free.setdefault(ring, reset)) % (1 << 32) <= LARGEST_RING:  # not one that a RESET overtook
            self.free[ring] = reset

    def was_reset(self, number: int, match: re.Match[str]) -> None:
        """kvm_dirty_ring_reset: one line a ring for each KVM_RESET_DIRTY_RINGS, also where it took nothing."""
        ring, dirty, reset = int(match[1]), int(match[2], 16), int(match[3], 16)
        if not self.plausible(number, dirty, reset, int(match[4])):
            return
        if ring not in self.reset:
            self.found.note(
                f"What the RESET of ring {ring} at line {number} took is not known: the trace begins with it."
            )
        took = (reset - self.reset.get(ring, reset)) % (1 << 32)
        if took > LARGEST_RING:
            back = f"ring {ring} is reset to 0x{reset:x}, and stood at 0x{self.reset[ring]:x} before"
            self.found.damage(number, f"{back}: lines are missing or out of order, or the trace has two VMs")
            took = 0
        self.found.counts["reset"] += 1
        self.taken[ring] += took
        self.reset[ring] = self.free[ring] = reset

    def plausible(self, number: int, dirty: int, reset: int, used: int) -> bool:
        """The three numbers agree, and a ring can hold that many."""
        if used != (dirty - reset) % (1 << 32):
            self.found.damage(number, f"dirty 0x{dirty:x} less reset 0x{reset:x} is not the used {used:,}")
        elif used > LARGEST_RING:
            self.found.damage(number, f"{used:,} entries are in use, and no ring holds more than {LARGEST_RING:,}")
        else:
            return True
        return False

    def end(self) -> None:
        super().end()
        full, resets = self.seen["kvm_dirty_ring_exit"], self.found.counts["reset"]
        if self.seen:
            self.found.note(
                f"KVM pushed {self.seen['kvm_dirty_ring_push']:,} entries, {resets:,} RESET{'s' * (resets != 1)} "
                f"of a ring took {sum(self.taken.values()):,}; a vCPU stopped {full:,} time{'s' * (full != 1)} at "
                "a full ring. The same page may be pushed more than once before a RESET."
            )
        for ring, dirty in sorted(self.dirty.items()):
            if left := (dirty - self.free[ring]) % (1 << 32):
                self.found.note(f"Ring {ring} ends with {left:,} entr{'ies' if left > 1 else 'y'} that no RESET took.")
            if self.free[ring] != self.reset[ring]:
                self.found.reason(
                    f"entries of ring {ring} were taken by a RESET that has no line: is kvm_dirty_ring_reset traced?"
                )

    HANDLERS: ClassVar[Mapping[str, Callable[..., None]]] = {
        "kvm_dirty_ring_push": pushed,
        "kvm_dirty_ring_reset": was_reset,
    }


class Qemu(Teller):
    """QEMU's lines: a CLEAR is written where it worked."""

    KIND = QEMU

    def __init__(self, found: Findings) -> None:
        super().__init__(found)
        self.fetched = self.reaped = self.pages = 0

    def neither(self, number: int, line: str) -> None:
        """QEMU's log has lines of all kinds; those that look like ours are told."""
        if EVENT.match(line) or line.startswith(("# tracer", "{")):
            self.found.damage(number, "no line of QEMU's -trace, and it follows some: two recordings in one file?")
        elif OURS.search(line):
            self.found.damage(number, "an event of ours within a line that is none: two that ran into each other?")

    def cleared(self, number: int, match: re.Match[str]) -> None:
        size = int(match[3], 16)
        if not size:
            self.found.damage(number, "a CLEAR of no pages; QEMU makes none")
            return
        self.found.counts["clear"] += 1
        self.pages += size

    def harvested(self, number: int, match: re.Match[str]) -> None:
        self.fetched += 1

    def was_reset(self, number: int, match: re.Match[str]) -> None:
        """KVM_RESET_DIRTY_RINGS has returned that many entries."""
        self.found.counts["reset"] += 1
        self.reaped += int(match[1])

    def end(self) -> None:
        super().end()
        if self.found.counts["clear"]:
            self.found.note(f"The ranges of its CLEARs have {self.pages:,} pages, of which any may have been left out.")
        if self.fetched or self.reaped:
            self.found.note(
                f"QEMU harvested {self.fetched:,} entries of dirty rings, and its RESETs took {self.reaped:,}."
            )

    HANDLERS: ClassVar[Mapping[str, Callable[..., None]]] = {
        "kvm_clear_dirty_log": cleared,
        "kvm_dirty_ring_page": harvested,
        "kvm_dirty_ring_reap": was_reset,
    }
