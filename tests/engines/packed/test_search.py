"""The packed engine gives the reference's answers: verdict, depth, states and transitions."""

from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.designs.catalogue import built_in_designs
from model.engines import explicit
from model.engines.packed import levels, sweep
from model.engines.packed import search as lanes
from model.engines.store import bitset as visited
from model.engines.store.packing import Packing
from model.errors import CannotSay, UsageError
from model.expr.algebra import words
from model.instance.problem import Problem
from model.limits import Limits
from model.verdict import INTERRUPTED, Proved, Refuted, Undetermined, exit_code
from tests.support.clear_k import ClearK, ClearKNaive, ClearKTopLayer, promise
from tests.support.packed import FORMS, answer, question

SIZES = [(1, 1), (2, 1), (1, 2)]


# ---------------------------------------------------------------- the same answers


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("design", built_in_designs())
def test_every_design_gets_the_answer_of_the_reference(design, form):
    """The violating states themselves are compared too."""
    for size in SIZES:
        asked = question(design, form, *size)
        assert answer(explicit.search(asked)) == answer(lanes.search(asked))


@pytest.mark.parametrize("word_bits", [3, 5, 8])
@pytest.mark.parametrize("design", ["top-layer", "no-lock-register", "per-slot-cache"])
def test_a_state_in_several_words_gets_the_same_answer_as_in_one(design, word_bits):
    """Fields do not straddle words, so that words of three bits hold one field or a few."""
    asked = question(design, "promise_kept", 1, 2)
    assert Packing(asked.instance, word_bits).words > 1
    assert answer(lanes.search(asked)) == answer(lanes.search(asked, word_bits=word_bits))


def test_an_instance_wider_than_a_word_agrees_level_by_level():
    """Three clients and three pages of per-slot-cache are 69 bits: the complete levels as far as depth 4."""
    asked = question("per-slot-cache", "promise_kept", 3, 3)
    assert (69, 2) == (asked.instance.width, Packing(asked.instance).words)
    for depth in range(5):
        assert answer(explicit.search(asked, Limits(depth=depth))) == answer(lanes.search(asked, Limits(depth=depth)))


@pytest.mark.parametrize("digits", [(18, 12), (3, 2), (1, 7)])
def test_however_blocks_are_found_the_counts_are_the_same(digits, monkeypatch):
    """The set of states is a tree over the high bits of a state: one level deep, or many."""
    asked = question("top-layer-and-cache", "no_lost_write", 1, 2)
    assert answer(explicit.search(asked)) == answer(lanes.search(asked, digits=digits))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_number_of_threads_changes_nothing(threads, monkeypatch):
    """Threads add to one set of states at a time, and look at it while another adds."""
    monkeypatch.setattr(sweep, "CHUNK", 100)
    asked = question(ClearK, promise, 2, 2)
    assert answer(explicit.search(asked)) == answer(lanes.search(asked, threads=threads))


@pytest.mark.parametrize("operator", ["union", "minus", "subset", "either", "negate"])
def test_a_wrong_row_in_the_table_is_caught(operator):
    """Every row is caught on random designs (`test_engines_agree`); these by one design."""
    right = words(2)
    wrong = {
        "union": right["meet"],
        "minus": right["union"],
        "subset": right["equal"],
        "either": right["both"],
        "negate": lambda a: a,
    }
    asked = question("per-slot-cache", "no_lost_write", 2, 1)
    expected = answer(explicit.search(asked))
    assert expected == answer(lanes.search(asked, table=right))
    assert expected != answer(lanes.search(asked, table={**right, operator: wrong[operator]}))


# ---------------------------------------------------------------- numbers that others have found too


@pytest.mark.parametrize(
    ("pages", "clients", "states", "transitions"),
    [
        (2, 3, 104_672, 636_740),
        pytest.param(4, 2, 3_875_920, 28_487_392, marks=pytest.mark.slow),
        pytest.param(3, 3, 7_465_700, 54_635_192, marks=pytest.mark.slow),
    ],
)
def test_the_yardstick_has_as_many_states_as_in_every_other_tool(pages, clients, states, transitions):
    """Spin, rumur, stateright, TLC and minicheck store as many."""
    found = lanes.search(question(ClearK, promise, pages, clients))
    assert ("proved", states, transitions) == (found.word, found.states, found.transitions)


