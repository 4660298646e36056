"""A pass that says less than it seems is not silent: what never happens is told, and nothing else is."""

import json

import pytest
from click.testing import CliRunner

from model import ALL, NONE, Client, Design, Flag, Pages, choose, every_client, operation, wait_for
from model.check.command import command
from model.designs.catalogue import find_property, load
from model.designs.dirty_log import DirtyLog
from model.designs.gallery import entries
from model.expr import Property, always
from model.instance.problem import Problem
from model.program.design import record
from model.verify.guards import one_sided
from model.verify.vacuity import looked
from tests.support.designs import Counting, NeverCollects, Synced
from tests.support.paths import ROOT

REPRODUCERS = ROOT / "tests" / "data" / "reproducers"
SAFE = [(e.design, e.decided_by) for e in entries() if e.deciding and e.deciding.verdict == "proved"]


def found(design, name, pages=2):
    """(text, whole) of each thing that never happens."""
    rule = name if isinstance(name, Property) else find_property(name, design)
    problem = Problem.of(record(design), rule, pages=pages)
    return [(v.text, v.whole) for v in looked(problem).never]


def check(*arguments):
    return CliRunner().invoke(command, [*map(str, arguments)], standalone_mode=False)


@pytest.mark.parametrize(("design", "name"), SAFE)
def test_no_safe_design_is_called_vacuous(design, name):
    """And no step of any of them is dead."""
    assert [] == found(load(design), name)


def test_a_flag_that_nothing_sets_is_no_proof():
    """The design loses writes, and says nowhere that it has finished."""
    ran = check(REPRODUCERS / "silent" / "finished_never_set.py", "--format", "json")
    (result,) = json.loads(ran.stdout)["results"]
    assert 3 == ran.return_value
    assert ["finished is never set"] == result["vacuous"]
    assert "holds vacuously: finished is never set" == result["reason"]


@pytest.mark.parametrize("name", ["vacuous_false.py --property unwritten_is_dirty", "false_vacuous.py"])
def test_designs_without_clients_are_not_called_vacuous(name):
    """Whoever reads there is of a sort of its own."""
    file, *rest = name.split()
    ran = check(REPRODUCERS / "misleading" / file, *rest, "--format", "json")
    assert (0, []) == (ran.return_value, json.loads(ran.stdout)["results"][0]["vacuous"])


class NeverEmpties(Synced):
    """What was read stays in the client's bitmap, so no client ever comes to an end."""

    @operation
    def take(s, me, want):
        wait_for(want <= s.mine[me])
        s.unread[me] -= want


def test_clients_that_never_read_prove_nothing():
    """The form that speaks of every state still says that the promise stands."""
    text = "MIGRATION and VGA can never read a page that was written, so nothing can be lost"
    steps = "at 1 page collect can never be taken"
    flag = "allowed is never set"
    assert [(steps, False), (flag, False), (text, True)] == found(NeverCollects, "no_lost_write")
    assert [(steps, False), (flag, False), (text, False)] == found(NeverCollects, "promise_kept")


def test_an_end_that_is_not_reached_after_reading_proves_nothing():
    """It is reached as long as nothing was written."""
    text = "MIGRATION and VGA can never read a page that was written and then come to the end that it asks about"
    assert [(text, True)] == found(NeverEmpties, "no_lost_write")
    assert [] == found(NeverEmpties, "promise_kept")


def test_what_never_happens_is_the_claim_of_a_property_of_one_literal():
    """`~s.blind` is not vacuous where nothing is ever blind."""
    assert [] == found(load("per-slot-cache"), "no_blind_clear")


def test_a_side_of_a_comparison_that_is_always_empty_is_told():
    """And a property of one's own stays proved, with the note."""

    class Idle(Synced):
        """A part that nothing touches."""

        spare = Pages("not used")

    @always
    def spare_within_kernel(s):
        """Of nothing, all is true."""
        return s.spare <= s.kernel

    problem = Problem.of(record(Idle), spare_within_kernel)
    assert ["spare is always empty"] == [v.text for v in looked(problem).never if v.whole]


# ---------------------------------------------------------------- deadlock


def test_two_locks_in_two_orders_are_a_deadlock_that_is_told():
    """Whatever is asked; and the property by name shows the moves."""
    file = REPRODUCERS / "misleading" / "abba.py"
    ran = check(file, "--property", "promise_kept", "--format", "json")
    notes = json.loads(ran.stdout)["results"][0]["notes"]
    assert [True] == [": sync.a" in n and ": clear.b" in n for n in notes if n.startswith("deadlock: after")]
    for engine in ("explicit", "lanes", "bounded"):
        found = check(file, "--property", "no_deadlock", "--engine", engine, "--pages", "1", "--format", "json")
        (result,) = json.loads(found.stdout)["results"]
        assert (1, 7) == (found.return_value, result["depth"])


@pytest.mark.parametrize("name", ["per-slot-cache", "top-layer-and-cache"])
def test_the_good_designs_have_no_deadlock(name):
    """Somebody can always go on."""
    ran = check(name, "--property", "no_deadlock", "--engine", "lanes", "--pages", "1")
    assert (0, False) == (ran.return_value, "deadlock: after" in ran.stdout)
    assert "deadlock: after" not in check(name, "--property", "promise_kept", "--pages", "1").stdout


class Untracked(DirtyLog):
    """The log is kept only while somebody tracks, and nobody ever does."""

    tracking = Flag("set by the start of a migration")

    @operation
    def sync(s, me):
        s.user[every_client] |= choose(s.tracking, s.kernel, NONE)

    @operation
    def read_all(s, me):
        s.mine[me] = ALL
        yield "all"
        s.unread[me] -= s.mine[me]
        yield "read"


