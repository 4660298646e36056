"""Runs an operation once, with a symbolic state and thread, and cuts what it does into guarded atomic steps.

A step is everything between two `yield`s. Taking a lock joins the step after it and freeing it the step before it:
taking is a right mover and freeing a left mover, so the joined step reaches the same states between operations.
Source: Lipton, "Reduction: a method of proving properties of parallel programs", CACM 18(12), 1975.
"""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from model.errors import DesignError, Place, focus, here, is_ours, shown_path
from model.expr import (
    FALSE,
    PAGES,
    STALE,
    TRUE,
    TRUTH,
    Element,
    Expr,
    Index,
    Operation,
    Pages,
    Part,
    Sort,
    indices,
    lift,
    make,
    node,
    recorders,
    replace_index,
    rewrite,
    show,
    walk,
)
from model.step import Held, Param, Step, Update
from model.views import Me, StateView


@dataclass
class Draft:
    """The step that is being recorded."""

    guards: list[Expr] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    takes: list[Held] = field(default_factory=list)
    frees: list[Held] = field(default_factory=list)
    name: str = ""
    place: Place | None = None

    def something(self) -> bool:
        return bool(self.guards or self.updates or self.takes or self.frees)


_serial = iter(range(1 << 62))


def stored_name(part: Part, by: Sort) -> str:
    """The part that holds what a thread of this kind has stored and the machine has not drained yet."""
    return f"stored_{part.name}_by_{by.name.lower()}"


def pending_name(part: Part, by: Sort) -> str:
    """The flag that says that there is such a store."""
    return f"pending_{part.name}_by_{by.name.lower()}"