@pytest.mark.parametrize(("design", "depth"), [(ClearKNaive, 6), (ClearKTopLayer, 8)])
def test_the_unsafe_forms_of_the_yardstick_are_refuted_in_as_few_moves_as_elsewhere(design, depth):
    """Every tool that searches breadth-first agrees."""
    found = lanes.search(question(design, promise, 2, 2))
    assert ("refuted", depth) == (found.word, found.depth)


def test_per_slot_cache_takes_less_than_four_seconds_of_one_processor():
    """1,403,799 states; Spin 6.5.2 stores as many."""
    begin = process_time()
    assert Proved(states=1_403_799, depth=40) == lanes.search(question("per-slot-cache", "promise_kept", 2, 2))
    assert process_time() - begin < 4


@pytest.mark.slow
def test_84_million_states_fit_into_less_than_two_gigabytes():
    """top-layer-and-cache at 3 pages and 2 clients: about a byte and a half a state."""
    asked = question("top-layer-and-cache", "promise_kept", 3, 2)
    assert Proved(states=84_172_763, depth=50) == lanes.search(asked)


# ---------------------------------------------------------------- limits


def test_a_limit_of_states_leaves_it_undetermined():
    """One state fewer than there are is too few; as many as there are is enough."""
    asked = question("top-layer", "promise_kept", 2, 1)
    found = lanes.search(asked, Limits(states=272))
    assert ("the limit of 272 states was reached", 273) == (found.reason, found.states)
    assert Proved(states=273, depth=14) == lanes.search(asked, Limits(states=273))


def test_a_limit_is_looked_at_within_a_level(monkeypatch):
    """As many more states as a part of the level leads to, not as many as the whole level."""
    monkeypatch.setattr(sweep, "CHUNK", 50)
    asked = question(ClearK, promise, 2, 3)
    found = lanes.search(asked, Limits(states=20_000), threads=1)
    assert isinstance(found, Undetermined)
    assert 20_000 < found.states < 20_500
    assert 25_000 < lanes.search(asked, Limits(depth=found.depth + 1)).states


def test_a_limit_of_seconds_leaves_it_undetermined_with_what_was_covered():
    found = lanes.search(question("per-slot-cache", "promise_kept", 1, 2), Limits(seconds=0))
    assert ("undetermined", "the limit of 0 seconds was reached", 0) == (found.word, found.reason, found.depth)
    assert found.states > 1


def test_the_limits_are_looked_at_within_a_part_of_a_level():
    """At 6 pages a state has some ten thousand moves, and a part of a level a thousand states."""
    looks = iter(range(12))
    limits = Limits(cancelled=lambda: "" if next(looks, None) is not None else "enough")
    found = lanes.search(question("per-slot-cache", "promise_kept", 6, 2), limits, threads=1)
    assert ("undetermined", "enough") == (found.word, found.reason)
    assert 1 < found.states < 5_000


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_leaves_it_undetermined_with_what_was_covered(threads, monkeypatch):
    """Control-C between two parts of a level."""
    monkeypatch.setattr(sweep, "CHUNK", 50)
    asked = []

    def interrupt():
        asked.append(1)
        if len(asked) == 60:
            raise KeyboardInterrupt
        return ""

    found = lanes.search(question(ClearK, promise, 2, 2), Limits(cancelled=interrupt), threads=threads)
    assert ("interrupted", True, INTERRUPTED) == (found.reason, found.interrupted, exit_code([found]))
    assert 0 < found.depth < 25
    assert 0 < found.states < 10_000


def test_no_property_asked_is_undetermined():
    assert "no property was asked" == lanes.search(Problem.on(question("naive", "promise_kept", 1, 1).instance)).reason


