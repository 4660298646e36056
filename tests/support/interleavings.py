"""The second road to conformance: every interleaving of a design, tried one move after another by the interpreter.

Nothing of `model.conformance` is used. What a step shows is read off its updates here: a step of a client that changes
`kernel` is a CLEAR of what it would take from a log with every page in it; one that copies `kernel` is a GET.
"""

from dataclasses import replace

from model.expr import PAGES, walk
from model.instance.instance import Instance


def alone(program):
    """The program as one page sees it that is one of many, without what only properties look at."""
    kinds = {"some": "any", "page": "any"}
    steps = tuple(
        replace(
            s,
            params=tuple(replace(p, kind=kinds.get(p.kind, p.kind)) for p in s.params),
            updates=tuple(u for u in s.updates if not program.variable[u.variable].at_stake),
        )
        for s in program.steps
    )
    return replace(program, steps=steps)


class Shown:
    """An instance, its moves, and what each shows: ("get", pages), ("clear", pages), or nothing."""

    def __init__(self, program, pages, sizes):
        self.instance = Instance(program, pages, sizes)
        self.log = self.instance.position["kernel", None]
        self.known = {}

    def shows(self, move, state):
        ground, instance = move.ground, self.instance
        if ground.sort != "Client":
            return None
        updates = dict(ground.updates)
        if self.log in updates:
            full = tuple(instance.full if p == self.log else v for p, v in enumerate(state))
            return "clear", instance.full & ~instance.value(updates[self.log], full, move.arguments)
        if any(self.copies_log(p, value) for p, value in ground.updates):
            return "get", state[self.log]
        return None

    def copies_log(self, position, value):
        field = self.instance.fields[position]
        return field.sort == PAGES and any(e.op == "field" and e.args == ("kernel", None) for e in walk(value))

    def moves(self, state):
        """(what it shows, state after it) of every enabled move, by the plain interpreter."""
        if state not in self.known:
            enabled = [m for m in self.instance.moves if self.instance.enabled(m, state)]
            self.known[state] = [(self.shows(m, state), self.instance.apply(m, state)) for m in enabled]
        return self.known[state]

    def explains(self, events):
        """Whether some interleaving shows exactly these events, [(begin, end, what)], in an order that they allow."""
        start = frozenset(), self.instance.initial
        seen, waiting = {start}, [start]
        while waiting:
            done, state = waiting.pop()
            if len(done) == len(events):
                return True
            ready = [i for i in range(len(events)) if i not in done and self.first(i, done, events)]
            for what, after in self.moves(state):
                following = (
                    [(done, after)] if what is None else [(done | {i}, after) for i in ready if events[i][2] == what]
                )
                for node in following:
                    if node not in seen:
                        seen.add(node)
                        waiting.append(node)
        return False

    @staticmethod
    def first(i, done, events):
        """Everything that ended before this event began is done."""
        return all(j in done for j in range(len(events)) if events[j][1] < events[i][0])


def on_page(events, page):
    """What the events show of one page."""
    return [(begin, end, (kind, pages >> page & 1)) for begin, end, (kind, pages) in events]
