"""What holds in the end under fairness, by the graph of every reachable state; lassos where it does not."""

from dataclasses import replace

import pytest

from model import NONE, Client, Pages, every_client, operation, wait_for
from model.designs.catalogue import built_in_designs, built_in_properties, load
from model.designs.dirty_log import DirtyLog
from model.designs.per_slot_cache import PerSlotCache
from model.errors import UsageError
from model.expr import FALSE, INFINITE, MIGRATION, TRUE, Flag, always, eventually, leads_to
from model.instance.instance import Instance
from model.instance.trace import ReplayError
from model.limits import Limits
from model.liveness import graph as liveness_graph
from model.liveness.goal import Case, applies, asked
from model.liveness.lasso import Fairness, checked, executed
from model.program.design import Design, record
from model.studies.cost import with_device
from model.verdict import Proved, Refuted
from model.verify.judge import Judge
from properties.told_is_read import told_is_read
from tests.support.log_only import LogOnly

LOSS = Judge([built_in_properties()["no_lost_write"]], ((1, 2),))


def ask(design, property, clients=2, pages=1, states=None, **fairness):
    """The verdict of the graph on a design, a class or a built-in name."""
    program = record(load(design) if isinstance(design, str) else design)
    question = asked(program, built_in_properties()[property] if isinstance(property, str) else property)
    instance = Instance(question.program, pages, {"Client": clients})
    return liveness_graph.search(instance, question, Fairness(**fairness), Limits(states=states))


def operations(moves):
    return {m.ground.step.operation for m in moves}


# ---------------------------------------------------------------- what the designs do


@pytest.mark.parametrize("design", built_in_designs())
def test_every_write_is_read_in_the_end_exactly_where_no_write_is_lost(design):
    """The safety verdict of another engine, for one page and two clients, decides the liveness verdict too."""
    lost = LOSS.killing(record(load(design))) is not None
    assert (Refuted if lost else Proved) is type(ask(design, "every_write_is_read"))


@pytest.mark.parametrize("design", ["per-slot-cache", "top-layer-and-cache"])
def test_the_bitmaps_of_the_safe_designs_drain(design):
    """With a device too."""
    assert "proved" == ask(design, "bitmaps_drain").word
    assert "proved" == ask(with_device(load(design)), "bitmaps_drain").word


def test_top_layer_drains_with_one_client_and_two_pages():
    """It is safe there."""
    assert "proved" == ask("top-layer", "bitmaps_drain", clients=1, pages=2).word


@pytest.mark.parametrize("design", built_in_designs())
def test_what_a_client_was_told_of_is_read_in_every_design(design):
    """Also where writes are lost: those are the ones that nobody was told of."""
    assert "proved" == ask(design, "told_is_read").word


class NeverForgets(DirtyLog):
    """A cache whose bits are never cleared: what was reported once is reported for ever."""

    cache = Pages("everything that was ever reported")

    @operation
    def sync(s, me):
        s.cache |= s.kernel
        s.user[every_client] |= s.cache | s.kernel

    @operation
    def clear(s, me, want):
        wait_for(want <= s.mine[me])
        s.kernel -= want
        DirtyLog.read(s, me, want)


def test_a_cache_that_is_never_cleared_never_drains():
    """One client: every write is read, and the bitmaps are filled again for ever."""
    assert "proved" == ask(NeverForgets, "every_write_is_read", clients=1).word
    found = ask(NeverForgets, "bitmaps_drain", clients=1).detail
    assert {"sync", "collect", "clear"} == operations(found.loop)


class OneNeverCollects(PerSlotCache):
    """VGA is there and never looks at its bitmap."""

    @operation
    def collect(s, me):
        wait_for(me == MIGRATION)
        s.mine[me] |= s.user[me]
        s.user[me] = NONE


