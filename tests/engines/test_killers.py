"""Designs on which an engine of ours with one condition left out answers wrongly; `tests.mutation` leaves them out."""

from dataclasses import replace

import pytest

from model import ALL, Client, Pages, operation, wait_for
from model.designs.catalogue import load
from model.engines import explicit, refinement
from model.engines.packed import search as lanes
from model.engines.packed import symmetry
from model.errors import UsageError
from model.expr import always
from model.instance.problem import Problem
from model.limits import Limits
from model.parametric.inference import prove as inductive
from model.parametric.solver import Question
from model.program.design import record
from model.verify import packed
from model.verify.refinement import refines
from tests.support.designs import (
    Counting,
    Elsewhere,
    Failing,
    LastWriter,
    Lopsided,
    LopsidedAgain,
    OneEnters,
    Paired,
    Spinning,
    Transient,
    Watched,
    clear_cached,
    harmless_at_work,
    never_bad,
)
from tests.support.packed import question
from tests.support.proofs import CLEAR_K, by_clauses, problem

# ---------------------------------------------------------------- partial order


@pytest.mark.parametrize(
    ("design", "rule", "depth"),
    [(LastWriter, never_bad, 4), (Watched, never_bad, 2), (Spinning, never_bad, 1), (Elsewhere, harmless_at_work, 2)],
)
def test_partial_order_finds_what_a_condition_left_out_would_hide(design, rule, depth):
    """Writes that others write; locations that others test; circles; locations that the invariant names."""
    asked = question(design, rule, 1, 1)
    assert ("refuted", depth) == (explicit.search(asked).word, explicit.search(asked).depth)
    assert ("refuted", depth) == (packed.search(asked, reductions=["order"]).word, depth)


@pytest.mark.parametrize(("design", "depth"), [(Failing, 2), (Transient, 4)])
def test_a_location_that_waits_or_reads_what_is_transient_does_not_go_alone(design, depth):
    """A thread that waits for ever would stop all others; one that looks at once would never see what comes."""
    asked = question(design, never_bad, 1, 1)
    assert ("refuted", depth) == (explicit.search(asked).word, explicit.search(asked).depth)
    assert ("refuted", depth) == (packed.search(asked, reductions=["order"]).word, depth)


# ---------------------------------------------------------------- symmetry


@pytest.mark.parametrize("number", [0, 1])
def test_a_client_that_the_invariant_tells_apart_is_not_exchanged(number):
    """Only one client gets in: taken for one another, one of the two would never be seen inside."""

    @always
    def stays_outside(s):
        """One client of the two never enters."""
        return ~s.inside[Client[number]]

    asked = question(OneEnters, stays_outside, 1, 2)
    assert "refuted" == packed.search(asked, reductions=["symmetry"]).word
    assert ("refuted", 2) == (explicit.search(asked).word, explicit.search(asked).depth)


def paired():
    return Problem.of(record(Paired), never_bad, sizes={"Client": 1, "Slot": 2})


@pytest.mark.parametrize("net", ["both", "the steps alone"])
def test_elements_that_threads_keep_in_mind_are_not_exchanged(net, monkeypatch):
    """Two things see to it: what locations carry is looked for, and the steps at a location name it."""
    if net == "the steps alone":
        monkeypatch.setattr(symmetry, "_kept_in_mind", lambda instance, sort: False)
    assert () == symmetry.symmetry(paired()).classes
    assert ("refuted", 3) == (explicit.search(paired()).word, explicit.search(paired()).depth)
    assert ("refuted", 3) == (packed.search(paired(), reductions=["symmetry"]).word, 3)


def test_exchanging_slots_but_not_those_kept_in_mind_would_prove_what_is_wrong(monkeypatch):
    """After the second mark the least state has the other slot marked first, and the client keeps the one in mind."""
    monkeypatch.setattr(lanes, "symmetry", lambda asked: symmetry.Symmetry(False, (("Slot", (0, 1)),)))
    assert "proved" == packed.search(paired(), reductions=["symmetry"]).word


