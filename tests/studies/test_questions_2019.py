"""What the discussion left open: each answer is a search of every state, or a run that loses."""

import pytest

from model.designs.catalogue import load
from model.studies.questions_2019 import TwoSlots, Unconverted, ask, with_mapping
from reports.pages.open_questions import answered, lead
from tests.support.discussion import measured


def test_two_slots_over_one_block_are_safe_where_ranges_are_converted():
    """And a write is lost where the second slot is cleared by the block's numbers."""
    assert (None, 24_333) == (lambda q: (q.moves, q.states))(ask(TwoSlots, 2, 1))
    assert 23 == ask(Unconverted, 2, 1).moves


@pytest.mark.slow
def test_two_slots_are_safe_with_two_clients_too():
    """26.8 million states."""
    assert (None, 26_768_267) == (lambda q: (q.moves, q.states))(ask(TwoSlots, 2, 2))


def test_a_device_that_marks_at_unmap_is_safe_and_one_that_marks_at_map_is_not():
    cached = load("per-slot-cache")
    assert None is ask(with_mapping(cached), 1, 2).moves
    assert 10 == ask(with_mapping(cached, marks_first=True), 1, 2).moves


def test_the_answer_is_five_sentences_and_four_questions_filled_with_what_was_found():
    found = measured()
    assert 5 == len(lead(found))
    assert "loses nothing (every state with up to 2 pages) with one user" in lead(found)[0]
    assert "with two it loses a write in 10 moves" in lead(found)[0]
    assert "0.233 copies for each write where the cache alone takes 0.228" in lead(found)[3]
    assert "is the empty one" in lead(found)[4] and "“cache”" in lead(found)[4]
    texts = [each.answer for each in answered(found)]
    assert 4 == len(texts)
    wanted = (
        "8 moves (2 pages, 1 client)",
        "lost in 23 moves",
        "proved for any number",
        "get-clears with 2 clients is safe",
    )
    assert [] == [words for words, text in zip(wanted, texts, strict=True) if words not in text]


def test_the_cache_copies_less_where_pages_are_written_rarely():
    """Where GET clears the other way round: the two rates of the committed page are on both sides of the crossing."""
    found = measured()
    rarely, often = found.copying[0], found.copying[-1]
    assert rarely[1].redundant.mean < rarely[0].redundant.mean
    assert often[1].redundant.mean > often[0].redundant.mean
    assert 0.2 < found.crossing < 0.3
