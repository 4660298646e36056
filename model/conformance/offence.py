"""What is said of the first ioctl that nothing explains: the states until then, and what the design allows instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from model.conformance.answer import SHOWN_STATES, At, Offence, Possible
from model.conformance.automaton import DEAD, START, Explanations
from model.conformance.letters import STAYS, Letter
from model.conformance.lives import Life
from model.conformance.pages import Event, Orders
from model.instance.state import Field, State
from model.monitor.recording import Ioctl

HISTORY = 6
OTHER = {  # what the same ioctl would say with the page's bit changed
    Letter.GET_0: (Letter.GET_1, Letter.TAKE_1),
    Letter.GET_1: (Letter.GET_0,),
    Letter.TAKE_1: (Letter.GET_0,),
    Letter.SOME_1: (Letter.GET_0,),
    Letter.CLEAR_0: (Letter.CLEAR_1,),
    Letter.CLEAR_1: (Letter.CLEAR_0,),
}
WORDS = {
    Letter.GET_0: "a GET that does not report page {page}",
    Letter.GET_1: "a GET that reports page {page}",
    Letter.TAKE_1: "a GET that reports page {page} and takes its bit away",
    Letter.SOME_1: "a GET that reports page {page}",
    Letter.CLEAR_0: "a CLEAR of this range without page {page}",
    Letter.CLEAR_1: "a CLEAR that takes page {page}",
    Letter.ELSEWHERE: "a CLEAR of a range without page {page}",
    Letter.READ: "a read of page {page}",
}
BETWEEN = (
    Letter.GET_1,
    Letter.CLEAR_1,
    Letter.GET_0,
    Letter.TAKE_1,
    Letter.CLEAR_0,
)  # what may be missing before an ioctl


def offence(explanations: Explanations, life: Life, number: int, page: int) -> Offence:
    """The ioctl of a life's group, by number, that nothing explains on a page."""
    event, earlier = life.group[number], life.group[:number]
    at = life.pages.set_of(page)
    if earlier:
        orders = Orders(explanations, earlier)
        at = orders.step((at, *(e.letter(page) for e in earlier)))
    letter = event.letter(page)
    return Offence(
        at=_at(event, page),
        vm=life.vm[1],
        slot=life.slot,
        page=page,
        history=tuple(_history([*life.recent, *earlier], page)),
        possible=possible(explanations, at),
        nearest=tuple(nearest(explanations, at, letter, page)),
        overlaps=len(earlier),
        finish=event.finish,
    )


def empty_mask(explanations: Explanations, life: Life, number: int) -> Offence:
    """A CLEAR that takes no page, of a design whose CLEAR always takes one."""
    event = life.group[number]
    page = event.first
    at = life.pages.set_of(page)
    return Offence(
        at=_at(event, page),
        vm=life.vm[1],
        slot=life.slot,
        page=page,
        history=tuple(_history(life.recent, page)),
        possible=possible(explanations, at),
        nearest=("a CLEAR that takes at least one page, as every CLEAR of the design does: this one's mask is empty",),
        finish=event.finish,
    )


def full_start(explanations: Explanations, ioctl: Ioctl) -> Offence:
    """A log that begins empty, of a design whose log begins with every page."""
    return Offence(
        at=At(ioctl.line, ioctl.tid, ioctl.time, Letter.GET_0),
        vm=ioctl.vm[1],
        slot=ioctl.values["slot"],
        page=0,
        history=(),
        possible=possible(explanations, START),
        nearest=("a log that begins with every page in it: KVM_DIRTY_LOG_INITIALLY_SET, before the slot is logged",),
    )


def _at(event: Event, page: int) -> At:
    return At(event.line, event.thread, event.time, event.letter(page))


def _history(events: Iterable[Event], page: int) -> Iterator[At]:
    """The last ioctls that said something of the page."""
    said = [_at(e, page) for e in events if e.letter(page) not in STAYS]
    yield from said[-HISTORY:]


def nearest(explanations: Explanations, at: int, letter: Letter, page: int) -> Iterator[str]:
    """What the design allows: the same ioctl with the page's bit changed, or with another ioctl before it."""
    for other in OTHER.get(letter, ()):
        if explanations.step(at, other) != DEAD:
            yield f"{WORDS[other]}".format(page=page)
    for missing in BETWEEN:
        between = explanations.step(at, missing)
        if between != DEAD and explanations.step(between, letter) != DEAD:
            yield f"the same after {WORDS[missing]}".format(page=page)
            return


def possible(explanations: Explanations, at: int) -> Possible:
    """The states of a set in the words of the design's state."""
    states = explanations.members(at)
    fields = list(enumerate(explanations.instance.fields))
    threads = [position for position, field in fields if field.role == "location"]
    settled = [s for s in states if not any(s[t] for t in threads)]
    named = [(p, _name(f)) for p, f in fields if f.role == "part" and p in explanations.reading.relevant]
    seen = {name: {state[position] for state in settled or states} for position, name in named}
    return Possible(
        count=len(states),
        settled=len(settled),
        always=tuple(n for n, values in seen.items() if values == {1}),
        never=tuple(n for n, values in seen.items() if values == {0}),
        either=tuple(n for n, values in seen.items() if len(values) > 1),
        states=tuple(tuple(_shown(explanations, s)) for s in (settled + states)[:SHOWN_STATES]),
    )


def _name(field: Field) -> str:
    return field.name if field.number is None else f"{field.name}[{field.number}]"


def _shown(explanations: Explanations, state: State) -> Iterator[str]:
    """The parts that have the page, and where each busy thread is."""
    instance = explanations.instance
    for position, field in enumerate(instance.fields):
        if field.role == "location":
            if state[position]:
                place, _ = instance.codes[field.per or ""][state[position]]
                location = instance.program.threads[field.per or ""][place]
                yield f"{field.per} {field.number} after {location.operation}.{location.after}"
        elif state[position] and position in explanations.reading.relevant:
            yield _name(field)