@pytest.mark.parametrize("property", ["every_write_is_read", "bitmaps_drain", "told_is_read"])
def test_a_client_that_never_collects_is_refuted_with_a_lasso(property):
    """However fair the scheduler is, as its collecting is never possible; with MIGRATION alone all is well."""
    found = ask(OneNeverCollects, property).detail
    assert found.rounds[0] == found.rounds[-1] and found.loop
    assert executed(found.instance, found.stem, found.loop) == found
    assert found.states[-1][found.instance.position["unread", 1]]
    assert "proved" == ask(OneNeverCollects, property, clients=1).word


# ---------------------------------------------------------------- what needs fairness


@pytest.mark.parametrize("property", ["every_write_is_read", "bitmaps_drain", "told_is_read"])
@pytest.mark.parametrize("operation_name", ["collect", "sync", "clear"])
def test_fairness_of_each_operation_is_needed(property, operation_name):
    """Without it a client stops for ever, or goes on with the other operations for ever."""
    found = ask("per-slot-cache", property, but={operation_name: "none"}).detail
    assert found.rounds[0] == found.rounds[-1]
    assert "proved" == ask("per-slot-cache", property, but={}).word


def test_the_lock_must_be_fair():
    """With weak fairness one client may find the lock taken whenever it looks."""
    found = ask("per-slot-cache", "every_write_is_read", kind="weak").detail
    assert "sync.reported" in {m.ground.step.label for m in found.loop}
    assert "proved" == ask("per-slot-cache", "every_write_is_read", kind="strong").word


def test_weak_fairness_is_enough_to_free_a_lock():
    """Who holds it waits for nobody; without any fairness one client sits on it while another collects."""
    assert "proved" == ask("per-slot-cache", "taken_lock_is_freed", kind="weak").word
    assert "refuted" == ask("per-slot-cache", "taken_lock_is_freed", kind="none").word
    guarded = {"sync": "weak", "clear": "weak"}
    assert "proved" == ask("per-slot-cache", "taken_lock_is_freed", kind="none", but=guarded).word


def test_without_fairness_nothing_is_read():
    """The shortest loop: one client collects, and finds nothing, for ever."""
    found = ask("per-slot-cache", "every_write_is_read", kind="none").detail
    assert ["collect"] == [m.ground.step.operation for m in found.loop]


# ---------------------------------------------------------------- while the guest goes on writing


@leads_to
class told_is_read_anyway:
    """A page that a client is told of is read by it, however much the guest writes."""

    writers = "go on"

    def premise(s, client):
        return s.user[client]

    def goal(s, client):
        return ~s.unread[client]


def test_a_client_can_send_the_same_page_again_and_again():
    """With two pages and a guest that goes on: the other page waits for ever. With one page there is no other."""
    assert "proved" == ask("per-slot-cache", told_is_read_anyway, clients=1).word
    assert "proved" == ask("per-slot-cache", told_is_read, clients=1, pages=2).word
    found = ask("per-slot-cache", told_is_read_anyway, clients=1, pages=2).detail
    read = {m.arguments["want"] for m in found.loop if m.ground.step.label == "clear.chosen"}
    assert (1, "write" in operations(found.loop)) == (len(read), True)


@eventually
class nothing_is_dirty_anyway:
    """In the end the log stays empty."""

    writers = "go on"

    def holds(s):
        return s.kernel <= NONE


def test_a_guest_that_writes_for_ever_counts_where_the_property_says_so():
    """The loop has a write in it; if writes end, the log stays empty."""
    assert "write" in operations(ask("per-slot-cache", nothing_is_dirty_anyway, clients=1).detail.loop)
    stops = replace(nothing_is_dirty_anyway, writers="stop")
    assert "proved" == ask("per-slot-cache", stops, clients=1).word


# ---------------------------------------------------------------- the ends of runs


class Stuck(DirtyLog):
    """Nobody can do anything once a page was written."""

    collect = None

    @operation
    def sync(s, me):
        wait_for(~s.kernel <= ~s.kernel)
        wait_for(s.unread[me] <= s.unread[me] - s.kernel)
        s.user[me] |= s.kernel