class Recorder:
    """Collects the steps of one operation of one design.

    Args:
        owner: the design's name, for messages.
        parts: what `s.…` may name.
        by: whose threads run the operation.
        split_locks: record taking and freeing a lock as steps of their own.
    """

    def __init__(self, owner: str, parts: Mapping[str, Part], operation: str, by: Sort, split_locks: bool = False):
        self.owner, self.parts, self.operation, self.by = owner, parts, operation, by
        self.split_locks = split_locks
        self.params: dict[str, Param] = {}
        self.registers: dict[str, str] = {}  # name -> sort of value
        self.steps: list[Draft] = []
        self.held: list[Held] = []
        self.draft = Draft()
        self.serial: int | None = next(_serial)  # None: not in a step, as in a property

    # -- what the views call

    def current(self, name: str, index: Index | None, sort: str) -> Expr:
        """The value now: the state before the step, changed by what the step has assigned so far."""
        value = node("var", (name, index), sort, self.serial)
        for update in self.draft.updates:
            if update.variable != name:
                continue
            if update.index is None or index is None or update.index == index:
                value = update.value
            elif update.index.kind == "each":
                value = replace_index(update.value, update.index, index)
            else:
                value = make("choose", make("is", index, update.index), update.value, value)
        return value

    def assign(self, name: str, index: Index | None, value: Expr, sort: str) -> None:
        """Add `name[index] := value` to the open step."""
        self.check_fresh(value)
        if value.sort != sort:
            kinds = {PAGES: "a set of pages", TRUTH: "a truth value"}
            raise self.error(f"{name} is {kinds[sort]}, and {show(value)} is {kinds[value.sort]}.")
        self.check_each(value, index)
        self.touch()
        self.draft.updates.append(Update(name, index, value))

    # -- store buffers

    def load(self, part: Part, direct: bool) -> Expr:
        """A shared part as the thread sees it: its own pending store first."""
        value = self.current(part.name, None, part.sort)
        if direct or not self.buffered(part):
            return value
        me = Index("me", self.by.name)
        pending = self.current(pending_name(part, self.by), me, TRUTH)
        return make("choose", pending, self.current(stored_name(part, self.by), me, part.sort), value)

    def store(self, part: Part, value: Expr, direct: bool) -> None:
        """Assign a shared part; a plain store of a `memory="tso"` part goes into the thread's store buffer."""
        if direct or not self.buffered(part):
            self.assign(part.name, None, value, part.sort)
            return
        me = Index("me", self.by.name)
        if any(u.variable.startswith("pending_") for u in self.draft.updates):
            raise self.error(
                f"two plain stores in one step; a store buffer takes one at a time. End the first one's step with a "
                f"yield, or store {part.name} at once: s.locked.{part.name} = ..."
            )
        self.fence()
        self.assign(stored_name(part, self.by), me, value, part.sort)
        self.assign(pending_name(part, self.by), me, TRUE, TRUTH)

    def fence(self) -> None:
        """The open step waits until no store of this thread is pending."""
        me = Index("me", self.by.name)
        for part in self.parts.values():
            if self.buffered(part):
                self.guard(make("negate", self.current(pending_name(part, self.by), me, TRUTH)))

    def buffered(self, part: Part) -> bool:
        """Whether this thread's plain stores to the part wait in a buffer."""
        return part.memory == "tso" and pending_name(part, self.by) in self.parts

    def guard(self, condition: Expr) -> None:
        """The open step waits for `condition`."""
        self.check_fresh(condition)
        if condition.sort != TRUTH:
            raise self.error(f"wait_for(...) takes a truth value, and {show(condition)} is a set of pages; compare it.")
        if condition is FALSE:
            raise self.error("this guard is never true, so the operation can never run; remove it or the operation.")
        self.check_each(condition, None)
        self.touch()
        self.draft.guards.append(condition)

    def take(self, held: Held) -> None:
        if held in self.held:
            raise self.error(
                f"{held} is taken twice: the thread would wait for itself for ever. Take it once, around both parts."
            )
        if self.draft.guards or self.draft.updates or self.draft.frees:
            raise self.error(
                f'the step before {held} is taken has no name. End it with `yield "..."` before the lock; '
                f"the name is what a counterexample shows."
            )
        self.touch()
        self.draft.takes.append(held)
        self.held.append(held)
        if self.split_locks:
            self.cut(f"took {held.lock}")

    def free(self, held: Held) -> None:
        if held not in self.held:
            raise self.error(f"{held} is freed by a thread that does not hold it; take it first: `with s.{held}:`.")
        if self.draft.something():
            what = (
                "nothing happens under it"
                if not self.draft.updates + self.draft.guards
                else ("the last step under it has no name")
            )
            raise self.error(f'{held} is freed, but {what}. End that step with `yield "..."` inside the lock.')
        self.held.remove(held)
        if self.split_locks:
            self.draft.frees.append(held)
            self.touch()
            self.cut(f"freed {held.lock}")
        else:
            self.steps[-1].frees.append(held)

    def cut(self, name: object, place: Place | None = None) -> None:
        """End the open step and name it; `place` is the line that ends it."""
        if not isinstance(name, str) or not name:
            raise self.error('`yield` ends a step and names it: yield "cleared".', place)
        if not self.draft.something() and not (self.params and not self.steps):
            raise self.error(f'nothing happens before `yield "{name}"`; a step changes something or waits.', place)
        if any(name == s.name for s in self.steps):
            raise self.error(
                f'two steps of this operation are named "{name}", and a counterexample could not tell them apart; '
                f"give each its own name.",
                place,
            )
        self.draft.name = name
        self.draft.place = self.draft.place or place or here()
        self.steps.append(self.draft)
        self.draft, self.serial = Draft(), next(_serial)

    def finish(self, start: Place) -> None:
        """The operation has returned: what is open must be nothing, or the one unnamed step."""
        if self.held:
            raise self.error(f"{self.held[0]} is taken and never freed; use `with s.{self.held[0]}:`.", start)
        if not self.draft.something():
            if not self.steps:
                raise self.error("the operation does nothing; let it change a part, or remove it.", start)
            return
        if self.steps:
            raise self.error(
                f'the step after "{self.steps[-1].name}" has no name. End it with `yield "..."`; '
                f"the name is what a counterexample shows.",
                self.draft.place,
            )
        self.steps.append(self.draft)

    # -- checks

    def touch(self) -> None:
        self.draft.place = self.draft.place or here()

    def check_fresh(self, value: Expr) -> None:
        if value.when not in (None, self.serial):
            raise self.error(STALE)

    def check_each(self, value: Expr, index: Index | None) -> None:
        for loose in indices(value):
            if loose.kind == "each" and loose != index:
                sort = loose.sort
                raise self.error(
                    f"`every {sort.lower()}` stands for one {sort} after another and needs the same on the left: "
                    f"s.part[every_{sort.lower()}] = ...; for a guard write every({sort}, lambda c: ...)."
                )

    def error(self, message: str, place: Place | None = None) -> DesignError:
        return DesignError(f"{self.owner}.{self.operation}: {message}", place or here())


