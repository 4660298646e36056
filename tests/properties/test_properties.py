"""What each property says, on designs that it refutes and on designs that keep it."""

import pytest

from model import NONE, Pages, Vcpu, every_client, operation, wait_for
from model.designs.catalogue import built_in_properties, find_property, load
from model.designs.dirty_log import DirtyLog
from model.designs.naive import Naive
from model.engines import explicit
from model.errors import DesignError, UsageError
from model.expr import always, show
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.program.design import record
from model.program.observers import invariant, observed
from model.verdict import Proved

# property, design, pages, clients: word and depth
SAID = [
    ("no_blind_clear", "top-layer", 1, 1, "refuted", 9),
    ("no_blind_clear", "naive", 2, 1, "refuted", 5),
    ("no_blind_clear", "read-before-clear", 1, 2, "proved", 29),
    ("no_blind_clear", "two-in-one", 1, 2, "proved", 20),
    ("no_blind_clear", "per-slot-cache", 1, 2, "proved", 26),
    ("no_blind_clear", "top-layer-and-cache", 1, 2, "proved", 26),
    ("no_blind_clear", "asker-only", 1, 2, "refuted", 6),
    ("cache_within_kernel", "per-slot-cache", 1, 2, "proved", 26),
    ("cache_within_kernel", "cache-not-forgotten", 1, 1, "refuted", 6),
    ("cache_within_kernel", "no-lock", 1, 1, "refuted", 6),
    ("clear_before_read", "read-before-clear", 1, 1, "refuted", 7),
    ("clear_before_read", "per-slot-cache", 1, 2, "proved", 26),
    ("clear_before_read", "top-layer", 1, 2, "proved", 15),
    ("no_unaided_recovery", "top-layer", 1, 2, "proved", 15),
    ("no_unaided_recovery", "naive", 2, 1, "proved", 16),
    ("no_unaided_recovery", "no-lock-register", 1, 2, "refuted", 14),
]


def ask(design, property, pages, clients):
    """The reference's verdict."""
    return explicit.search(Problem.of(record(design), property, pages=pages, sizes={"Client": clients}))


@pytest.mark.parametrize("entry", SAID, ids=[f"{p} {d} {n},{c}" for p, d, n, c, *_ in SAID])
def test_disciplines_say_what_the_design_document_says(entry):
    """Single-client top-layer is safe and breaks no_blind_clear in 9 moves; read-before-clear keeps it and loses."""
    name, design, pages, clients, word, depth = entry
    found = ask(load(design), built_in_properties()[name], pages, clients)
    assert (word, depth) == (found.word, found.depth)


def test_each_property_has_a_design_that_it_refutes():
    """A check that cannot fail is no check."""
    refuted = {p for p, *_, word, _ in SAID if word == "refuted"}
    assert {"no_blind_clear", "cache_within_kernel", "clear_before_read", "no_unaided_recovery"} == refuted


def test_the_initial_state_is_checked_before_the_first_move():
    """A violation at the start is a counterexample of no moves."""

    class Born(DirtyLog):
        lost = Pages("lost", initially=~NONE)

    @always
    def nothing_is_lost(s):
        """Nothing is lost."""
        return s.lost <= NONE

    found = ask(Born, nothing_is_lost, 1, 1)
    assert ("refuted", 0, 0) == (found.word, found.depth, found.states)


def test_a_log_that_starts_all_ones_counts_as_reported():
    """INITIALLY_SET: clearing a bit of the initial log is not blind."""

    class Eager(DirtyLog):
        kernel = Pages("log", initially=~NONE)

        @operation
        def sync(s, me):
            s.user[every_client] |= s.kernel

        @operation
        def clear(s, me, want):
            wait_for(want <= s.kernel)
            s.kernel -= want

    property = built_in_properties()["no_blind_clear"]
    assert 3 == ask(Eager, property, 1, 1).depth

    class Empty(Eager):
        kernel = Pages("log")

    assert 2 == ask(Empty, property, 1, 1).depth


def test_a_stopped_guest_writes_no_more():
    """The observer guards every write; the design's own behaviour is only cut, never changed."""
    program = observed(record(load("naive")), built_in_properties()["no_lost_write"])
    instance = Instance(program, 1, {"Client": 1})
    stop = next(m for m in instance.moves if m.ground.step.label == "stop")
    stopped = instance.apply(stop, instance.initial)
    writes = [m for m in instance.moves if m.ground.step.operation == "write"]
    assert [False] == [instance.enabled(m, stopped) for m in writes]


