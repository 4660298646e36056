"""The C program of a script: fragments of C that it needs, in order, and a few lines for each move."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import indent, wrap

from model.kvm import guest
from model.kvm.acts import Acts
from model.kvm.bench import RING_BYTES, STRIDE
from model.kvm.paper import union
from model.kvm.replay import Judge, spoken
from model.kvm.script import Done, Line, Script
from model.verify.wording import thread_name

HERE = Path(__file__).parent
ORDER = (
    "head", "say", "say_expected", "enable", "state", "promise", "set_up", "page_at", "vcpu_store", "bitmap",
    "get_ioctl", "clear_ioctl", "rings", "map_ring", "reset_ioctl", "guest_store", "guest_write", "vmm_store",
    "get_log", "clear_log", "report", "expect_log", "expect_ring", "harvest", "reset_rings", "read_pages", "forget",
    "move", "check_client", "main",
)  # fmt: skip
ALWAYS = ("head", "state", "set_up", "main")
FRAGMENT = {  # act -> the function that performs it, and the fragment that has it
    "write": "guest_write",
    "touch": "guest_store",
    "store": "vmm_store",
    "get": "report",
    "take": "report",
    "clear": "clear_log",
    "harvest": "harvest",
    "reset": "reset_rings",
    "read": "read_pages",
    "forget": "forget",
}
CAPS = {  # mode -> capabilities with the argument that each is enabled with, which is the least that must be offered
    "manual": [("KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2", "1")],
    "initially_set": [("KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2", "3")],
    "legacy": [],
    "ring": [("KVM_CAP_DIRTY_LOG_RING", "RING_BYTES")],
}


@dataclass(frozen=True)
class Words:
    """What a program says: of which design and property, and what each move is called."""

    design: str
    property: str
    texts: Sequence[str]
    digest: str


@dataclass(frozen=True)
class Check:
    """What is asked of a client at the end: the pages that it lacks, and whether the design loses them."""

    client: int
    who: str
    text: str
    lacks: int
    lost: bool

    def __str__(self) -> str:
        lost = "true" if self.lost else "false"
        return f'check_client({self.client}, "{self.who}",\n\t     "{self.text}", {self.lacks:#x}, {lost});'


def program(acts: Acts, script: Script, judge: Judge, words: Words, form: str = "standalone") -> str:
    """The C program that performs a script and judges every client.

    Args:
        form: "standalone" or "tree", the files beside this one.
    """
    checks = [*_checks(acts, script, judge)]
    broken = bool(judge.failed(script.last)) and not any(c.lost and c.lacks for c in checks)
    needed = {*ALWAYS, *(FRAGMENT[done.act.kind] for line in script.lines for done in line.done)}
    needed |= {name for name, holds in _wanted(script, bool(checks), broken) if holds}
    rest = [] if script.rest is None else [f"/* What is left in the log. */\nget_reports({script.rest:#x});"]
    moves = [*_moves(script, words.texts), *rest, *map(str, checks)]
    if broken:
        moves.append(f'say_expected("{_plain(words.property)}", "the design breaks it");')
    known = fragments(form)
    text = "\n".join(known[name][1] for name in _with_needs(needed, known) if name in known)
    parts = {
        "TITLE": _comment(f"Does a {_plain(words.design)} client of KVM's dirty log lose a write?"),
        "DESIGN": _plain(words.design),
        "DIGEST": words.digest,
        "PAGES": str(script.setup.pages),
        "CLIENTS": str(max((client for client, _ in script.setup.unread), default=0) + 1),
        "VCPUS": str(script.setup.vcpus),
        "STRIDE": str(STRIDE),
        "CODE": "".join(f"\t{_bytes(line.code):28}/* {line.source} */\n" for line in guest.STORE),
        "RINGS": ""
        if script.setup.mode != "ring"
        else f"#define RING_BYTES\t{RING_BYTES}\n#define RING_ENTRIES\t(RING_BYTES / 16)\n",
        "ENABLE": _lines(_enable(script, form)),
        "REQUIRE": _lines(_require(script)),
        "READY": _lines(_ready(script)),
        "TESTS": str(len(script.lines) + len(checks) + broken),
        "MOVES": indent("\n".join(moves), "\t", lambda line: bool(line.strip())),
    }
    for key, value in parts.items():
        text = text.replace(f"@{key}@\n", value if value.endswith("\n") or not value else f"{value}\n")
        text = text.replace(f"@{key}@", value)
    return re.sub(r"\n{3,}", "\n\n", text)


# ---------------------------------------------------------------- fragments


@cache
def fragments(form: str) -> dict[str, tuple[tuple[str, ...], str]]:
    """name -> what it needs, and its text: of the form and of what all forms share."""
    found = {}
    for file in (HERE / "steps.c", HERE / f"{form}.c"):
        for part in re.split(r"^//@ ", file.read_text(), flags=re.MULTILINE)[1:]:
            first, _, text = part.partition("\n")
            name, _, needs = first.partition(":")
            found[name] = tuple(needs.split()), text
    return found


def _with_needs(names: set[str], known: dict[str, tuple[tuple[str, ...], str]]) -> list[str]:
    """The fragments and what they need, in the order of the program."""
    todo, found = [*names], set[str]()
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += known.get(name, ((), ""))[0]
    return sorted(found, key=ORDER.index)


def _wanted(script: Script, judges: bool, broken: bool) -> Iterator[tuple[str, bool]]:
    """Fragments that no act asks for by itself, and whether the program has a use for them."""
    setup = script.setup
    yield "expect_ring", setup.mode == "ring" and bool(script.lines)
    yield "map_ring", setup.mode == "ring"
    yield "expect_log", setup.mode in ("manual", "initially_set") and bool(script.lines)
    yield "enable", bool(_caps(script))
    yield "report", script.rest is not None
    yield "guest_store", setup.open
    yield "forget", any(unread for _, unread in setup.unread)
    yield "move", bool(script.lines)
    yield "check_client", judges
    yield "say_expected", broken


# ---------------------------------------------------------------- the set-up


def _caps(script: Script) -> list[tuple[str, str]]:
    return [*CAPS[script.setup.mode], *(CAPS["initially_set"] if script.setup.open else [])]


def _enable(script: Script, form: str) -> Iterator[str]:
    for cap, argument in _caps(script):
        if form == "standalone":
            yield f'enable({cap}, {argument},\n       "{cap} is missing");'
        elif cap == "KVM_CAP_DIRTY_LOG_RING":
            yield "vm_enable_dirty_ring(vm, RING_BYTES);"
        else:
            yield f"vm_enable_cap(vm, {cap}, {argument});"


def _require(script: Script) -> Iterator[str]:
    for cap, argument in _caps(script):
        yield f"TEST_REQUIRE(kvm_check_cap({cap}) >= {argument});"


def _ready(script: Script) -> Iterator[str]:
    """What is done when the vCPUs are there and before the first move."""
    if script.setup.mode == "ring":
        yield "for (unsigned int vcpu = 0; vcpu < VCPUS; vcpu++)\n\tmap_ring(vcpu);"
    if script.setup.open:  # INITIALLY_SET protects nothing that the guest has mapped for writing
        yield f"guest_store(0, {script.setup.full:#x});"
    yield "start_log();"
    for client, unread in script.setup.unread:
        if unread:
            yield f"forget({client}, {unread:#x});"


# ---------------------------------------------------------------- the moves


def _moves(script: Script, texts: Sequence[str]) -> Iterator[str]:
    for number, (line, text) in enumerate(zip(script.lines, texts, strict=True), 1):
        text = _plain(text)
        said = [f"{number}: {text}", *(f"{spoken(act)} takes effect at {at}." for act, at in line.elsewhere)]
        yield "\n".join([_said(". ".join(said)), *_acts(line), f'move("{text}");', ""])


def _acts(line: Line) -> Iterator[str]:
    yield from map(_call, line.done)
    seen = line.paper.seen
    if line.paper.setup.mode in ("manual", "initially_set"):
        yield f"expect_log({seen.log:#x});"
    for vcpu, waiting in enumerate(seen.rings):
        yield f"expect_ring({vcpu}, {union(1 << page for page in waiting):#x});"


def _call(done: Done) -> str:
    act, pages = done.act, f"{done.act.pages:#x}"
    match act.kind:
        case "get" | "take":
            return f"get_reports({done.report or 0:#x});"
        case "harvest":
            return f"harvest({act.who}, {done.report or 0:#x});"
        case "clear":
            return f"clear_log({'~0ULL' if act.all_ones else pages});"
        case "store" | "reset":
            return f"{FRAGMENT[act.kind]}({pages});"
        case _:
            return f"{FRAGMENT[act.kind]}({act.who}, {pages});"


def _checks(acts: Acts, script: Script, judge: Judge) -> Iterator[Check]:
    failed = judge.failed(script.last)
    for client, at in acts.interface.unread.items():
        field = acts.instance.fields[at]
        lacks, lost = script.last[at], judge.speaks_of(failed, field)
        who = "the destination" if client == 0 else thread_name(acts.instance, str(field.per), client)
        said = "has every page" if lost or not lacks else "lacks what the model says"
        yield Check(client, _plain(who), _plain(f"{who} {said}"), lacks, lost)


# ---------------------------------------------------------------- text


def _lines(lines: Iterator[str]) -> str:
    return "".join(indent(f"{line}\n", "\t") for line in lines)


def _bytes(code: str) -> str:
    return " ".join(f"0x{byte}," for byte in code.split())


def _plain(text: str) -> str:
    """`text` as it may stand in a C string, in a comment and in a line of KTAP."""
    return re.sub(r'[^ -~]|["\\?%#]', "_", text).replace("*/", "* /")


def _said(text: str) -> str:
    """A comment, of several lines where it is long."""
    lines = wrap(text, 68)
    return f"/* {text} */" if len(lines) < 2 else "/*\n" + "".join(f" * {line}\n" for line in lines) + " */"


def _comment(text: str) -> str:
    return "\n * ".join(wrap(text, 76))
