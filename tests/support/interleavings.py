"""The second road to conformance: every interleaving of a design, tried one move after another by the interpreter.

Nothing of `model.conformance` is used. What a step shows is read off its updates here: a step of a client that changes
`kernel` is a CLEAR of what it would take from a log with every page in it, one that copies `kernel` is a GET, and one
that makes pages read is a read, of which there need not be a marker.
"""

from dataclasses import replace

from model.expr import PAGES, walk
from model.instance.instance import Instance


def alone(program):
    """The program as one page sees it that is one of many."""
    kinds = {"some": "any", "page": "any"}
    steps = tuple(
        replace(
            s,
            params=tuple(replace(p, kind=kinds.get(p.kind, p.kind)) for p in s.params),
        )
        for s in program.steps
    )
    return replace(program, steps=steps)


class Shown:
    """An instance, its moves, and what each shows: ("get", pages), ("clear", pages), ("read", pages), or nothing."""

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
            return "clear", self.taken(move, state, self.log, updates[self.log])
        if any(self.copies_log(p, value) for p, value in ground.updates):
            return "get", state[self.log]
        unread = instance.position["unread", ground.thread]
        if unread in updates and (pages := self.taken(move, state, unread, updates[unread])):
            return "read", pages
        return None

    def taken(self, move, state, position, update):
        """What an update would take from a set with every page in it."""
        full = tuple(self.instance.full if p == position else v for p, v in enumerate(state))
        return self.instance.full & ~self.instance.value(update, full, move.arguments)

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
                following = [(done | {i}, after) for i in ready if explained(events[i][2], what)]
                if what is None or what[0] == "read":
                    following.append((done, after))
                for node in following:
                    if node not in seen:
                        seen.add(node)
                        waiting.append(node)
        return False

    @staticmethod
    def first(i, done, events):
        """Everything that ended before this event began is done."""
        return all(j in done for j in range(len(events)) if events[j][1] < events[i][0])


def explained(event, what):
    """A move shows an event; a marker may name fewer pages than are read."""
    if what and event[0] == what[0] == "read":
        return not event[1] & ~what[1]
    return event == what


def on_page(events, page):
    """What the events show of one page; a read of other pages shows nothing."""
    shown = [(begin, end, (kind, pages >> page & 1)) for begin, end, (kind, pages) in events]
    return [event for event in shown if event[2] != ("read", 0)]
