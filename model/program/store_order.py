"""Which stores would be seen in another order than the program's, and who could see it: refused while recording.

A store to a plain part acts at once; one to a `memory="tso"` part may wait. So a plain store after a buffered one
overtakes it, which x86 never does. docs/design.md, "Store buffers", has the definitions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from model.errors import DesignError
from model.expr import Index, Lock, Part, Sort, is_register, walk
from model.program.builder import Draft, Event, Recorder
from model.program.step import Step

DRAINS = ("fence", "take")  # a locked instruction, of which taking a lock is one, empties the buffer first


def refuse_overtaking(
    recorders: Sequence[Recorder], steps: Iterable[Step], parts: Mapping[str, Part], sorts: Mapping[str, Sort]
) -> None:
    """Refuse a store that other threads can see while an earlier one of the same thread may wait in its buffer.

    Raises:
        DesignError: there is one; the message says what to write instead.
    """
    hidden = {name for name in parts if parts[name].ghost} | set(seen_by_one_thread(steps, parts, sorts))
    for by in dict.fromkeys(r.by.name for r in recorders):
        own = [r for r in recorders if r.by.name == by]
        left = [_through(r, "", hidden) for r in own]
        if waiting := next(filter(None, left), ""):  # an operation may begin with what an earlier one left waiting
            for recorder in own:
                _through(recorder, waiting, hidden)


def drained(draft: Draft) -> bool:
    """The step is taken only while the own buffer is empty."""
    return any(e.kind in DRAINS for e in draft.events)


def _through(recorder: Recorder, waiting: str, hidden: set[str]) -> str:
    """Go through an operation: a part with a store in the buffer at its beginning, and one at its end (or "")."""
    for draft in recorder.steps:
        waiting = _step(recorder, draft, waiting, hidden)
    return waiting


def _step(recorder: Recorder, draft: Draft, waiting: str, hidden: set[str]) -> str:
    stored = ""
    if drained(draft):
        waiting = ""
    for event in draft.events:
        if event.kind in DRAINS and stored:
            raise _refusal(recorder, event, AFTER_ITS_STORE[event.kind], stored)
        if event.kind == "store":
            stored = waiting = event.name
        elif waiting and event.kind == "free":
            raise _refusal(recorder, event, FREED, waiting)
        elif waiting and event.kind == "at once" and event.name not in hidden:
            raise _refusal(recorder, event, OVERTAKES, waiting)
    return waiting


OVERTAKES = (
    "{name} is stored while an earlier store to {waiting} may still wait in the store buffer, so other threads would "
    "see the later store first; x86 keeps the order. Write s.locked.{name} for a locked instruction, which waits until "
    'the buffer is empty; or fence() before it; or declare {name} with memory="tso" as well; or, where the real '
    "program has no such variable, with ghost=True."
)
FREED = (
    "the lock {name} is freed while a store to {waiting} may still wait in the store buffer, so the next holder would "
    'miss it; x86 keeps the order. End the step of that store with a yield, then fence(), then yield "..." '
    "inside the lock."
)
AFTER_ITS_STORE = {
    "fence": "a fence or a locked instruction in the step of the plain store to {waiting}: it waits until that store "
    "is seen, so it is a step of its own. End the store's step with a yield before it.",
    "take": "{name} is taken in the step of the plain store to {waiting}; end the store's step with a yield before it.",
}


def _refusal(recorder: Recorder, event: Event, text: str, waiting: str) -> DesignError:
    return recorder.error(text.format(name=event.name, waiting=waiting), event.place)


def seen_by_one_thread(steps: Iterable[Step], parts: Mapping[str, Part], sorts: Mapping[str, Sort]) -> Iterator[str]:
    """Parts that only one thread ever loads or stores: all by one thread, or by each thread its own."""
    users: dict[str, set[tuple[str, Index | None]]] = {}
    for step in steps:
        for name, index in touched(step):
            users.setdefault(name, set()).add((step.by, index))
    for name, found in users.items():
        kinds = {by for by, _ in found}
        if name not in parts or isinstance(parts[name], Lock) or len(kinds) != 1:
            continue
        only, per = sorts[kinds.pop()], parts[name].per
        if only.size == 1 or (per is only and all(i == Index("me", only.name) for _, i in found)):
            yield name


def touched(step: Step) -> Iterator[tuple[str, Index | None]]:
    """(part, index) of everything that a step loads or stores, registers left out."""
    values = [*step.guards, *(u.value for u in step.updates)]
    named = [(e.args[0], e.args[1]) for e in walk(*values) if e.op == "var"]
    named += [(u.variable, u.index) for u in step.updates]
    return ((name.partition(".")[0], index) for name, index in named if not is_register(name))


def refuse_read_ghosts(owner: str, steps: Iterable[Step], parts: Mapping[str, Part]) -> None:
    """Refuse a step that looks at a ghost for anything but a ghost, for then threads could notice it.

    Raises:
        DesignError: there is one.
    """
    ghosts = {name for name, part in parts.items() if part.ghost}
    for step in steps if ghosts else ():
        values = [*step.guards, *(u.value for u in step.updates if u.variable.partition(".")[0] not in ghosts)]
        for name in (str(e.args[0]).partition(".")[0] for e in walk(*values) if e.op == "var"):
            if name in ghosts:
                raise DesignError(
                    f"{owner}.{step.operation}: {name} is a ghost, which the real program does not have, and this step "
                    f"looks at it. Only properties and stores to ghosts may; keep what the thread needs in a register, "
                    f"me.{name} = ..., or leave ghost=True out.",
                    step.place,
                )