def test_a_flag_that_steps_read_and_nothing_sets_is_told():
    """Every step is taken, and one side of `choose` is dead all the same."""
    assert ("tracking is never set", False) in found(Untracked, "no_lost_write")


# ---------------------------------------------------------------- guards, atom by atom


class Waits(Synced):
    """One guard that always holds where it is asked, one that never does, and two that are asked for something."""

    paused = Flag("nothing ever sets it")
    ready = Flag("set by a sync")

    @operation
    def prepare(s, me):
        s.ready = True

    @operation
    def take(s, me, want):
        wait_for((want <= s.mine[me]) & ~s.paused)
        yield "chosen"
        wait_for(s.ready | s.paused)
        s.mine[me] -= want
        s.unread[me] -= want
        yield "taken"


def test_atoms_of_guards_that_take_one_truth_value_are_told():
    """`ready` is asked for before and after it is set; a step of a lock is no atom."""
    problem = Problem.of(record(Waits), find_property("promise_kept", Waits), pages=2)
    where = "(searched: 1 page, 2 clients; 2 pages, 1 client)"
    assert (
        f"take.chosen asks for `paused`, which never holds there {where}",
        f"take.taken asks for `paused`, which never holds there {where}",
    ) == one_sided(problem)


def test_atoms_are_information():
    """In JSON and with -v; the verdict and what is printed otherwise stay as they are."""
    plain, more = (check("soft-dirty", "--engine", "lanes", *words).stdout for words in ((), ("-v",)))
    told = "guard: sync.collected asks for `frozen`, which never holds there"
    assert (False, True) == (told in plain, told in " ".join(more.split()))
    (result,) = json.loads(check("soft-dirty", "--engine", "lanes", "--format", "json").stdout)["results"]
    assert ("proved", True) == (result["verdict"], result["vacuous"][0].startswith("sync.collected asks for"))


# ---------------------------------------------------------------- for any number


class NeedsThree(Counting):
    """The second step of a client waits until three of them have come."""

    go = None

    @operation
    def come(s, me):
        Counting.go.function(s, me)
        yield "here"
        wait_for(s.third)
        yield "seen"


@always
def in_order(s):
    """The third is the third."""
    return ~s.third | s.second


def test_what_happens_with_more_clients_is_not_called_dead():
    """With two clients the last step is never taken, and views show that with three it is."""
    problem = Problem.of(record(NeedsThree), in_order)
    assert ["at 1 page come.seen can never be taken", "third is never set"] == [v.text for v in looked(problem).never]
    assert () == looked(problem, any_size=True).never


def test_what_never_happens_at_any_size_says_so():
    """Views exclude it for any number; where they cannot say, the size of a search is named."""
    file = REPRODUCERS / "engines" / "a18_vacuous.py"
    told = " ".join(check(f"{file}:Deadlock", "--property", "never").stdout.split())
    assert "waits.lost, readies.ready can never be taken" in told
    assert "what never happens was looked for with views, for any number of pages and clients" in told
    told = " ".join(check("delivers-nothing", "--property", "promise_kept").stdout.split())
    assert "what never happens was looked for with a search at 2 pages, 2 clients" in told


def test_a_property_that_holds_of_every_state_says_nothing():
    """z3 shows it for any number. What is only so on one page says something of two."""

    @always
    def kernel_is_kernel(s):
        """Of every set."""
        return s.kernel <= s.kernel | s.user[Client[0]]

    @always
    def comparable(s):
        """On one page one of two sets is always within the other."""
        return (s.kernel <= s.user[Client[0]]) | (s.user[Client[0]] <= s.kernel)

    asked = [Problem.of(record(Synced), rule, pages=2) for rule in (kernel_is_kernel, comparable)]
    text = "it holds of every state there could be, whatever the design does"
    assert [[text], []] == [[v.text for v in looked(a).never if v.whole] for a in asked]


# ---------------------------------------------------------------- what a slip leaves of a question


class OnlyTheFirstCopy(Synced):
    """A write marks its page and makes nothing unread, so only what is unread at the start is asked for."""

    unread = Pages("everything at the start", per=Client, initially=ALL)

    @operation
    def write(s, me, page):
        s.kernel |= page


def test_writes_that_make_nothing_unread_are_told():
    """The start is copied right, and no later write is asked for."""
    text = "nothing that is done makes a page unread, so it asks only for what is unread at the start"
    assert text in [t for t, _ in found(OnlyTheFirstCopy, "no_lost_write")]


class Asserts(Design):
    """The line that checks was left out."""

    ready = Flag("set by a start")
    aborted = Flag("an assertion failed")
    spare = Pages("nothing is put in")
    copy = Pages("what was spare")

    @operation
    def start(s, me):
        s.ready = True
        s.copy = s.spare


@always
def no_abort(s):
    """No assertion fails."""
    return ~s.aborted


@always
def started(s):
    """It is seen before a start, too."""
    return s.ready | ~s.ready & ~s.aborted


def test_a_flag_that_no_step_changes_is_no_claim():
    """Of one that a step would change and never does, it is the claim (`~blind`)."""
    assert [("no step changes aborted, and it speaks of nothing else", True)] == found(Asserts, no_abort)


def test_a_set_that_steps_read_and_nothing_changes_is_told():
    assert ("spare is always empty", False) in found(Asserts, started)
