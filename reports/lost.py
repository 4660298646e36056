"""Pages that nothing can bring any more to whom they are owed."""

from __future__ import annotations

from model.expr import Guest
from model.instance.instance import Instance
from model.instance.state import State
from model.verify.delivery import Delivery
from model.verify.stake import Key, at_stake, reader
from model.verify.wording import pages_text, thread_name

MOST_STATES = 2_000  # that follow a state; where there are more, nothing is said


class Unwritten(Delivery):
    """Runs in which nobody begins to write the page again; who has begun may finish, and bring it with that."""

    def _writes(self, state: State, number: int) -> bool:
        move = self.instance.moves[number]
        chosen = any(pages >> self.page & 1 for pages in move.arguments.values())
        return move.ground.step.first and chosen and move.ground.step.operation in self.instance.program.writing


class Lost:
    """Asks of states of one instance; what it has found out it keeps.

    A page is lost for good where no run delivers it in which nobody writes it again. Nobody loses what only a writer
    takes away, as the pages that a design watches for the next write.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        writers = {(g.sort, g.thread) for g in instance.steps if g.step.operation in instance.program.writing}
        self.writer = "the guest" if {sort for sort, _ in writers} == {Guest.name} else "somebody"
        self.fields = [f for f in at_stake(instance) if reader(instance, f.key) not in (None, *writers)]
        self.asked = {
            (f.key, page): Unwritten(instance, f.key, page, MOST_STATES)
            for f in self.fields
            for page in range(instance.pages)
        }

    def pages(self, state: State) -> dict[Key, int]:
        """The lost pages of each field that has some."""
        found = {f.key: self._gone(f.key, state) for f in self.fields}
        return {key: gone for key, gone in found.items() if gone}

    def _gone(self, key: Key, state: State) -> int:
        owed = state[self.instance.position[key]]
        pages = (page for page in range(self.instance.pages) if owed >> page & 1)
        return sum(1 << page for page in pages if self.asked[key, page].possible(state) is False)

    def sentences(self, state: State) -> list[str]:
        """`Page 0 is lost to MIGRATION for good: …`, one for each field that has lost pages."""
        return [self._sentence(key, gone) for key, gone in self.pages(state).items()]

    def _sentence(self, key: Key, gone: int) -> str:
        sort, number = reader(self.instance, key) or ("", None)
        said = pages_text(gone)
        one = gone.bit_count() == 1
        who = thread_name(self.instance, sort, number)
        return (
            f"{said[0].upper()}{said[1:]} {'is' if one else 'are'} lost to {who} for good: "
            f"no run brings {'it' if one else 'them'}, unless {self.writer} writes {'it' if one else 'them'} again."
        )


def ended(instance: Instance, state: State) -> list[str]:
    """A sentence where nothing can happen any more, or nothing that changes anything."""
    following = [after for _, after in instance.successors(state)]
    if not following:
        return ["Nothing can happen any more: no thread has a move."]
    if all(after == state for after in following):
        return ["Nothing changes any more: every move that is possible leaves the state as it is."]
    return []