def test_where_nothing_can_happen_the_run_has_no_loop():
    """The write is never read."""
    found = ask(Stuck, "every_write_is_read", clients=1).detail
    assert (["write"], ()) == ([m.ground.step.label for m in found.stem], found.loop)


class Idle(Design):
    """A guest that may write, and nobody else."""

    unread = Pages("what it wrote", initially=~NONE)

    @operation
    def write(s, me, page):
        s.unread |= page


@eventually
def nothing_unread(s):
    """In the end all is read."""
    return s.unread <= NONE


def test_a_run_of_no_moves_at_all_is_a_counterexample():
    """The first state is wrong, and the guest never writes."""
    verdict = alone(Idle, nothing_unread)
    assert (Refuted(states=1), (), ()) == (verdict, verdict.detail.stem, verdict.detail.loop)


def alone(design, property):
    """The verdict on a design without clients."""
    question = asked(record(design), property)
    return liveness_graph.search(Instance(question.program, 1), question, Fairness())


def test_a_property_of_clients_is_not_asked_of_a_design_without():
    """Whatever it says, it would hold of nobody."""

    @eventually
    def holds_of_clients(s, client):
        """True of each client."""
        return s.unread <= NONE

    with pytest.raises(UsageError, match="holds_of_clients is about each client, and idle has none."):
        alone(Idle, holds_of_clients)


# ---------------------------------------------------------------- every lasso is judged anew


def lasso_of(design, **fairness):
    question = asked(record(load(design)), built_in_properties()["every_write_is_read"])
    instance = Instance(question.program, 1, {"Client": 2})
    [case] = question.cases(instance)
    return liveness_graph.search(instance, question, Fairness(**fairness)).detail, case


def test_a_lasso_is_judged_anew():
    """Other states, a loop that is not closed, one that is unfair, one inside the goal: each is caught."""
    found, case = lasso_of("delivers-nothing")
    assert found == checked(found, case, Fairness(), quiet=True)
    with pytest.raises(ReplayError, match="leads through other states"):
        checked(replace(found, states=(*found.states[:-1], found.instance.initial)), case, Fairness(), quiet=True)
    with pytest.raises(ReplayError, match="does not end where it begins"):
        checked(executed(found.instance, (), found.stem), case, Fairness(), quiet=True)
    with pytest.raises(ReplayError, match="the run keeps the property"):
        checked(found, Case("", FALSE, TRUE), Fairness(), quiet=True)
    with pytest.raises(ReplayError, match="somebody writes in the loop"):
        again = executed(found.instance, found.stem, (*found.loop, found.stem[0]))
        checked(again, case, Fairness(), quiet=True)
    with pytest.raises(ReplayError, match="stops where something is possible"):
        checked(executed(found.instance, found.stem, ()), case, Fairness(), quiet=True)
    alone, case = lasso_of("delivers-nothing", kind="none")
    for kind in ("weak", "strong"):
        with pytest.raises(ReplayError, match="the loop is unfair to"):
            checked(alone, case, Fairness(kind), quiet=True)
    clear = next(m for m in found.instance.moves if m.ground.step.label == "clear.cleared")
    with pytest.raises(ReplayError, match="move 1, clear.cleared, is not enabled"):
        executed(found.instance, [clear], [])


def test_leads_to_is_judged_by_its_own_words():
    """Premise and goal along a lasso, without the ghost: the loop begins at the position that is named last."""
    instance = Instance(record(load("naive")), 1, {"Client": 1})
    kernel, user = instance.position["kernel", None], instance.position["user", 0]
    [case] = asked(record(load("naive")), dirty_is_told).formulas(instance)

    def run(*marks):
        """A state for each mark: p has the premise, g the goal."""
        states = []
        for mark in marks:
            state = list(instance.initial)
            state[kernel], state[user] = int("p" in mark), int("g" in mark)
            states.append(tuple(state))
        return states

    def broken(*marks, loop):
        return case.broken_by(instance, run(*marks), loop)

    assert broken("p", "", "", loop=1)
    assert not broken("p", "g", "", "", loop=2)
    assert not broken("p", "", "g", "", loop=1)
    assert broken("g", "p", "p", loop=1)
    assert broken("g", "", "p", "", loop=1)
    assert not broken("pg", "", "", loop=1)
    assert not broken("", "", loop=0)