@pytest.mark.parametrize("design", [Lopsided, LopsidedAgain])
def test_slots_that_a_difference_tells_apart_are_not_exchanged(design):
    """Only one slot is marked: of `a - b` and `b - a` one would never be seen."""
    asked = Problem.of(record(design), never_bad, sizes={"Client": 1, "Slot": 2})
    assert ("refuted", 2) == (explicit.search(asked).word, explicit.search(asked).depth)
    assert "refuted" == packed.search(asked, reductions=["symmetry"]).word


# ---------------------------------------------------------------- the reference


def test_the_first_state_is_judged():
    """What is wrong from the beginning is refuted in no move, also where the first move mends it."""

    @always
    def somebody_has_come(s):
        """A client has come; at first none has."""
        return s.busy

    found = explicit.search(question(OneEnters, somebody_has_come, 1, 1))
    assert ("refuted", 0, 0) == (found.word, found.depth, found.states)


# ---------------------------------------------------------------- checkpoints


@always
def not_first(s):
    """The first flag is never set; it is, in the first move."""
    return ~s.first | s.second | s.third


@always
def not_impossible(s):
    """The third is never set without the first."""
    return s.first | ~s.third


def test_a_search_of_one_invariant_is_not_gone_on_with_for_another(tmp_path):
    """Levels that were searched for one would be taken for safe of the other: it would be proved."""
    file = tmp_path / "saved"
    assert "refuted" == lanes.search(question(Counting, not_first, 1, 1)).word
    stopped = lanes.search(question(Counting, not_impossible, 1, 1), Limits(depth=2), checkpoint=file)
    assert ("undetermined", True) == (stopped.word, file.exists())
    with pytest.raises(UsageError, match="is the checkpoint of another search"):
        lanes.search(question(Counting, not_first, 1, 1), checkpoint=file)


# ---------------------------------------------------------------- the proof for any number


@pytest.mark.parametrize("answer", ["unknown: timeout", "unknown: (incomplete quantifiers)"])
def test_what_z3_cannot_tell_proves_nothing(answer, monkeypatch):
    """One question of the final proof is answered `unknown`; all others are `unsat`."""
    asked = problem(CLEAR_K, "promise")
    assert "proved" == by_clauses(CLEAR_K, "promise").word
    right, count = Question.ask, iter(range(1000))

    def ask(self, seconds, *more):
        return answer if more and next(count) == 5 else right(self, seconds, *more)

    monkeypatch.setattr(Question, "ask", ask)
    found = inductive.prove(asked.program, asked.invariants)
    assert ("undetermined", True) == (found.word, found.reason.startswith(answer))


def test_a_step_without_a_guard_is_no_step_of_one_with_it():
    """For any size a design refines another where each step is the same, its guards too."""
    abstract = load("per-slot-cache")

    class Unguarded(abstract):
        """It clears whatever it likes."""

        @operation
        def clear(s, me, want, span):
            wait_for(want <= span)
            yield "chosen"
            yield from clear_cached(s, me, span)
            s.mine[me] -= want
            s.unread[me] -= want
            yield "read"

    guarded = record(abstract)
    assert refinement.mapping(guarded, guarded) is not None
    assert refinement.mapping(record(Unguarded), guarded) is None
    steps = tuple(replace(s, guards=()) for s in guarded.steps)
    assert refinement.mapping(replace(guarded, steps=steps), guarded) is None
    assert "refuted" == refines(Unguarded, abstract, pages=1, sizes={"Client": 1}).verdict.word


def test_a_design_that_starts_elsewhere_is_no_refinement():
    """Every step is the same, and the log is full at first."""
    abstract = load("per-slot-cache")

    class Full(abstract):
        """All pages are dirty at first."""

        kernel = Pages("the log, full at first", initially=ALL)

    assert refinement.mapping(record(abstract), record(abstract)) is not None
    assert refinement.mapping(record(Full), record(abstract)) is None
