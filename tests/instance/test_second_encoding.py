"""The numbers again, from encodings that use nothing of ours.

First three designs written by hand as plain tuples; then random designs, executed as they stand on plain dictionaries
and compared state by state with what recording and grounding made of them.
"""

import itertools

import pytest
from hypothesis import given, settings

from model import Client, Design, Pages, every, operation, some
from model.designs.per_slot_cache import PerSlotCache
from model.designs.top_layer import TopLayer
from model.designs.top_layer_and_cache import TopLayerAndCache
from model.engines import explicit
from model.instance.instance import Instance
from model.instance.locations import at
from model.instance.problem import Problem
from model.program.design import record
from properties.no_lost_write import no_lost_write
from properties.promise_kept import promise_kept
from tests.support.random_designs import SIZES, designs, questions
from tests.support.seeded_bugs import same_every_time

# ---------------------------------------------------------------- by hand: sets of pages are ints, a state is a tuple


def breadth_first(start, successors, bad):
    """(verdict, states, depth): a refuted run counts the complete levels before the violating one."""
    seen, level, depth, before = {start}, [start], 0, 0
    while level:
        if any(bad(s) for s in level):
            return "refuted", before, depth
        before = len(seen)
        level = list(dict.fromkeys(t for s in level for t in successors(s) if t not in seen))
        seen.update(level)
        depth += 1
    return "proved", len(seen), depth - 1


def put(values, i, value):
    return (*values[:i], value, *values[i + 1 :])


def subsets(pages):
    """Every non-empty set of the pages."""
    return [s for s in range(1, pages + 1) if s & ~pages == 0]


def promise_broken(state):
    kernel, user, mine, unread = state[0], state[1], state[2], state[3]
    return any(r & ~(kernel | u | m) for r, u, m in zip(unread, user, mine, strict=True))


def top_layer(pages, clients):
    """(start, successors) over (kernel, user, mine, unread, what each client clears and has not read yet)."""

    def successors(state):
        kernel, user, mine, unread, clearing = state
        for p in range(pages):
            yield kernel | 1 << p, user, mine, tuple(r | 1 << p for r in unread), clearing
        for c in range(clients):
            if clearing[c]:
                done = ~clearing[c]
                yield kernel, user, put(mine, c, mine[c] & done), put(unread, c, unread[c] & done), put(clearing, c, 0)
                continue
            yield kernel, tuple(u | kernel for u in user), mine, unread, clearing
            yield kernel, put(user, c, 0), put(mine, c, mine[c] | user[c]), unread, clearing
            for want in subsets(mine[c]):
                yield kernel & ~want, user, mine, unread, put(clearing, c, want)

    none = (0,) * clients
    return (0, none, none, none, none), successors


def top_layer_to_the_end(pages, clients):
    """The same, followed by (the client that is watched since the guest has stopped, it has synced since then)."""
    start, moves = top_layer(pages, clients)

    def successors(state):
        design, watched, synced = state
        for number, after in enumerate(moves(design)):
            if number < pages:
                if watched is None:
                    yield after, watched, synced
                continue
            yield after, watched, synced
        if watched is None:
            for c in range(clients):
                yield design, c, False
            return
        kernel, user, mine, unread, clearing = design
        if not clearing[watched]:
            yield (kernel, tuple(u | kernel for u in user), mine, unread, clearing), watched, True

    def bad(state):
        (_, user, mine, unread, clearing), c, synced = state
        return c is not None and synced and not (clearing[c] or user[c] or mine[c]) and unread[c] != 0

    return (start, None, False), successors, bad


IDLE, REPORTED, CHOSEN, CLEARED, FORGOTTEN = range(5)


def cached(pages, clients, by_range):
    """(start, successors) over (kernel, user, mine, unread, cache, and (where, want, span, known) of each client)."""
    full = (1 << pages) - 1
    idle = (IDLE, 0, 0, 0)

    def successors(state):
        kernel, user, mine, unread, cache, threads = state
        for p in range(pages):
            yield kernel | 1 << p, user, mine, tuple(r | 1 << p for r in unread), cache, threads
        locked = any(t[0] in (REPORTED, CLEARED) for t in threads)
        for c, (where, want, span, known) in enumerate(threads):
            if where == IDLE:
                yield kernel, put(user, c, 0), put(mine, c, mine[c] | user[c]), unread, cache, threads
                if not locked:
                    yield kernel, user, mine, unread, kernel, put(threads, c, (REPORTED, 0, 0, 0))
                for w in subsets(mine[c]):
                    for s in subsets(full) if by_range else [w]:
                        if w & ~s == 0:
                            yield kernel, user, mine, unread, cache, put(threads, c, (CHOSEN, w, s, 0))
            elif where == REPORTED:
                yield kernel, tuple(u | cache for u in user), mine, unread, cache, put(threads, c, idle)
            elif where == CHOSEN and not locked:
                known = cache & span
                yield kernel & ~known, user, mine, unread, cache, put(threads, c, (CLEARED, want, span, known))
            elif where == CLEARED:
                yield kernel, user, mine, unread, cache & ~known, put(threads, c, (FORGOTTEN, want, span, known))
            elif where == FORGOTTEN:
                kept = put(mine, c, mine[c] & ~want), put(unread, c, unread[c] & ~want)
                yield kernel, user, *kept, cache, put(threads, c, idle)

    none = (0,) * clients
    return (0, none, none, none, 0, (idle,) * clients), successors


