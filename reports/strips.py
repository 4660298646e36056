"""A state as a person sees it: one lane per thread, one for what they share, in it a strip of pages per bitmap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from model.expr import PAGES, PLACE, TRUTH, Client, bare
from model.instance.instance import Instance
from model.instance.state import Field, State
from model.verify.stake import Key
from model.verify.wording import page_set, thread_name

SHARED = "shared"
HUES = ("kernel", "cache", "user", "mine", "unread")  # names with a colour of their own; others share the rest
SPARE = 4


@dataclass(frozen=True)
class Strip:
    """One bitmap or flag of a lane.

    Attributes:
        key: `kernel`, `user[VGA]`: unique in a state.
        hue: the class of its colour.
        cells: for each page whether its bit is set; of a flag one cell.
        ghost: it is knowledge about the run that no program holds.
        text: what a screen reader says.
        lost: `lost`, or which of its pages are, where nothing can bring them any more.
    """

    key: str
    label: str
    doc: str
    hue: str
    cells: tuple[bool, ...]
    flag: bool
    ghost: bool
    changed: bool
    text: str
    lost: str = ""


@dataclass(frozen=True)
class Lane:
    """A thread, an object, or what all share.

    Attributes:
        key: `shared`, `client-0`, `guest-0`.
        place: where the thread is: `idle`, `after clear.chosen`, or empty for what is no thread.
        facts: registers and flags that are not empty, and who holds which lock, as text.
    """

    key: str
    title: str
    place: str
    strips: tuple[Strip, ...]
    facts: tuple[str, ...]


def lane_keys(instance: Instance) -> list[str]:
    """The lanes of an instance from left to right: who writes, what is shared, everything else, the clients."""
    sorts = sorted(instance.sizes, key=lambda s: (s == Client.name, s not in instance.program.threads, s))
    threads = [s for s in sorts if s != Client.name and s in instance.program.threads]
    others = [s for s in sorts if s not in threads]
    shared = [SHARED] if _has_shared(instance) else []
    left = [lane_key(s, k) for s in threads for k in range(instance.sizes[s])]
    return left + shared + [lane_key(s, k) for s in others for k in range(instance.sizes[s])]


def lane_key(sort: str, number: int) -> str:
    """`client-0`."""
    return f"{sort.lower()}-{number}"


def lane_of(field: Field) -> str:
    """The lane that a field is drawn in."""
    return SHARED if field.per is None or field.number is None else lane_key(field.per, field.number)


def is_ghost(instance: Instance, field: Field) -> bool:
    """The field is what an observer knows: a ghost of a property, or a part whose text says so."""
    return field.role == "ghost" or instance.program.variable[field.name].at_stake


def lane_titles(instance: Instance) -> dict[str, str]:
    """What each lane is called."""
    names = {SHARED: "shared by all"}
    for sort, size in instance.sizes.items():
        names |= {lane_key(sort, k): thread_name(instance, sort, k) for k in range(size)}
    return {key: names[key] for key in lane_keys(instance)}


def lanes(
    instance: Instance, state: State, before: State | None = None, lost: Mapping[Key, int] | None = None
) -> tuple[Lane, ...]:
    """The state, lane by lane.

    Args:
        before: the state before it, with which strips are compared to mark what changed.
        lost: the pages of each field that nothing can bring any more to whom they are owed.
    """
    strips: dict[str, list[Strip]] = {key: [] for key in lane_keys(instance)}
    facts: dict[str, list[str]] = {key: [] for key in strips}
    places = dict.fromkeys(strips, "")
    for i, field in enumerate(instance.fields):
        key = lane_of(field)
        if field.sort == PLACE:
            places[key] = _place(instance, field, state[i])
        elif field.role == "part":
            gone = (lost or {}).get(field.key, 0)
            strips[key].append(_strip(instance, field, state[i], before is not None and before[i] != state[i], gone))
        elif state[i]:
            facts[key if key in facts else next(iter(facts))].append(_fact(field, state[i]))
    if SHARED in facts:
        facts[SHARED] += _locks(instance, state)
    titles = lane_titles(instance)
    return tuple(Lane(k, titles[k], places[k], tuple(strips[k]), tuple(facts[k])) for k in strips)


def hue(instance: Instance, name: str) -> str:
    """The colour class of a variable: fixed for the usual names, by order of declaration for others."""
    if name in HUES:
        return name
    others = [v.name for v in instance.program.variables if v.name not in HUES and v.role == "part"]
    return f"spare{others.index(name) % SPARE}"


def _has_shared(instance: Instance) -> bool:
    return bool(instance.program.locks) or any(f.per is None and f.role == "part" for f in instance.fields)


def _strip(instance: Instance, field: Field, value: int, changed: bool, gone: int) -> Strip:
    flag = field.sort == TRUTH
    cells = (bool(value),) if flag else tuple(bool(value >> p & 1) for p in range(instance.pages))
    lost = "" if not gone else "lost" if gone == value else f"{page_set(gone)} lost"
    said = ("yes" if value else "no") if flag else f"pages {page_set(value)}" if value else "empty"
    key = field.name
    if field.per and field.number is not None:
        key += f"[{thread_name(instance, field.per, field.number)}]"
    return Strip(
        key=key,
        label=field.name,
        doc=instance.program.variable[field.name].doc,
        hue=hue(instance, field.name),
        cells=cells,
        flag=flag,
        ghost=is_ghost(instance, field),
        changed=changed,
        text=f"{key}: {said}{', changed' if changed else ''}{f', {lost} for good' if lost else ''}",
        lost=lost,
    )


def _fact(field: Field, value: int) -> str:
    what = "observer" if field.role == "ghost" else "keeps"
    name = bare(field.name)
    return f"{what}: {name} {page_set(value)}" if field.sort == PAGES else f"{what}: {name}"


def _place(instance: Instance, field: Field, code: int) -> str:
    sort = field.per or ""
    number, carried = instance.codes[sort][code]
    if not number:
        return "idle"
    location = instance.program.threads[sort][number]
    values = zip(location.carried, carried, strict=True)
    kept = ", ".join(f"{n} {v}" for n, v in values)
    name = f"{location.operation}.{location.after}" if location.after else location.operation
    return f"after {name}" + (f" ({kept})" if kept else "")


def _locks(instance: Instance, state: State) -> Iterator[str]:
    """`slots_lock: held by VGA`, one for each lock."""
    held: dict[str, list[str]] = {lock.name: [] for lock in instance.program.locks}
    for i, field in enumerate(instance.fields):
        if field.sort == PLACE:
            sort = field.per or ""
            location = instance.program.threads[sort][instance.codes[sort][state[i]][0]]
            for lock in location.held:
                held[lock.lock].append(thread_name(instance, sort, field.number))
    for name, holders in held.items():
        yield f"{name}: held by {' and '.join(holders)}" if holders else f"{name}: free"
