"""A trace as a reader sees it: numbered moves, what each changed, page contents, and why the page was lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from model.errors import Place
from model.expr import MIGRATION, PAGES, PLACE, Client, is_register
from model.instance.instance import Instance, Move
from model.instance.trace import Trace
from model.program.store_buffer import HARDWARE, SIZE, entries_told
from model.verify import claims
from model.verify.cause import Argument, Loss, argue, loss, owed_to
from model.verify.claims import Claim, Note, NoteKind
from model.verify.delivery import Delivery
from model.verify.stake import (
    Key,
    at_stake,
    into_register,
    kept_choices,
    logs,
    marks_page,
    reader,
    takes_page,
    writes_page,
)
from model.verify.wording import change_name, members, page_set, pages_text, plural, thread_name


@dataclass(frozen=True)
class Line:
    """One move as a reader sees it.

    Attributes:
        changes: `kernel` or `user[VGA]` -> pages, or a truth value.
        code: the lines of the design that the move is written in.
    """

    number: int
    operation: str
    step: str
    thread: str
    arguments: Mapping[str, object]
    changes: Mapping[str, object]
    text: str
    notes: tuple[Note, ...]
    place: str | None = None
    code: tuple[Place, ...] = ()

    @property
    def broken(self) -> bool:
        """The move takes the last promise away."""
        return any(note.kind is NoteKind.BROKEN for note in self.notes)


@dataclass(frozen=True)
class Story:
    """A counterexample, told.

    Attributes:
        lines: the moves of the shortest trace.
        tail: what follows a broken promise until the write is lost; empty where nothing follows.
        because: the argument, one sentence per line.
        claims: what the notes and the argument say, as values that can be checked on the run.
    """

    title: str
    pages: int
    sizes: Mapping[str, int]
    lines: tuple[Line, ...]
    because: tuple[str, ...]
    tail: tuple[Line, ...] = ()
    aftermath: str = ""
    lost: Loss | None = field(default=None)
    claims: tuple[Claim, ...] = ()

    @property
    def size(self) -> str:
        """`10 moves, 1 page, 2 clients`."""
        counts = [(len(self.lines), "move"), (self.pages, "page")]
        counts += [(n, s.lower()) for s, n in self.sizes.items() if s not in (*HARDWARE, SIZE)]
        buffers = [entries_told(self.sizes[SIZE])] if SIZE in self.sizes else []
        return ", ".join([*(plural(n, word) for n, word in counts), *buffers])


def narrated(trace: Trace, name: str, *, whole: Trace | None = None, aftermath: str = "") -> Story:
    """The story of a violation.

    Args:
        trace: a replayed trace.
        name: the design's name.
        whole: the trace with its continuation to an end-to-end loss, where there is one.
        aftermath: one sentence on what becomes of a broken promise.
    """
    lost, told_of = loss(trace), whole or trace
    promise = len(trace) if trace.invariant.name == "promise_kept" else None
    argument = argue(told_of, lost, promise) if lost else Argument()
    lines = tuple(_lines(told_of, lost, argument))
    said = [*(c for sentence in argument.sentences for c in sentence), *(n.claim for x in lines for n in x.notes)]
    return Story(
        title=_title(name, trace, lost),
        pages=trace.instance.pages,
        sizes=trace.instance.sizes | trace.instance.buffer_size,
        lines=lines[: len(trace)],
        because=tuple(_sentence(sentence) for sentence in argument.sentences),
        tail=lines[len(trace) :],
        aftermath=aftermath,
        lost=lost,
        claims=tuple(said),
    )


def _sentence(parts: tuple[Claim, ...]) -> str:
    """`the clear at 8 removed it, because …`; other claims of one sentence are joined."""
    texts = [c.text for c in parts]
    if isinstance(parts[0], claims.Removed) and parts[1:]:
        return f"{texts[0]}, because {', and '.join(texts[1:])}"
    return ": ".join(texts) if isinstance(parts[-1], claims.Missed) else "; ".join(texts)


# ---------------------------------------------------------------- titles


def _title(name: str, trace: Trace, lost: Loss | None) -> str:
    instance = trace.instance
    who = thread_name(instance, Client.name, trace.number) if trace.number is not None else ""
    if lost is None:
        return f"{name} violates {trace.invariant.name}" + (f" for {who}" if who else "")
    whom, page = owed_to(trace, lost.key), lost.page
    if trace.invariant.name == "no_lost_write":
        if trace.number == MIGRATION.index.number:
            return f"{name} loses a write: {whom} never learns of page {page}"
        return f"{name} leaves {whom} stale: it never learns of page {page}"
    if trace.invariant.name == "complete_copy":
        lacks = f"{whom} has never read page {page} as it is" if whom else f"page {page} is still in `{lost.key[0]}`"
        return f"{name} loses a write: it has finished, and {lacks}"
    if trace.invariant.name == "promise_kept":
        if Delivery(instance, lost.key, page).promised(trace.states[-1]) is False:
            return f"{name} breaks the promise: no bit tells {whom} of page {page} any more"
        # A bit that the property does not name, a register's say, may still carry the page.
        return f"{name} breaks the promise: no bit that the property names tells {whom} of page {page}"
    return f"{name} violates {trace.invariant.name}" + (f" for {who}" if who else "")


# ---------------------------------------------------------------- moves


def _lines(trace: Trace, lost: Loss | None, argument: Argument) -> Iterator[Line]:
    copies = Copies(trace)
    for at, move in enumerate(trace.moves, 1):
        notes = [*copies.after(at), *argument.notes.get(at, ())]
        if at == len(trace) and lost is not None:
            notes += _last_notes(trace, lost, copies)
        step = move.ground.step
        yield Line(
            number=at,
            operation=step.operation,
            step=step.name or step.operation,
            thread=thread_name(trace.instance, move.ground.sort, move.ground.thread),
            arguments=_arguments(trace.instance, move),
            changes=dict(_changes(trace, at)),
            text=move_text(trace, at, copies.versions),
            notes=tuple(notes),
            place=str(step.place) if step.place else None,
            code=step.code or ((step.place,) if step.place else ()),
        )


class Copies:
    """The versions of each page, and which of them each reader has, move by move.

    A design has a copy where exactly one thread takes pages out of a field at stake: who else it may be that has the
    newest content, a trace does not say.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace, self.versions = trace, [0] * trace.instance.pages
        self.readers = {f.key: reader(trace.instance, f.key) for f in at_stake(trace.instance)}
        pages = range(trace.instance.pages)
        self.copied: dict[tuple[Key, int], int | None] = {
            (key, p): None if trace.value(0, *key) >> p & 1 else 0
            for key, who in self.readers.items()
            if who
            for p in pages
        }

    def after(self, at: int) -> Iterator[Note]:
        """The notes on copies that move `at` makes; moves are asked for in order."""
        trace = self.trace
        for page in range(trace.instance.pages):
            self.versions[page] += writes_page(trace, at, page)
        for key, page in self.copied:
            if not marks_page(trace, at, key, page) and takes_page(trace, at, key, page):
                self.copied[key, page] = self.versions[page]
                which = f" of page {page}" if trace.instance.pages > 1 else ""
                text = f"{self.holder(key)} has P{self.versions[page]}{which}"
                yield Note(NoteKind.COPY, claims.HasVersion(text, page, key, at, self.versions[page]))
            elif marks_page(trace, at, key, page) and not writes_page(trace, at, page):
                self.copied[key, page] = None  # begun anew: what it had counts no more

    def holder(self, key: Key) -> str:
        """Who keeps the copy: the destination for MIGRATION, else the reader."""
        who = self.readers[key]
        assert who is not None
        migration = (Client.name, MIGRATION.index.number)
        return "destination" if who == migration else thread_name(self.trace.instance, *who)


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
    """Parts that changed, and registers; not those that only keep a choice, nor what a thread forgets at the end."""
    move, kept = trace.moves[at - 1], kept_choices(trace.instance, trace.moves[at - 1], small=True)
    for changed, _, after in trace.changes(at):
        quiet = changed.key in kept or move.ground.step.last
        if (changed.role == "part" and changed.sort != PLACE) or (is_register(changed.name) and not quiet):
            name = (
                changed.name if is_register(changed.name) else change_name(trace.instance, changed)
            )  # the mover's own
            yield name, members(after) if changed.sort == PAGES else bool(after)