@leads_to
class dirty_is_told:
    """What is dirty is told."""

    def premise(s):
        return ~(s.kernel <= NONE)

    def goal(s):
        return ~(s.user[MIGRATION] <= NONE)


# ---------------------------------------------------------------- what is not understood


class Wordless(LogOnly):
    """It does not say what is unread."""


def test_what_is_not_understood_is_refused():
    """No `unread`; threads of another kind; a property of states."""
    with pytest.raises(UsageError, match="every_write_is_read cannot be asked of wordless: it is about 'unread'"):
        ask(Wordless, "every_write_is_read")
    with pytest.raises(UsageError, match="promise_kept speaks of states, not of infinite runs; `python -m model.check"):
        ask("naive", "promise_kept")
    assert "" == applies(record(load("naive")), told_is_read)
    assert "it is about 'slots_lock'" in applies(record(load("naive")), built_in_properties()["taken_lock_is_freed"])


def test_a_client_that_is_not_there_is_refused():
    """MIGRATION is the first; a third of two is nobody."""

    @eventually
    def third_has_read(s):
        """The third client has read all."""
        return s.unread[Client[2]] <= NONE

    with pytest.raises(UsageError, match="third_has_read names DIRTY_RATE"):
        ask("naive", third_has_read, clients=2)
    assert "refuted" == ask("naive", third_has_read, clients=3, kind="none").word


def test_a_graph_that_does_not_fit_is_undetermined():
    """With what was covered, and never a verdict."""
    found = ask("per-slot-cache", "bitmaps_drain", clients=1, pages=2, states=1000)
    assert ("undetermined", "the graph has more than 1,000 states") == (found.word, found.reason[:36])


def test_premise_and_goal_are_of_one_kind():
    """A set of pages does not lead to a truth value."""

    @leads_to
    class mixed:
        """Pages lead to truth."""

        def premise(s, client):
            return s.user[client]

        def goal(s, client):
            return s.kernel <= NONE

    with pytest.raises(UsageError, match="mixed: premise and goal are both truth values or both sets of pages"):
        ask("naive", mixed)


def test_the_built_in_properties_of_infinite_runs():
    """Two hold in the end, two follow."""
    found = {n: (p.kind, p.writers) for n, p in built_in_properties().items() if p.kind in INFINITE}
    assert {
        "bitmaps_drain": ("eventually", "stop"),
        "every_write_is_read": ("eventually", "stop"),
        "taken_lock_is_freed": ("leads_to", "go on"),
        "told_is_read": ("leads_to", "stop"),
    } == found


def test_ghosts_of_the_property_are_there():
    """A property that counts whether somebody has read: once read, for ever read."""

    @eventually
    class somebody_read:
        """In the end MIGRATION has read a page, or none was written."""

        read = Flag("MIGRATION has read")
        written = Flag("a page was written")

        def observe(step, before, s, me):
            if step.operation == "write":
                s.written |= True
            if step.by == "Client" and "unread" in step.writes:
                s.read |= me == MIGRATION

        def holds(s):
            return s.read | ~s.written

    assert "proved" == ask("per-slot-cache", somebody_read).word
    assert "refuted" == ask("per-slot-cache", somebody_read, but={"clear": "none"}).word


def test_a_state_property_is_not_asked_of_runs():
    """`always` has no goal."""

    @always
    def fine(s):
        """Fine."""
        return TRUE

    with pytest.raises(UsageError, match="fine speaks of states"):
        ask("naive", fine)
