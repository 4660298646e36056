"""Whether a page can still reach whom it is owed: asked of the states that follow, not of what the parts are called."""

from __future__ import annotations

from collections.abc import Iterable

from model.instance.instance import Instance
from model.instance.state import State
from model.verify.stake import Key, at_stake, records, writes

MOST_STATES = 20_000  # a second of search; where more follow, nothing is claimed


class Delivery:
    """Runs that follow a state in which nobody writes the page again.

    Args:
        key: the field at stake that holds the page until it is delivered.
        limit: distinct states to look at for one answer.
    """

    def __init__(self, instance: Instance, key: Key, page: int, limit: int = MOST_STATES) -> None:
        self.instance, self.key, self.page, self.limit = instance, key, page, limit
        self.known: dict[State, bool | None] = {}
        stakes = {instance.position[f.key] for f in at_stake(instance)}
        self.writers = {m.number for m in instance.moves if any(p in stakes for p, _ in m.ground.updates)}

    def possible(self, state: State) -> bool | None:
        """Some run without another write of the page takes it out of the field; None where too many states follow."""
        if state not in self.known:
            self.known[state] = self._search(state)
        return self.known[state]

    def promised(self, state: State) -> bool | None:
        """A record promises the page: some run delivers it, from here or with every thread back at its beginning.

        Without the second, a promise would count as broken where a thread is bound to take the record away, and not
        where it does.
        """
        owed = self.owing(state)
        here = self.possible(owed)
        return here if here is not False else self.possible(self._idle(owed))

    def owing(self, state: State) -> State:
        """The state with the page at stake."""
        changed = list(state)
        changed[self.instance.position[self.key]] |= 1 << self.page
        return tuple(changed)

    def _idle(self, state: State) -> State:
        fields = self.instance.fields
        return tuple(0 if f.role in ("location", "register") else v for f, v in zip(fields, state, strict=True))

    def with_only(self, state: State, kept: Iterable[Key]) -> State:
        """The state without any record of the page but those in the fields `kept`."""
        keep, changed = set(kept), list(state)
        for field in records(self.instance):
            if field.key not in keep:
                changed[self.instance.position[field.key]] &= ~(1 << self.page)
        return tuple(changed)

    def carriers(self, state: State) -> tuple[Key, ...] | None:
        """The fields whose record of the page is enough for it to be delivered.

        Returns:
            None where that was not determined, or where several suffice together and none of them alone.
        """
        found = []
        for field in records(self.instance):
            if state[self.instance.position[field.key]] >> self.page & 1:
                enough = self.promised(self.with_only(state, [field.key]))
                if enough is None:
                    return None
                if enough:
                    found.append(field.key)
        others = self.with_only(state, [f.key for f in records(self.instance) if f.key not in found])
        return tuple(found) if self.promised(others) is False else None

    def _search(self, start: State) -> bool | None:
        instance, where, bit = self.instance, self.instance.position[self.key], 1 << self.page
        seen, frontier = {start}, [start]
        while frontier:
            following = []
            for state in frontier:
                if not state[where] & bit:
                    return True
                for number, after in instance.successors(state):
                    if after not in seen and not self._writes(state, number):
                        seen.add(after)
                        following.append(after)
            if len(seen) > self.limit:
                return None
            frontier = following
        return False

    def _writes(self, state: State, number: int) -> bool:
        return number in self.writers and writes(self.instance, state, self.instance.moves[number], self.page)