def move_text(trace: Trace, at: int, versions: list[int]) -> str:
    """`MIGRATION: clear.cleared page 0`: who, the step as the design names it, the pages it is about, its choices."""
    move, instance = trace.moves[at - 1], trace.instance
    pages = _subject(trace, at)
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


def _subject(trace: Trace, at: int) -> int | None:
    """The pages that the operation of a move is about: its first set, chosen now or kept in a register."""
    return next((value for _, value in _sets(trace, at)), None)


def _beside(trace: Trace, at: int) -> Iterator[tuple[str, int]]:
    """The other sets of pages that the operation has chosen, where they are known at this move."""
    return ((name, value) for name, value in list(_sets(trace, at))[1:] if value is not None and value)


def _sets(trace: Trace, at: int) -> Iterator[tuple[str, int | None]]:
    """The sets of pages that an operation has chosen, in the order of its parameters; None where it forgot one."""
    move, instance = trace.moves[at - 1], trace.instance
    step = move.ground.step
    first = next(s for s in instance.program.steps if s.operation == step.operation and s.first)
    kept = {name: key for key, name in kept_choices(instance, move).items()}
    for param in first.params:
        if param.kind not in ("page", "some", "any"):
            continue
        if param.name in move.arguments:
            yield param.name, move.arguments[param.name]
        else:
            yield param.name, trace.value(at - 1, *kept[param.name]) if param.name in kept else None


# ---------------------------------------------------------------- notes


def _last_notes(trace: Trace, lost: Loss, copies: Copies) -> Iterator[Note]:
    if trace.invariant.name not in ("no_lost_write", "complete_copy"):
        return
    if trace.invariant.name == "no_lost_write" and trace.number is not None:
        yield _end_of_sync(trace, lost)
    if copies.readers.get(lost.key):
        source, copied = copies.versions[lost.page], copies.copied[lost.key, lost.page]
        has = "nothing" if copied is None else f"P{copied}"
        text = f"source P{source}, {copies.holder(lost.key)} {has}"
        yield Note(NoteKind.VERSIONS, claims.Versions(text, lost.page, lost.key, source, copied))


def _end_of_sync(trace: Trace, lost: Loss) -> Note:
    """What the sync that the property waits for has brought: nothing of the page, though some record may hold it."""
    ground = trace.moves[-1].ground
    begun = next(
        at
        for at in range(len(trace), 0, -1)
        if (g := trace.moves[at - 1].ground).step.first and (g.sort, g.thread) == (ground.sort, ground.thread)
    )
    held = any(trace.value(len(trace), *key) >> lost.page & 1 for key in logs(trace, lost.page))
    held |= any(into_register(trace, at, lost.page) for at in range(begun, len(trace) + 1))
    of = f" of page {lost.page}" if trace.instance.pages > 1 else ""
    text = f"{'delivers' if held else 'reports'} nothing{of}"
    return Note(NoteKind.ENDS, claims.Delivered(text, lost.page, lost.key, begun, held))