def test_progress_is_reported_once_a_level():
    """The states add up to those of the verdict."""
    seen = []
    found = lanes.search(question("top-layer", "promise_kept", 2, 1), Limits(report=seen.append))
    assert list(range(15)) == [p.depth for p in seen]
    assert {"lanes"} == {p.engine for p in seen}
    assert found.states == seen[-1].states == sum(p.frontier for p in seen)


def test_a_field_wider_than_a_word_is_refused():
    asked = question("naive", "promise_kept", 3, 1)
    with pytest.raises(UsageError, match="^unread has 3 bits, and a word of the engine lanes 2\\.$"):
        lanes.search(asked, word_bits=2)


def test_an_operator_without_a_row_is_refused():
    table = dict(words(1))
    del table["union"]
    with pytest.raises(CannotSay, match="the engine lanes has no exact meaning for 'union'"):
        lanes.search(question("naive", "promise_kept", 1, 1), table=table)


# ---------------------------------------------------------------- levels and traces


def test_levels_are_the_states_by_their_distance():
    """As the reference would list them."""
    asked = question("top-layer", "promise_kept", 1, 2).instance
    found, seen, frontier = levels.search(Problem.on(asked)), {asked.initial}, {asked.initial}
    for depth in range(found.verdict.depth + 1):
        assert sorted(frontier) == sorted(found.states(depth))
        frontier = {after for state in frontier for _, after in asked.successors(state)} - seen
        seen |= frontier
    assert not frontier


def test_backward_gives_the_states_on_shortest_traces_and_no_others():
    """A state is on one if and only if some move from it leads to a state on one."""
    problem = question("top-layer", "promise_kept", 1, 2)
    found, asked = levels.search(problem), problem.instance
    assert (Refuted, 8) == (type(found.verdict), found.verdict.depth)
    path = found.backward(state for state, _, _ in found.verdict.detail)
    assert [asked.initial] == path[0]
    for depth in range(8):
        following = set(path[depth + 1])
        expected = {s for s in found.states(depth) if any(t in following for _, t in asked.successors(s))}
        assert expected == set(path[depth])


def test_a_trace_is_found_without_stored_parents_and_replays():
    """On the plain-integer interpreter."""
    problem = question("per-slot-cache", "promise_kept", 1, 2)
    found, asked = levels.search(problem), problem.instance
    (target, *_) = found.states(found.verdict.depth)
    state = asked.initial
    for number in found.trace(target):
        assert asked.enabled(asked.moves[number], state)
        state = asked.apply(asked.moves[number], state)
    assert (target, 26) == (state, len(found.trace(target)))


def test_packing_there_and_back_changes_nothing():
    """Whatever the fields hold, in one word and in many."""
    asked = question("per-slot-cache", "no_lost_write", 2, 2).instance
    random = np.random.default_rng(5)
    states = [tuple(int(v) for v in random.integers(0, [1 << f.width for f in asked.fields])) for _ in range(50)]
    for word_bits in (64, 9):
        packing = Packing(asked, word_bits)
        assert states == packing.unpack(packing.pack(states))


# ---------------------------------------------------------------- the set of states


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    batches=st.lists(st.lists(st.tuples(st.integers(0, (1 << 20) - 1), st.integers(0, 31)), max_size=80), max_size=6),
    digits=st.sampled_from([(18, 12), (2, 3), (1, 1)]),
)
def test_the_set_of_states_is_a_set(batches, digits):
    """Against Python's own: what is new comes out once, sorted, at the next turn."""
    made, known = visited.Visited([20, 5], *digits), set()
    for batch in batches:
        columns = tuple(np.array([s[word] for s in batch], dtype=np.uint64) for word in (0, 1))
        expected = [i for i, s in enumerate(batch) if s not in known]
        assert expected == made.unseen(columns).tolist()
        made.add(columns)
        assert len(set(batch) - known) == made.fresh()
        turned = [tuple(s) for block in made.turn() for s in block.T.tolist()]
        assert sorted(set(batch) - known, key=lambda s: (s[1], s[0])) == turned
        known |= set(batch)
