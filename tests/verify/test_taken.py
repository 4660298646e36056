"""How often each step was taken: counted once more by the plain interpreter, and never guessed."""

import json
import re
from collections import Counter

import jsonschema
import pytest

from model.limits import Limits
from model.verify.api import verify
from model.verify.taken import steps_taken, taken
from model.verify.vacuity import looked
from tests.support.command import check
from tests.support.designs import NeverCollects
from tests.support.paths import ROOT
from tests.support.reachable import reachable

SCHEMA = json.loads((ROOT / "reports" / "schema.json").read_text())


def plain_count(instance, states):
    """Moves by label, one state and one move at a time."""
    labels = dict.fromkeys((s.label for s in instance.program.steps), 0)
    moves = Counter(instance.moves[n].ground.step.label for state in states for n, _ in instance.successors(state))
    return labels | moves


def levels_before_a_violation(problem):
    """States nearer than the first that violates what is asked."""
    holds = [problem.instance.predicate(c.holds) for c in problem.checks]
    seen, level = set(), {problem.instance.initial}
    while all(each(state) for each in holds for state in level):
        seen |= level
        level = {after for state in level for _, after in problem.instance.successors(state)} - seen
    return seen


@pytest.mark.parametrize("design", ["per-slot-cache", "no-lock-register"])
def test_counts_are_those_of_the_plain_interpreter(design):
    """Of a proof, from all reachable states."""
    found = verify(design, "no_lost_write", pages=1, engine="explicit")
    told = steps_taken(found)
    states = reachable(found.problem.instance)
    assert plain_count(found.problem.instance, states) == told.counts
    assert (len(states), True, "") == (told.states, told.whole, told.reason)


def test_of_a_refutation_the_levels_before_it_are_counted():
    """As many as the verdict says."""
    found = verify("top-layer", pages=1, engine="explicit")
    told = steps_taken(found)
    states = levels_before_a_violation(found.problem)
    assert plain_count(found.problem.instance, states) == told.counts
    assert (len(states), False) == (found.verdict.states, told.whole)
    assert found.verdict.transitions == sum(told.counts.values())
    assert "states nearer than the violation" in told.sentence()


def test_a_step_that_is_never_taken_has_0_and_is_the_one_that_vacuity_names():
    """Nothing else has 0."""
    found = verify(NeverCollects, "promise_kept", pages=1, clients=1)
    told = steps_taken(found)
    idle = [label for label, times in told.counts.items() if not times]
    assert idle
    assert [f"at 1 page {', '.join(idle)} can never be taken"] == [
        v.text for v in looked(found.problem).never if v.step
    ]


def test_too_many_states_are_said_and_not_counted():
    """Neither a search that is known to be large is made, nor one that did not end."""
    large = verify("per-slot-cache", pages=1, engine="explicit")
    assert (
        "more than 100 states"
        == taken(large.problem, most=100).reason
        == taken(large.problem, large.evidence, 100).reason
    )
    assert "more than 500 moves to try in each state" == taken(large.problem.at(14, {"Client": 6})).reason
    cut = verify("per-slot-cache", pages=1, engine="explicit", limits=Limits(states=50))
    assert ({}, "the search did not end") == (steps_taken(cut).counts, steps_taken(cut).reason)


def test_v_shows_a_table_and_json_has_the_same_counts():
    """By the schema of the repository; without -v the text says nothing of it."""
    asked = ("top-layer", "--pages", 1, "--engine", "explicit")
    plain, more, written = (check(*asked, *words).stdout for words in ((), ("-v",), ("--format", "json")))
    document = json.loads(written)
    jsonschema.validate(document, SCHEMA)
    assert "taken" not in plain
    for result in document["results"]:
        assert result["transitions"] == sum(result["steps"]["taken"].values())
        for label, times in result["steps"]["taken"].items():
            assert re.search(rf"^  {label} +{times:,}$", more, re.MULTILINE)