# ---------------------------------------------------------------- one operation


class Page:
    """Annotation of a parameter: exactly one page."""


class SomePages:
    """Annotation of a parameter: a non-empty set of pages (what a parameter is unless it says otherwise)."""


class AnyPages:
    """Annotation of a parameter: a set of pages that may be empty."""


KINDS = {Page: "page", SomePages: "some", AnyPages: "any", bool: "truth", Pages: "some"}


def parameters(operation: Operation, sorts: Mapping[str, Sort], error: Callable[..., DesignError]) -> list[Param]:
    """The parameters after `s` and `me`, with the kind that their annotation or their name gives them."""
    try:
        signature = inspect.signature(operation.function, eval_str=True)
    except NameError as unknown:
        raise error(f"an annotation of a parameter is unknown: {unknown}.") from None
    names = list(signature.parameters.values())
    if len(names) < 2 or names[1].name != "me":
        raise error("an operation takes the state and the thread, which is called me, first: def sync(s, me): ...")
    found = []
    for name in names[2:]:
        if name.kind in (name.VAR_POSITIONAL, name.VAR_KEYWORD) or name.default is not name.empty:
            raise error(f"parameter {name.name}: an operation has plain parameters only, which the checker chooses.")
        found.append(_param(name, sorts, error))
    return found


def _param(name: inspect.Parameter, sorts: Mapping[str, Sort], error: Callable[..., DesignError]) -> Param:
    hint = name.annotation
    if isinstance(hint, Sort):
        return Param(name.name, "index", hint.name)
    if hint in KINDS:
        return Param(name.name, KINDS[hint])
    if hint is not name.empty:
        raise error(f"parameter {name.name}: annotate it with Page, SomePages, AnyPages, bool or an index sort.")
    by_name = {s.name.lower(): s.name for s in sorts.values()}
    if name.name in by_name:
        return Param(name.name, "index", by_name[name.name])
    return Param(name.name, "page" if name.name == "page" else "some")


def record_operation(
    owner: str, name: str, operation: Operation, parts: Mapping[str, Part], sorts: Mapping[str, Sort], split_locks: bool
) -> Recorder:
    """Run the operation once; the recorder that comes back holds its steps.

    Raises:
        DesignError: the operation breaks a rule of the language; the message names file and line.
    """
    recorder = Recorder(owner, parts, name, operation.by, split_locks)
    code = operation.function.__code__
    start = Place(shown_path(code.co_filename), code.co_firstlineno)

    def error(message: str) -> DesignError:
        return recorder.error(message, start)

    params = parameters(operation, sorts, error)
    _no_rebinding(operation, [p.name for p in params], recorder)
    recorder.params = {p.name: p for p in params}
    given = {p.name: _argument(p) for p in params}
    recorders.append(recorder)
    focus.append(code.co_filename)
    try:
        body = operation.function(StateView(recorder), Me(recorder), **given)
        if inspect.isgenerator(body):
            for label in body:
                recorder.cut(label, Place(start.file, body.gi_frame.f_lineno if body.gi_frame else start.line))
        recorder.finish(start)
    except DesignError as wrong:
        raise _named(wrong, recorder) from None
    except Exception as wrong:
        raise recorder.error(f"{type(wrong).__name__}: {wrong}", last_place(wrong) or start) from wrong
    finally:
        recorders.pop()
        focus.pop()
    return recorder


def _argument(param: Param) -> object:
    if param.kind == "index":
        return Element(Index("param", param.sort, param.name))
    return node("param", (param.name,), TRUTH if param.kind == "truth" else PAGES)


def _no_rebinding(operation: Operation, names: list[str], recorder: Recorder) -> None:
    code = operation.function.__code__
    line = code.co_firstlineno
    for instruction in dis.get_instructions(code):
        line = getattr(instruction, "line_number", instruction.starts_line) or line  # line_number: Python 3.13
        if instruction.opname.startswith(("STORE_FAST", "STORE_DEREF")) and instruction.argval in names:
            raise recorder.error(
                f"{instruction.argval} is a parameter: it is chosen once, when the operation starts, and cannot be "
                f"assigned. Keep the new value in a register of another name, me.kept_{instruction.argval} = ...",
                Place(shown_path(code.co_filename), int(line)),
            )


