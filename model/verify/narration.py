"""A trace in the words of the field: numbered moves, what each changed, page contents, and why the page was lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from model.expr import PAGES, PLACE
from model.instance.instance import Instance, Move
from model.instance.state import Field
from model.instance.trace import Trace
from model.program.store_buffer import HARDWARE, SIZE, entries_told
from model.verify.cause import Bit, Reason, reads_page, reason, subject, writes_page


@dataclass(frozen=True)
class Line:
    """One move as a reader sees it; `changes` maps `kernel` or `user[VGA]` to pages, or to a truth value."""

    number: int
    operation: str
    step: str
    thread: str
    arguments: Mapping[str, object]
    changes: Mapping[str, object]
    text: str
    notes: tuple[str, ...]
    place: str | None = None


@dataclass(frozen=True)
class Story:
    """A counterexample, told.

    Attributes:
        lines: the moves of the shortest trace.
        tail: what follows a broken promise until the write is lost; empty where nothing follows.
        because: the argument, one sentence per line.
    """

    title: str
    pages: int
    sizes: Mapping[str, int]
    lines: tuple[Line, ...]
    because: tuple[str, ...]
    tail: tuple[Line, ...] = ()
    aftermath: str = ""
    lost: tuple[int, int | None] | None = field(default=None)

    @property
    def size(self) -> str:
        """`10 moves, 1 page, 2 clients`."""
        counts = [(len(self.lines), "move"), (self.pages, "page")]
        counts += [(n, s.lower()) for s, n in self.sizes.items() if s not in (*HARDWARE, SIZE)]
        buffers = [entries_told(self.sizes[SIZE])] if SIZE in self.sizes else []
        return ", ".join([*(plural(n, word) for n, word in counts), *buffers])


def plural(count: int, word: str) -> str:
    """`1 page`, `2 pages`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def told(trace: Trace, name: str, *, whole: Trace | None = None, aftermath: str = "") -> Story:
    """The story of a violation.

    Args:
        trace: a replayed trace.
        name: the design's name.
        whole: the trace with its continuation to an end-to-end loss, where there is one.
        aftermath: one sentence on what becomes of a broken promise.
    """
    page, client = lost_page(trace)
    told_of = whole or trace
    why = reason(told_of, client, page) if page is not None else None
    lines = tuple(_lines(told_of, why))
    return Story(
        title=_title(name, trace, page, client),
        pages=trace.instance.pages,
        sizes=trace.instance.sizes | trace.instance.buffer_size,
        lines=lines[: len(trace)],
        because=tuple(_because(told_of, why)) if why else (),
        tail=lines[len(trace) :],
        aftermath=aftermath,
        lost=(page, client) if page is not None else None,
    )


def lost_page(trace: Trace) -> tuple[int | None, int | None]:
    """(page, client) that the last state misses: unread, and promised by nothing where that can be told."""
    position, last = trace.instance.position, len(trace)
    if trace.invariant.name == "complete_copy":
        for number in (None, *range(trace.instance.sizes.get("Client", 1))):
            if ("unread", number) in position and (missing := trace.value(last, "unread", number)):
                return lowest(missing), number or 0
    if trace.number is None or ("unread", trace.number) not in position:
        return None, trace.number
    missing = trace.value(last, "unread", trace.number)
    if trace.invariant.name != "no_lost_write":
        for name in ("kernel", "user", "mine"):
            for number in (None, trace.number):
                if (name, number) in position:
                    missing &= ~trace.value(last, name, number)
    return lowest(missing) if missing else None, trace.number


def lowest(bitmap: int) -> int:
    """The first page of a bitmap that is not empty."""
    return (bitmap & -bitmap).bit_length() - 1


def thread_name(instance: Instance, sort: str, number: int | None) -> str:
    """`MIGRATION`, `VGA`, `the guest`, `vCPU 1`."""
    return instance.program.sorts[sort].call(number or 0)


def field_name(instance: Instance, key: Bit) -> str:
    """`kernel`, `VGA's mine`."""
    name, number = key
    if number is None:
        return f"`{name}`"
    per = instance.fields[instance.position[key]].per or "Client"
    return f"{thread_name(instance, per, number)}'s `{name.removeprefix('me.')}`"


