"""States that lie far apart are kept in a table: the same answers, in less memory."""

import pytest
from hypothesis import assume, given, settings

from model.designs.catalogue import built_in_designs
from model.engines import explicit
from model.engines.packed import native, sweep
from model.engines.packed import search as lanes
from model.engines.store import hash_table as hashed
from model.engines.store.packing import Packing
from model.limits import Limits
from model.verdict import Refuted, Undetermined
from tests.support.clear_k import ClearK, promise
from tests.support.packed import FORMS, answer, question
from tests.support.random_designs import SIZES, designs, questions
from tests.support.seeded_bugs import hardest, same_every_time

pytestmark = pytest.mark.skipif(not native.compiler(), reason="no C compiler (Debian: gcc)")


@pytest.fixture
def tables(monkeypatch):
    """Every search goes on with a table of 16 places as soon as it can; the list of the tables that were made."""
    made, empty = [], hashed.Hashed._empty
    monkeypatch.setattr(sweep, "far_apart", lambda *asked: True)
    monkeypatch.setattr(hashed, "SMALLEST", 16)
    monkeypatch.setattr(hashed.Hashed, "_empty", lambda self, places: made.append(places) or empty(self, places))
    return made


def by_table(asked, **how):
    return lanes.search(asked, kernel="c", **how)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("design", built_in_designs())
def test_every_design_gets_the_answer_of_the_reference(design, form, tables):
    """The violating states themselves are compared too."""
    asked = question(design, form, 1, 2)
    assert answer(explicit.search(asked)) == answer(by_table(asked))
    assert tables


def agrees_on(data, patch):
    patch.setattr(sweep, "far_apart", lambda *asked: True)
    patch.setattr(hashed, "SMALLEST", 16)
    for pages, clients in SIZES:
        found = hardest(questions(data, pages, clients))
        assume(found)
        asked, expected = found
        assert answer(expected) == answer(by_table(asked))


@settings(same_every_time, max_examples=4)
@given(designs())
def test_random_designs_get_the_answer_of_the_reference(data):
    with pytest.MonkeyPatch.context() as patch:
        agrees_on(data, patch)


@pytest.mark.slow
@same_every_time
@given(designs())
def test_300_random_designs_get_the_answer_of_the_reference(data):
    with pytest.MonkeyPatch.context() as patch:
        agrees_on(data, patch)


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("word_bits", [64, 5])
def test_tables_grow_under_several_threads_and_lose_nothing(threads, word_bits, tables, monkeypatch):
    """104,672 states from 16 places on; in one word or in several, which are not written at once."""
    monkeypatch.setattr(sweep, "CHUNK", 200)
    asked = question(ClearK, promise, 2, 3)
    assert (word_bits < 64) == (Packing(asked.instance, word_bits).words > 1)
    found = by_table(asked, threads=threads, word_bits=word_bits)
    assert ("proved", 104_672, 636_740) == (found.word, found.states, found.transitions)
    assert 1 << 18 == tables[-1]


def test_a_call_that_finds_more_than_it_may_is_made_again(tables, monkeypatch):
    monkeypatch.setattr(native, "OUT", 7)
    found = by_table(question(ClearK, promise, 2, 3))
    assert ("proved", 104_672, 636_740) == (found.word, found.states, found.transitions)


@pytest.mark.parametrize("threads", [1, 4])
def test_violating_states_are_named_in_order(threads, tables, monkeypatch):
    """Whoever finds them first."""
    monkeypatch.setattr(sweep, "CHUNK", 10)
    asked = question("naive", "promise_kept", 2, 2)
    expected, found = lanes.search(asked, kernel="numpy"), by_table(asked, threads=threads)
    assert isinstance(found, Refuted)
    assert expected.detail == found.detail


def test_limits_hold(tables, monkeypatch):
    monkeypatch.setattr(sweep, "CHUNK", 100)
    found = by_table(question(ClearK, promise, 2, 3), limits=Limits(states=50_000))
    assert "the limit of 50,000 states was reached" == found.reason
    assert 50_000 < found.states < 60_000


def test_a_machine_that_is_full_is_no_verdict(tables, monkeypatch):
    monkeypatch.setattr(sweep, "physical_memory", lambda: 1_000_000)
    found = by_table(question(ClearK, promise, 2, 3))
    assert isinstance(found, Undetermined)
    assert "the states take more memory than there is; --memory writes them out" == found.reason


def test_blocks_are_left_where_a_state_takes_more_than_a_place_would():
    """Three pages and three clients of per-slot-cache: 1,200 bytes a state in blocks; a state takes two words."""
    asked = question("per-slot-cache", "promise_kept", 3, 3)
    run = sweep.Search(asked, Limits(states=1_500_000))
    run.compiling = native.compilation("c")
    found = run.run()
    assert isinstance(found, Undetermined)
    assert isinstance(run.mover.states, hashed.Hashed)
    assert 64 * found.states > run.mover.states.table.nbytes


def test_blocks_stay_where_states_lie_close_together():
    asked = question(ClearK, promise, 2, 3)
    run = sweep.Search(asked)
    run.compiling = native.compilation("c")
    assert 104_672 == run.run().states
    assert not isinstance(run.mover.states, hashed.Hashed)


def test_a_last_word_that_is_full_has_no_table(tables):
    """Its all ones would be taken for an empty place."""
    assert not hashed.far_apart(sweep.Visited([64]), 0, [64])