def per_slot_cache(pages, clients):
    return cached(pages, clients, by_range=True)


def top_layer_and_cache(pages, clients):
    return cached(pages, clients, by_range=False)


def checked(design, asked, pages, clients):
    verdict = explicit.search(Problem.of(record(design), asked, pages=pages, sizes={"Client": clients}))
    return verdict.word, verdict.states, verdict.depth


@pytest.mark.parametrize(
    ("design", "by_hand", "pages", "clients", "expected"),
    [
        (TopLayer, top_layer, 1, 2, ("refuted", 66, 8)),
        (TopLayer, top_layer, 2, 1, ("proved", 273, 14)),
        (TopLayer, top_layer, 2, 2, ("refuted", 416, 8)),
        (TopLayerAndCache, top_layer_and_cache, 1, 2, ("proved", 1_505, 26)),
        (TopLayerAndCache, top_layer_and_cache, 2, 1, ("proved", 1_066, 24)),
        (PerSlotCache, per_slot_cache, 1, 2, ("proved", 1_505, 26)),
        (PerSlotCache, per_slot_cache, 2, 1, ("proved", 2_506, 26)),
    ],
)
def test_promise_kept_has_the_same_states_and_depth_by_hand(design, by_hand, pages, clients, expected):
    assert expected == breadth_first(*by_hand(pages, clients), promise_broken)
    assert expected == checked(design, promise_kept, pages, clients)


@pytest.mark.parametrize(
    ("pages", "clients", "expected"),
    [(1, 1, ("proved", 47, 11)), (1, 2, ("refuted", 453, 10)), (2, 1, ("proved", 673, 15))],
)
def test_no_lost_write_of_top_layer_has_the_same_states_and_depth_by_hand(pages, clients, expected):
    assert expected == breadth_first(*top_layer_to_the_end(pages, clients))
    assert expected == checked(TopLayer, no_lost_write, pages, clients)


def test_the_variable_of_an_outer_quantifier_is_not_taken_for_the_inner_one():
    """Every client has something of some client: a[0] & (b[0] | b[1]), and the same of a[1]."""

    class Nested(Design):
        a = Pages("a", per=Client)
        b = Pages("b", per=Client)
        found = Pages("what every client shares with some client")

        @operation
        def look(s, me):
            s.found = every(Client, lambda x: some(Client, lambda y: s.a[x] & s.b[y]))

    made = Instance(record(Nested), 1, {"Client": 2})
    for a in itertools.product((0, 1), repeat=2):
        for b in itertools.product((0, 1), repeat=2):
            before = dict(zip([("a", 0), ("a", 1), ("b", 0), ("b", 1), ("found", None)], (*a, *b, 0), strict=True))
            (after, *_) = [s for _, s in made.successors(tuple(before[f.key] for f in made.fields))]
            assert (a[0] & a[1] & (b[0] | b[1])) == after[made.position["found", None]]


# ---------------------------------------------------------------- random designs, executed as they stand