def page_set(value: int) -> str:
    """`{0, 2}`."""
    return "{" + ", ".join(str(i) for i in members(value)) + "}"


def members(value: int) -> list[int]:
    """The pages of a bitmap."""
    return [i for i in range(value.bit_length()) if value >> i & 1]


def pages_text(value: int) -> str:
    """`page 0`, `pages 0 and 2`."""
    listed = [str(i) for i in members(value)]
    if len(listed) == 1:
        return f"page {listed[0]}"
    return f"pages {', '.join(listed[:-1])} and {listed[-1]}" if listed else "no page"


# ---------------------------------------------------------------- titles


def _title(name: str, trace: Trace, page: int | None, client: int | None) -> str:
    who = thread_name(trace.instance, "Client", client) if client is not None else ""
    if trace.invariant.name == "no_lost_write" and page is not None:
        if client == 0:
            return f"{name} loses a write: {who} never learns of page {page}"
        return f"{name} leaves {who} stale: it never learns of page {page}"
    if trace.invariant.name == "complete_copy" and page is not None:
        return f"{name} loses a write: it has finished, and {who} has never read page {page} as it is"
    if trace.invariant.name == "promise_kept" and page is not None:
        return f"{name} breaks the promise: no bit tells {who} of page {page} any more"
    return f"{name} violates {trace.invariant.name}" + (f" for {who}" if who else "")


# ---------------------------------------------------------------- moves


def _lines(trace: Trace, why: Reason | None) -> Iterator[Line]:
    versions = [0] * trace.instance.pages
    copies: dict[tuple[int, int], int] = {}
    for at, move in enumerate(trace.moves, 1):
        notes: list[str] = []
        for page in range(trace.instance.pages):
            if writes_page(trace, at, page):
                versions[page] += 1
        notes += _read_notes(trace, at, versions, copies)
        notes += _reason_notes(trace, at, why)
        if at == len(trace):
            notes += _last_notes(trace, versions, copies, why)
        step = move.ground.step
        yield Line(
            number=at,
            operation=step.operation,
            step=step.name or step.operation,
            thread=thread_name(trace.instance, move.ground.sort, move.ground.thread),
            arguments=_arguments(trace.instance, move),
            changes=dict(_changes(trace, at)),
            text=move_text(trace, at, versions),
            notes=tuple(notes),
            place=str(step.place) if step.place else None,
        )


def _arguments(instance: Instance, move: Move) -> dict[str, object]:
    small = {
        p.name: instance.program.sorts[p.sort].call(move.ground.indices[p.name])
        if p.kind == "index"
        else bool(move.ground.indices[p.name])
        for p in move.ground.step.params
        if p.name in move.ground.indices
    }
    return small | {n: members(v) for n, v in move.arguments.items()}


def _changes(trace: Trace, at: int) -> Iterator[tuple[str, object]]:
    for changed, _, after in trace.changes(at):
        if changed.sort != PLACE and changed.role == "part":
            yield change_name(trace.instance, changed), members(after) if changed.sort == PAGES else bool(after)


def change_name(instance: Instance, changed: Field) -> str:
    """`kernel`, `user[VGA]`."""
    if changed.number is None or changed.per is None:
        return changed.name
    return f"{changed.name}[{thread_name(instance, changed.per, changed.number)}]"


def move_text(trace: Trace, at: int, versions: list[int]) -> str:
    """`MIGRATION: clear.cleared page 0`: who, the step as the design names it, the pages it is about, its choices."""
    move, instance = trace.moves[at - 1], trace.instance
    pages = subject(trace, at)
    written = [p for p in range(instance.pages) if writes_page(trace, at, p)]
    beside = ", ".join([*_small_choices(instance, move), *_other_sets(trace, at, pages)])
    return "".join(
        [
            f"{thread_name(instance, move.ground.sort, move.ground.thread)}: {move.ground.step.label}",
            "" if pages is None else f" {pages_text(pages)}",
            f" ({beside})" if beside else "",
            f" ({', '.join(f'P{versions[p]}' for p in written)})" if written else "",
        ]
    )


