"""How far a search has come is told honestly, and so is silence."""

import pytest

from model.cli.progress import Shown, Working
from model.engines.packed import search as lanes
from model.engines.packed import sweep
from model.limits import Limits, Progress, left
from tests.support.clear_k import ClearK, promise
from tests.support.packed import question


def test_the_line_has_level_states_rate_memory_and_what_is_left():
    progress = Progress("lanes", 3_000_000, 22, 900_000, 0.25, 2.0, 300 << 20, 1_000_000)
    assert (
        "lanes: depth 22 (25% of 900,000), 3,000,000 states, 1,500,000 a second, 300 MB, "
        "about 1,000,000 left if it goes on like this"
    ) == progress.text()


def test_nobody_guesses_what_is_left_while_levels_grow():
    assert "lanes: depth 3, 70 states, levels still grow: no telling how much is left" == Progress(
        "lanes", 70, 3, 30
    ).text(2)


def test_an_engine_without_levels_tells_what_it_knows():
    assert "inductive" == Progress("inductive", 0, 0).text()


def test_a_stalled_run_says_so(monkeypatch):
    """The line is asked again without a new report."""
    now = [100.0]
    monkeypatch.setattr("model.cli.progress.monotonic", lambda: now[0])
    line = Shown()
    assert "starting" == line.text()
    line.reported(Progress("lanes", 5, 1))
    now[0] += 10
    assert "lanes: depth 1, 5 states; 10 s" == line.text()
    now[0] += 30
    assert "lanes: depth 1, 5 states, no news for 40 s; 40 s" == line.text()


def test_each_of_many_is_named_with_its_number():
    """News of the one before are gone."""
    line = Shown()
    told = []
    for name in line.each(["naive", "top-layer"], str, 2):
        told.append(line.text())
        line.reported(Progress("lanes", 5, 1))
        told.append(f"{name} {line.text()}")
    assert [
        "1 of 2: naive",
        "naive 1 of 2: naive; lanes: depth 1, 5 states",
        "2 of 2: top-layer",
        "top-layer 2 of 2: top-layer; lanes: depth 1, 5 states",
    ] == told
    assert ["a", "b"] == list(Working().each(["a", "b"], str))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], None),
        ([1, 5, 20], None),
        ([100, 50, 60, 40], None),
        ([800, 400, 200, 100], 100),
        ([8000, 4000, 2000, 1000, 500], 500),
    ],
)
def test_what_is_left_is_a_geometric_series_of_shrinking_levels(sizes, expected):
    """100 after 800, 400, 200: 50 + 25 + … = 100."""
    assert expected == left(sizes)


def test_what_is_left_is_of_the_right_size_on_the_yardstick():
    """At the last levels but three the estimate is within a factor of three of what came."""
    seen = []
    found = lanes.search(question(ClearK, promise, 2, 3), Limits(report=seen.append))
    told = [p for p in seen if p.left is not None and p.depth < found.depth - 3]
    assert 4 == len(told)
    for progress in told:
        assert (found.states - progress.states) / 3 < progress.left < 3 * (found.states - progress.states)


def test_a_long_level_is_told_of_again_while_it_goes_on(monkeypatch):
    monkeypatch.setattr(sweep, "CHUNK", 1_000)
    monkeypatch.setattr("model.engines.packed.tally.TELL", -1.0)
    seen = []
    lanes.search(question(ClearK, promise, 2, 3), Limits(report=seen.append), threads=1, kernel="numpy")
    parts = [p.part for p in seen if p.depth == 15]
    assert parts == sorted(parts)
    assert 3 < len(parts)
    assert (0.0, 1.0) == (parts[0], parts[-1])
    assert all(p.memory > 10 << 20 for p in seen)