def test_a_user_can_write_a_property_beside_a_design(tmp_path, monkeypatch):
    """In the file of the design, or in a file of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "from model.designs.naive import Naive\nfrom model.expr import NONE, always\n\n\n"
        "class Mine(Naive):\n    '''A copy.'''\n\n\n@always\ndef user_is_empty(s, client):\n"
        "    '''Nobody is ever told of anything.'''\n    return s.user[client] <= NONE\n"
    )
    design = load("mine.py")
    assert "refuted" == ask(design, find_property("user_is_empty", design), 1, 1).word
    assert "user_is_empty" == find_property("mine.py:user_is_empty").name


def test_a_property_that_does_not_apply_says_which_part_is_missing():
    """naive has no cache."""
    with pytest.raises(UsageError) as caught:
        ask(load("naive"), built_in_properties()["cache_within_kernel"], 1, 1)
    expected = (
        "cache_within_kernel cannot be asked of naive: Naive has no field 'cache'. It has kernel, mine, unread, user."
    )
    assert expected == str(caught.value)


def test_an_observer_may_not_change_the_design():
    """It may only watch; otherwise the verdict would be of another design."""

    @always
    class meddles:
        """It meddles."""

        def observe(step, before, s, me):
            s.kernel = NONE

        def holds(s):
            return s.kernel <= NONE

    with pytest.raises(UsageError, match="meddles changes kernel, which is the design's; it may only watch"):
        ask(load("naive"), meddles, 1, 1)


def test_a_ghost_has_a_name_that_no_design_can_have():
    """A design may have any word of a property; in the property the word is the property's own."""

    @always
    class clashes:
        """It clashes."""

        kernel = Pages("mine")

        def observe(step, before, s, me):
            s.kernel |= before.kernel

        def holds(s):
            return s.kernel <= NONE

    watched = observed(record(load("naive")), clashes)
    assert ["clashes.kernel"] == [v.name for v in watched.variables if v.role == "ghost"]
    assert "clashes.kernel <= NONE" == show(invariant(watched, clashes).holds)
    assert isinstance(ask(load("naive"), clashes, 1, 1), Proved)


def test_a_property_needs_a_docstring_and_a_truth_value():
    """A property is a sentence."""
    with pytest.raises(DesignError, match="has no docstring"):

        @always
        def silent(s):
            return s.kernel <= NONE

    @always
    def no_truth(s):
        """It is a set of pages."""
        return s.kernel

    with pytest.raises(UsageError, match="no_truth cannot be asked of naive: it gives a set of pages"):
        ask(load("naive"), no_truth, 1, 1)

    @always
    def of_every(s):
        """Every client's bitmap is in the log: `every client` stands alone."""
        return s.user[every_client] <= s.kernel

    with pytest.raises(UsageError, match="for a guard or a property write every\\(Client, lambda c"):
        ask(load("naive"), of_every, 1, 1)


def test_unknown_properties_and_designs_offer_the_nearest_name():
    """A typo costs one line."""
    with pytest.raises(UsageError, match="there is no property 'no_lost_wirte'; did you mean 'no_lost_write'?"):
        find_property("no_lost_wirte")
    with pytest.raises(UsageError, match="there is no design 'top-layr'; did you mean 'top-layer'?"):
        load("top-layr")


def test_a_mistake_in_a_property_names_file_and_line(tmp_path, monkeypatch):
    """An undefined name is the user's, not an internal error."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.py").write_text(
        "from model.expr import always\n\n\n@always\ndef odd(s):\n    '''Odd.'''\n    return s.kernel <= NOPE\n"
    )
    with pytest.raises(UsageError) as caught:
        ask(load("naive"), find_property("rules.py:odd"), 1, 1)
    assert "rules.py:7: odd: NameError: name 'NOPE' is not defined" == str(caught.value)


def test_a_loss_is_not_asked_of_a_design_without_a_sync():
    """Nothing would ever complete a sync, and every write would count as migrated."""

    class Renamed(Naive):
        sync = None
        get_log = Naive.sync

    with pytest.raises(UsageError) as caught:
        ask(Renamed, built_in_properties()["no_lost_write"], 2, 1)
    assert str(caught.value).startswith(
        "no_lost_write cannot be asked of renamed: it is about 'sync', which Renamed lacks; it has clear, collect, "
    )

    class Hardware(Renamed):
        @operation(by=Vcpu)
        def sync(s, me):
            s.user[every_client] |= s.kernel

    with pytest.raises(UsageError, match="its sync is not a client's, so no client would ever complete one"):
        ask(Hardware, built_in_properties()["no_lost_write"], 2, 1)
