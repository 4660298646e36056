"""All states of a design that explain what a page has shown so far, as one number: a subset automaton, built lazily.

A *set* is every state that the page may be in after its letters, closed under moves that no recording shows. Pages
with the same letters are in the same set, and the step from a set by a letter is found once for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, reduce
from operator import or_

from model.conformance.letters import MATCHES, STAYS, Letter, Reading
from model.errors import TooWide
from model.instance.state import State

UNMARKED = (None, Letter.READ)  # moves that may happen without a line in the recording
START, DEAD = 0, 1  # numbers of the set at the start, and of the empty set
MOST_SETS, MOST_STATES = 100_000, 12_000  # a state takes two bits for every other one, and one for each letter


class Explanations:
    """The subset automaton of a design on one page.

    Attributes:
        states: number -> state.
        sets: number -> set, as a bitmap of numbers of states.
        clears_nothing: whether a CLEAR of the design may have an empty mask, though what it was asked for is not empty.
        table: set -> letter -> set, None where nobody has asked yet.

    Raises:
        TooWide: the design has more states, or a recording leads to more sets, than are kept.
    """

    def __init__(self, reading: Reading) -> None:
        self.reading, self.instance = reading, reading.instance
        self.dropped = [p for p in range(len(self.instance.fields)) if p not in reading.relevant]
        self.states: list[State] = []
        self.number: dict[State, int] = {}
        without: dict[str, set[str]] = {step: set() for step in reading.chosen}
        silent, shown = self._explore(without)
        self.clears_nothing = any(needed <= without[step] for step, needed in reading.chosen.items())
        closures = _closures(silent)
        self.after: dict[Letter, dict[int, int]] = {letter: {} for letter in Letter}
        for number, found in enumerate(shown):
            for letter, led in found.items():
                self.after[letter][number] = _union(closures[t] for t in led)
        self.showing = {letter: _union(1 << n for n in after) for letter, after in self.after.items()}
        self.sets = [closures[0], 0]
        self.ids = {states: number for number, states in enumerate(self.sets)}
        self.table: list[list[int | None]] = [[None] * len(Letter), [DEAD] * len(Letter)]

    @property
    def starts_full(self) -> bool:
        """Whether the design's log begins with every page in it."""
        return bool(self.instance.initial[self.reading.log])

    # -- states

    def _explore(self, without: dict[str, set[str]]) -> tuple[list[set[int]], list[dict[Letter, set[int]]]]:
        """Every reachable state; where each leads silently, and by each letter.

        Args:
            without: filled with what a CLEAR of a step may have been asked for this page for, and leave it.
        """
        self._state(self.instance.initial)
        silent: list[set[int]] = []
        shown: list[dict[Letter, set[int]]] = []
        for number, state in enumerate(self.states):  # which grows meanwhile
            silent.append(set())
            shown.append({})
            for move, after in self.instance.successors(state):
                letter = self.reading.letter(move, state)
                if letter in UNMARKED:
                    silent[number].add(self._state(after))
                if letter is None:
                    continue
                shown[number].setdefault(letter, set()).add(self._state(after))
                if letter is Letter.CLEAR_0:
                    label, chosen = self.reading.chosen_here(move, state)
                    without[label] |= chosen
        return silent, shown

    def _state(self, state: State) -> int:
        """The number of a state, without what nothing depends on."""
        kept = list(state)
        for position in self.dropped:
            kept[position] = 0
        state = tuple(kept)
        if state not in self.number:
            if len(self.states) >= MOST_STATES:
                raise TooWide(
                    f"{self.reading.program.name} has more than {MOST_STATES:,} states on one page at these sizes; "
                    "ask for fewer clients."
                )
            self.number[state] = len(self.states)
            self.states.append(state)
        return self.number[state]

    # -- sets

    @cached_property
    def any(self) -> int:
        """The set of every state: nothing is known."""
        return self._id((1 << len(self.states)) - 1)

    def members(self, number: int) -> list[State]:
        """The states of a set."""
        return [self.states[n] for n in _numbers(self.sets[number])]

    def _id(self, states: int) -> int:
        number = self.ids.setdefault(states, len(self.sets))
        if number == len(self.sets):
            if number >= MOST_SETS:
                raise TooWide(f"the recording leads to more than {MOST_SETS:,} sets of states.")
            self.sets.append(states)
            self.table.append([None] * len(Letter))
        return number

    def union(self, ids: Iterable[int]) -> int:
        """The set of all states of these sets."""
        return self._id(_union(self.sets[i] for i in ids))

    def step(self, number: int, letter: int) -> int:
        """The set after a letter."""
        found = self.table[number][letter]
        if found is None:
            found = self._id(self._step(self.sets[number], Letter(letter)))
            self.table[number][letter] = found
        return found

    def _step(self, states: int, letter: Letter) -> int:
        led = _union(self.after[m][n] for m in MATCHES.get(letter, ()) for n in _numbers(states & self.showing[m]))
        return states | led if letter in STAYS else led


def _union(bitmaps: Iterable[int]) -> int:
    return reduce(or_, bitmaps, 0)


def _numbers(bitmap: int) -> Iterator[int]:
    """The ones of a bitmap, ascending."""
    text = bin(bitmap)[:1:-1]
    at = text.find("1")
    while at >= 0:
        yield at
        at = text.find("1", at + 1)


def _closures(led: Sequence[set[int]]) -> list[int]:
    """Everything that each state leads to, itself included, as a bitmap."""
    found = [1 << n for n in range(len(led))]
    order = _last_first(led)
    changed = True
    while changed:  # once round where nothing goes in circles
        changed = False
        for n in order:
            more = _union(found[t] for t in led[n]) | found[n]
            changed |= more != found[n]
            found[n] = more
    return found


def _last_first(led: Sequence[set[int]]) -> list[int]:
    """All states, each after those that it leads to unless they go in circles: depth first, on the way back."""
    order, seen = list[int](), set[int]()
    for start in range(len(led)):
        stack = [(start, iter(led[start]))] if start not in seen else []
        seen.add(start)
        while stack:
            number, rest = stack[-1]
            following = next((t for t in rest if t not in seen), None)
            if following is None:
                order.append(number)
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(led[following])))
    return order