def _named(wrong: DesignError, recorder: Recorder) -> DesignError:
    if wrong.message.startswith(recorder.owner):
        return wrong
    return DesignError(f"{recorder.owner}.{recorder.operation}: {wrong.message}", wrong.place)


def last_place(wrong: BaseException) -> Place | None:
    """The innermost line of an exception that is not ours."""
    trace, found = wrong.__traceback__, None
    while trace:
        file = trace.tb_frame.f_code.co_filename
        if not is_ours(file):
            found = Place(shown_path(file), trace.tb_lineno)
        trace = trace.tb_next
    return found


# ---------------------------------------------------------------- from drafts to steps


def steps_of(recorder: Recorder, location: Callable[[int], int]) -> list[Step]:
    """The recorded steps with their locations, parameters kept in registers where later steps need them.

    Args:
        recorder: a finished recording.
        location: the number of the thread's location after the operation's i-th step, i from 0.
    """
    drafts = recorder.steps
    kept = _kept(recorder)
    made = []
    for i, draft in enumerate(drafts):
        last = i == len(drafts) - 1
        settle = _settler(recorder, later=i > 0)
        updates = [Update(u.variable, u.index, settle(u.value)) for u in draft.updates]
        updates = [u for u in updates if not u.variable.startswith("me.") or (u.variable in kept and not last)]
        me = Index("me", recorder.by.name)
        if i == 0 and not last:
            chosen = [p for p in recorder.params.values() if f"me.{p.name}" in kept]
            updates += [Update(f"me.{p.name}", me, _argument(p)) for p in chosen]  # type: ignore[arg-type]
        if last and i:
            updates += [Update(name, me, lift(False) if sort == TRUTH else lift_none()) for name, sort in kept.items()]
        made.append(
            Step(
                operation=recorder.operation,
                name=draft.name,
                by=recorder.by.name,
                source=0 if i == 0 else location(i - 1),
                target=0 if last else location(i),
                params=tuple(recorder.params.values()) if i == 0 else (),
                guards=tuple(settle(g) for g in draft.guards),
                updates=tuple(updates),
                takes=tuple(draft.takes),
                frees=tuple(draft.frees),
                place=draft.place,
            )
        )
    return made


def lift_none() -> Expr:
    return node("none", (), PAGES)


def _kept(recorder: Recorder) -> dict[str, str]:
    """Registers (and parameters) that a later step reads; the others need no state."""
    kept: dict[str, str] = {}
    for draft in recorder.steps[1:]:
        settle = _settler(recorder, later=True)
        for expr in [*draft.guards, *(u.value for u in draft.updates)]:
            for leaf in walk(settle(expr)):
                if leaf.op == "var" and leaf.args[0].startswith("me."):
                    kept[leaf.args[0]] = leaf.sort
    return kept


def _settler(recorder: Recorder, later: bool) -> Callable[[Expr], Expr]:
    """Forget in which step a node was read; in later steps a parameter is what its register kept."""
    me = Index("me", recorder.by.name)

    def leaf(expr: Expr) -> Expr | None:
        if later and expr.op == "param":
            return node("var", (f"me.{expr.args[0]}", me), expr.sort)
        return None

    def settle(expr: Expr) -> Expr:
        return rewrite(expr, leaf)

    return settle


def carried(recorder: Recorder) -> tuple[str, ...]:
    """Index parameters that a later step uses: the thread's location remembers their value."""
    later = [e for d in recorder.steps[1:] for e in [*d.guards, *(u.value for u in d.updates)]]
    terms = {i for e in later for i in indices(e)}
    terms |= {u.index for d in recorder.steps[1:] for u in d.updates if u.index}
    terms |= {h.index for d in recorder.steps for h in d.takes + d.frees if h.index}
    return tuple(p for p in recorder.params if any(i.kind == "param" and i.name == p for i in terms))


if __name__ == "__main__":
    from model.cli import run
    from model.kvm.recorder import command

    run(command, "python -m model.record")