class Direct:
    """A random design run on dictionaries, step by step as its data says, without recording it.

    A state is (values by (part, number), threads by (sort, number)); a thread is None while it is idle, else
    (operation, steps done, parameters and registers by name, locks that it holds).
    """

    def __init__(self, data, pages, clients):
        self.data, self.full, self.clients = data, (1 << pages) - 1, clients
        self.pages = [1 << p for p in range(pages)]

    def start(self):
        values = {}
        for p in self.data.parts:
            for k in range(self.clients) if p.per_client else [None]:
                full = p.start in ("ALL", "True") or (p.start == "MIGRATION" and k == 0)
                if p.kind != "lock":
                    values[p.name, k] = full if p.kind == "truth" else self.full * full
        return values, {("Guest", 0): None, **{("Client", k): None for k in range(self.clients)}}

    def choices(self, parameter):
        sets = range(self.full + 1)
        return {"page": self.pages, "want": sets[1:], "extra": sets, "really": (False, True)}.get(
            parameter.removeprefix("guest_"), range(self.clients)
        )

    def successors(self, state):
        """(what a state after one move is, …): one for each thread, step and choice of parameters."""
        for each in self.data.operations:
            for who in [("Guest", 0)] if each.by_guest else [("Client", k) for k in range(self.clients)]:
                thread = state[1][who]
                if thread is None:
                    for chosen in itertools.product(*(self.choices(p) for p in each.parameters)):
                        own = dict(zip(each.parameters, chosen, strict=True))
                        yield from self.step(state, who, (each, 0, own, ()))
                elif thread[0] is each:
                    yield from self.step(state, who, thread)

    def step(self, state, who, thread):
        doing, done, own, held = thread
        step = doing.steps[done]
        here = {"me": who[1], "MIGRATION": 0, **own}
        wanted = [(name, None if element is None else here[element]) for name, element in step.takes]
        if any(self.taken(state, lock) for lock in wanted) or not all(self.value(g, state, here) for g in step.guards):
            return
        values, own = dict(state[0]), dict(own)
        for target, new in step.assigns:
            here |= own
            if target[0] == "register":
                own[target[1]] = self.value(new, state, here, values)
            elif target[2] == "every":
                after = {k: self.value(new, state, {**here, "every": k}, values) for k in range(self.clients)}
                values |= {(target[1], k): value for k, value in after.items()}
            else:
                number = None if target[2] is None else here[target[2]]
                values[target[1], number] = self.value(new, state, here, values)
        freed = [(name, None if element is None else here[element]) for name, element in step.frees]
        held = tuple(lock for lock in (*held, *wanted) if lock not in freed)
        last = done + 1 == len(doing.steps)
        yield values, {**state[1], who: None if last else (doing, done + 1, own, held)}

    def taken(self, state, lock):
        return any(thread and lock in thread[3] for thread in state[1].values())

    def value(self, data, state, here, values=None):
        """What an expression is: parts as the step has changed them so far, threads and locks as before the step."""
        values = state[0] if values is None else values

        def of(item, **more):
            return self.value(item, state, {**here, **more}, values)

        match data:
            case "NONE" | "ALL":
                return self.full if data == "ALL" else 0
            case ("part", name, element):
                return values[name, None if element is None else here[element]]
            case ("parameter" | "register", name):
                return here[name]
            case ("idle", element):
                return state[1].get(("Client", here[element])) is None
            case ("free", name, element):
                return not self.taken(state, (name, None if element is None else here[element]))
            case ("is", one, other):
                return here[one] == here[other]
            case ("every" | "some" as which, bound, inside):
                each = [of(inside, **{bound: k}) for k in range(self.clients)]
                return self.joined(each, "&" if which == "every" else "|")
            case ("choose", condition, yes, no):
                return of(yes) if of(condition) else of(no)
            case ("~", item):
                found = of(item)
                return not found if isinstance(found, bool) else self.full ^ found
            case ("-", left, right):
                return of(left) & (self.full ^ of(right))
            case ("<=", left, right):
                return of(left) | of(right) == of(right)
            case ("==", left, right):
                return of(left) == of(right)
            case ("|" | "&" as operator, left, right):
                return self.joined([of(left), of(right)], operator)
        raise AssertionError(data)

    @staticmethod
    def joined(items, operator):
        if isinstance(items[0], bool):
            return (all if operator == "&" else any)(items)
        found = items[0]
        for item in items[1:]:
            found = found & item if operator == "&" else found | item
        return found


def as_recorded(made, state):
    """A state of `Direct` in the fields of the instance; what no later step of an operation reads is not kept."""
    found = []
    for field in made.fields:
        sort = field.per if field.role in ("register", "location") else None
        if sort is None:
            found.append(int(state[0][field.key]))
            continue
        thread = state[1][sort, field.number]
        if thread is None:
            found.append(0)
        elif field.name == at(sort):
            found.append(code(made, sort, thread))
        else:
            name, kept = field.name.removeprefix("me."), kept_by(made, thread[0].name)
            found.append(int(thread[2].get(name, 0)) if field.name in kept else 0)
    return tuple(found)


def code(made, sort, thread):
    doing, done, own, _ = thread
    locations = made.program.threads[sort]
    number = next(
        n for n, x in enumerate(locations) if (x.operation, x.after) == (doing.name, doing.steps[done - 1].name)
    )
    return made.codes[sort].index((number, tuple(own[p] for p in locations[number].carried)))


def kept_by(made, name):
    return {u.variable for s in made.program.steps if s.operation == name for u in s.updates}


@settings(same_every_time, max_examples=60)
@given(designs())
def test_recording_changes_nothing_of_what_a_random_design_does(data):
    recorded_as_written(data)


@pytest.mark.slow
@same_every_time
@given(designs())
def test_recording_changes_nothing_of_what_300_random_designs_do(data):
    recorded_as_written(data)


def recorded_as_written(data):
    """From each of the first 30 states, the recorded program goes where the operations as written go, as often."""
    for pages, clients in SIZES:
        asked = questions(data, pages, clients)
        made = asked[0].instance
        direct = Direct(data, pages, clients)
        waiting, seen = [direct.start()], set()
        assert made.initial == as_recorded(made, waiting[0])
        for state in itertools.islice(iter(waiting), 30):
            here = as_recorded(made, state)
            following = list(direct.successors(state))
            assert sorted(as_recorded(made, s) for s in following) == sorted(s for _, s in made.successors(here))
            for promise, question in zip(data.holds, asked, strict=True) if "Client" in made.sizes else ():
                for _, client, case in question.checks:
                    assert direct.value(promise, state, {"MIGRATION": 0, "client": client}) == made.value(case, here)
            for after in following:
                if as_recorded(made, after) not in seen:
                    seen.add(as_recorded(made, after))
                    waiting.append(after)