def _small_choices(instance: Instance, move: Move) -> Iterator[str]:
    """The truth and index parameters that this step of the design chooses: `ok false`, `to VGA`."""
    step, roles = move.ground.step, instance.program.variable
    if step.updates and all(roles[name].role == "ghost" for name in step.writes):
        return  # a property's own step: whom it watches is said in the title
    for name, value in _arguments(instance, move).items():
        if not isinstance(value, list) and any(p.name == name for p in step.params):
            yield f"{name} {str(value).lower() if isinstance(value, bool) else value}"


def _other_sets(trace: Trace, at: int, shown: int | None) -> Iterator[str]:
    return (f"{name} {page_set(value)}" for name, value in _beside(trace, at) if value != shown)


def _beside(trace: Trace, at: int) -> Iterator[tuple[str, int]]:
    """The other sets of pages that the operation has chosen, where they are known at this move."""
    move = trace.moves[at - 1]
    step = move.ground.step
    first = next(s for s in trace.instance.program.steps if s.operation == step.operation and s.first)
    for param in [p for p in first.params if p.kind in ("page", "some", "any")][1:]:
        register = (f"me.{param.name}", move.ground.thread)
        if param.name in move.arguments:
            yield param.name, move.arguments[param.name]
        elif register in trace.instance.position and trace.value(at - 1, *register):
            yield param.name, trace.value(at - 1, *register)


# ---------------------------------------------------------------- notes


def _read_notes(trace: Trace, at: int, versions: list[int], copies: dict[tuple[int, int], int]) -> Iterator[str]:
    move = trace.moves[at - 1]
    client = move.ground.thread
    for page in range(trace.instance.pages):
        if reads_page(trace, at, page):
            copies[client, page] = versions[page]
            which = f" of page {page}" if trace.instance.pages > 1 else ""
            yield f"{holder(trace.instance, client)} has P{versions[page]}{which}"


def holder(instance: Instance, client: int) -> str:
    """Who keeps the copy that a client makes: the destination for MIGRATION, else the client."""
    return "destination" if client == 0 else thread_name(instance, "Client", client)


def _reason_notes(trace: Trace, at: int, why: Reason | None) -> Iterator[str]:
    if why is None:
        return
    shown = why.carriers or (why.broken == why.written and not why.logged_elsewhere)
    if at == why.broken and why.client is not None and shown and (why.logged or why.broken == why.written):
        yield f"the promise to {thread_name(trace.instance, 'Client', why.client)} is broken here"
    collected = any(move == at and bit[0] == "mine" for bit, move in why.grounds)
    if collected and why.first_report is not None and why.first_report < at:
        operation = trace.moves[why.first_report - 1].ground.step.operation
        yield f"reported by the {operation} at {why.first_report}"


def _last_notes(
    trace: Trace, versions: list[int], copies: dict[tuple[int, int], int], why: Reason | None
) -> Iterator[str]:
    if trace.invariant.name not in ("no_lost_write", "complete_copy") or why is None or why.client is None:
        return
    if trace.moves[-1].ground.step.operation == "sync":
        promised = ("kernel", None) in trace.instance.position and trace.value(len(trace), "kernel") >> why.page & 1
        yield "delivers nothing" if promised else "reports nothing"
    shared = ("unread", None) in trace.instance.position
    unread_at_start = trace.value(0, "unread", None if shared else why.client) >> why.page & 1
    copied = f"P{copies.get((why.client, why.page), 0)}"
    if unread_at_start and (why.client, why.page) not in copies:
        copied = "nothing"
    yield f"source P{versions[why.page]}, {holder(trace.instance, why.client)} {copied}"


# ---------------------------------------------------------------- because


