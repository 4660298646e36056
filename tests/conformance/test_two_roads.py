"""Conformance against a search over all interleavings of the interpreter, on recordings of random designs' walks."""

from collections import Counter
from functools import cache
from random import Random

import pytest

from model import record
from model.conformance.answer import CONFORMS, DOES_NOT
from model.conformance.automaton import Explanations
from model.conformance.conform import held
from model.conformance.letters import Reading
from model.designs.catalogue import built_in_designs, load
from model.errors import CannotSay
from model.limits import Limits
from model.program.mutation import mutants
from tests.support.interleavings import Shown, alone, on_page
from tests.support.recordings import INITIALLY_SET, MANUAL, Lines

SIZES = ((1, 2), (2, 1), (1, 1))  # (pages, clients)


@cache
def all_mutants(name):
    return tuple(m.program for m in mutants(record(load(name))))


def random_design(rng):
    """A built-in design with up to two lines changed at random."""
    name = rng.choice(built_in_designs())
    program = record(load(name))
    for _ in range(rng.randrange(3)):
        program = rng.choice(
            [m.program for m in mutants(program)] if program.digest != record(load(name)).digest else all_mutants(name)
        )
    return program


def walk(shown, rng, length):
    """What a random run shows: so many events, or fewer where the run is long without one."""
    state, events = shown.instance.initial, []
    for _ in range(40 * length):
        if len(events) == length:
            break
        following = shown.moves(state)
        if not following:
            break
        visible = [f for f in following if f[0]]
        what, state = rng.choice(visible if visible and rng.random() < 0.3 else following)
        if what and (what[0] != "read" or rng.random() < 0.7):
            events.append(what)
    return events


def mutated(events, pages, rng):
    """One bit changed, two neighbours swapped, or an event lost."""
    events = list(events)
    i = rng.randrange(len(events))
    match rng.randrange(4):
        case 0 if len(events) > 1:
            i = max(i, 1)
            events[i - 1], events[i] = events[i], events[i - 1]
        case 1 if len(events) > 1:
            del events[i]
        case _:
            events[i] = events[i][0], events[i][1] ^ 1 << rng.randrange(pages)
    return events


def timed(events, rng):
    """Events with begins and ends, in which some neighbours overlap."""
    ends = sorted(range(2 * len(events)), key=lambda p: p)
    q = [[2 * i, 2 * i + 1] for i in range(len(events))]
    for i in range(1, len(events)):
        if rng.random() < 0.25 and q[i - 1] == [2 * i - 2, 2 * i - 1]:
            q[i - 1][1], q[i][0] = 2 * i, 2 * i - 1
    assert ends == sorted(p for pair in q for p in pair)
    return [(begin, end, what) for (begin, end), what in zip(q, events, strict=True)]


def counted(events, marked):
    """The events with reads of pages only that a GET has reported; without any where reads are not marked."""
    reported, found = 0, []
    for begin, end, (kind, pages) in events:
        if kind == "get":
            reported |= pages
        pages &= reported if kind == "read" else pages
        if kind != "read" or (pages and marked):
            found.append((begin, end, (kind, pages)))
    return found


def recording(events, pages, full):
    lines = Lines(pages, INITIALLY_SET if full else MANUAL)
    at = lines.position
    for begin, end, (kind, bits) in sorted(events, key=lambda e: e[1]):
        getattr(lines, kind)(bits, q=[at + begin, at + end])
    return lines.opened()


class Roads:
    """A random design at a random size, ready to be asked on both roads."""

    def __init__(self, rng):
        self.pages, clients = rng.choice(SIZES)
        program = random_design(rng)
        self.explanations = Explanations(Reading(program, {"Client": clients}))
        assert () == self.explanations.reading.larger
        self.whole = Shown(program, self.pages, {"Client": clients})
        self.one = Shown(alone(program), 1, {"Client": clients})
        self.full = bool(self.whole.instance.initial[self.whole.log])

    def agree(self, events):
        """Conformance says of events what all interleavings say; returns its verdict."""
        said, events = events, counted(events, self.explanations.reading.shows_reads)
        (answer,) = held(recording(said, self.pages, self.full), [self.explanations], Limits())
        pages = all(self.one.explains(on_page(events, page)) for page in range(self.pages))
        empty = any(what == ("clear", 0) for _, _, what in events) and not self.explanations.clears_nothing
        assert (CONFORMS if pages and not empty else DOES_NOT) == answer.verdict
        if self.whole.explains(events):
            assert CONFORMS == answer.verdict, "a run of the whole design is refused"
            return "conforms"
        return "neither" if answer.verdict == CONFORMS else "refused"


def visible(events):
    """Without a GET or CLEAR a recording says nothing."""
    return any(kind != "read" for kind, _ in events)


def compare(count, seed):
    """So many recordings, a walk and mutants of it of each design; returns how often each verdict was seen."""
    rng, verdicts = Random(seed), Counter()
    while verdicts.total() < count:
        try:
            roads = Roads(rng)
        except CannotSay:
            continue
        events = walk(roads.whole, rng, rng.randrange(2, 9))
        if not visible(events):
            continue
        verdicts["walk", roads.agree(timed(events, rng))] += 1
        for _ in range(3):
            changed = mutated(events, roads.pages, rng)
            if visible(changed):
                verdicts["mutated", roads.agree(timed(changed, rng))] += 1
    return verdicts


def test_conformance_says_what_all_interleavings_say():
    """40 recordings: every walk conforms, and each mutated one is judged as the interpreter judges it."""
    verdicts = compare(40, seed=1)
    assert {"conforms"} == {said for kind, said in verdicts if kind == "walk"}
    assert verdicts["mutated", "refused"] >= 5


@pytest.mark.slow
def test_conformance_says_what_all_interleavings_say_of_500():
    """How often each page can be explained and no run explains all of them together is in docs/conformance.md."""
    verdicts = compare(500, seed=2)
    assert {"conforms"} == {said for kind, said in verdicts if kind == "walk"}
    assert verdicts["mutated", "refused"] >= 100
    assert verdicts["mutated", "neither"] <= 5