def _because(trace: Trace, why: Reason) -> Iterator[str]:
    """The argument; where it would rest on bits that the design keeps elsewhere, only what is plain from the trace."""
    instance = trace.instance
    who = thread_name(instance, "Client", why.client)
    if why.written is None:
        yield f"page {why.page} is unread from the start, and no move tells {who} of it"
    elif why.broken is None and why.logged:
        standing = " and ".join(field_name(instance, c) for c in why.carriers) or "nothing"
        yield (
            f"{standing} still promises page {why.page} to {who}, because of the write at {why.written}, but no sync "
            f"ever delivers it: what a sync does not put into {who}'s bitmap, {who} never reads"
        )
    elif why.broken == why.written and not why.logged_elsewhere:
        yield f"the write at {why.written} set no bit that tells {who} of page {why.page}{_unlogged(trace, why)}"
        if why.read_at:
            yield f"{who} had read the page at {why.read_at}, before it"
    elif why.broken is not None and why.carriers and why.logged:
        yield from _taken_away(trace, why, who)
    else:
        standing = " and ".join(field_name(instance, b) for b in why.standing) or "no bitmap"
        yield f"the write at {why.written} is the last of page {why.page}"
        yield f"at the end {standing} holds the page, and nothing has brought it to {who} since"


def _taken_away(trace: Trace, why: Reason, who: str) -> Iterator[str]:
    """A move removed the last promise: which, and what it relied on."""
    assert why.broken is not None
    fatal = trace.moves[why.broken - 1].ground
    actor = thread_name(trace.instance, fatal.sort, fatal.thread)
    carriers = [field_name(trace.instance, c) for c in why.carriers]
    only = f"only {carriers[0]}" if len(carriers) == 1 else " and ".join(carriers)
    yield f"{only} promised page {why.page} to {who}, because of the write at {why.written}"
    removed = "took it away" if fatal.step.operation.startswith("remove") else "removed it"
    yield f"the {fatal.step.operation} at {why.broken} {removed}, because {_grounds_text(trace, why, actor, who)}"


def _unlogged(trace: Trace, why: Reason) -> str:
    """Why a write went unnoticed, where the design keeps arming apart from logging."""
    assert why.written is not None
    bit, before = 1 << why.page, why.written - 1
    position = trace.instance.position
    if ("armed", None) not in position:
        return ""
    if not trace.value(before, "armed") & bit:
        return ": the page was not armed, so nothing trapped the write"
    move = trace.moves[before].ground
    if ("tlb", move.thread) in position and trace.value(before, "tlb", move.thread) & bit:
        return ": it went through a translation that was still cached, although the page was armed"
    return ""


def _grounds_text(trace: Trace, why: Reason, actor: str, who: str) -> str:
    instance = trace.instance
    if not why.grounds:
        return (
            f"it takes away every bit, and no sync since the write at {why.written} has told anybody of page {why.page}"
        )
    bit = why.grounds[0][0]
    own = bit[1] is not None and not bit[0].startswith("me.")
    named = [b for b, _ in why.grounds if not b[0].startswith("me.")]
    relied = named[0] if named else bit
    what = (
        f"{actor}'s own bitmap"
        if own and bit[1] is not None and relied[0] in ("mine", "user")
        else field_name(instance, relied)
    )
    if relied[0] == "mine" and not own:
        what = f"{actor}'s own bitmap"
    if why.report is None:
        return f"it relied on {what}, which does not come from a report of the write at {why.written}"
    begun = trace.moves[why.report - 1].ground.step.operation
    if why.written is not None and why.report > why.written:
        merge = _merge_after(trace, why)
        if merge is not None:
            found = f": the merge at {merge} finds nothing of it" if merge else ""
            return f"{what} shows the report of the {begun} at {why.report}, which had not been merged yet{found}"
        return (
            f"{what} shows the report of the {begun} at {why.report}, and that report never reached {who}: the bit was "
            f"taken away for everybody, and only {actor} was told"
        )
    older = f"the write at {why.reported_write}" if why.reported_write else "an older state"
    return f"{what} dates from the {begun} at {why.report} and cannot tell {older} from the write at {why.written}"


def _merge_after(trace: Trace, why: Reason) -> int | None:
    """The move that ends the sync whose report was relied on, where it comes after the fatal move.

    Returns:
        0 where the trace ends before that sync does; None where the sync had ended.
    """
    assert why.report is not None and why.broken is not None
    begun = trace.moves[why.report - 1].ground
    if begun.step.last:
        return None
    for at in range(why.report + 1, len(trace) + 1):
        ground = trace.moves[at - 1].ground
        if (ground.sort, ground.thread) == (begun.sort, begun.thread) and ground.step.last:
            return at if at > why.broken else None
    return 0
