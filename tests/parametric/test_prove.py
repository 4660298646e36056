"""Proof for any number of pages and clients: the reading, the search for invariants, and what it may never say."""

import pickle
from dataclasses import replace
from random import Random
from time import monotonic

import pytest
from hypothesis import event

from model import ALL, NONE, AnyPages, Client, Design, Flag, Lock, Pages, Slot, choose, every, operation, some, wait_for
from model.engines import explicit
from model.errors import UsageError
from model.expr import PLACE, always
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.limits import Limits
from model.parametric import cutoff
from model.parametric.cutoff import pages_independent
from model.parametric.inference.prove import InductiveInvariant, check, conditions_of, prove
from model.parametric.logic import PAGE, atom, disj, exists, forall, neg, truth, tuples, variable
from model.parametric.obligations import cycle, edges
from model.parametric.reading import Reading
from model.parametric.samples import structure
from model.parametric.vocabulary import parameter
from model.verdict import Proved, Refuted, Undetermined
from tests.support import random_designs
from tests.support.clear_k import ClearKNaive, ClearKTopLayer, promise
from tests.support.nightly import rest_nightly
from tests.support.packed import asked
from tests.support.proofs import CLEAR_K, by_clauses
from tests.support.seeded_bugs import on_random_designs

SAFE = ("per-slot-cache", "top-layer-and-cache")
BOTH = ("promise_kept", "no_lost_write")
UNSAFE = [
    *((d, p) for d in ("naive", "top-layer", "read-before-clear", "cache-not-forgotten") for p in BOTH),
    *((d, p) for d in ("no-lock", "two-in-one", "asker-only") for p in BOTH),
    ("delivers-nothing", "no_lost_write"),
    ("no-lock-register", "promise_kept"),
]


# ---------------------------------------------------------------- the reading


def compare(program, invariants, pages, sizes, seed=1, states=24):
    """The reading and the finite instance say the same of guards, new values and properties; returns the moves seen."""
    instance, reading = Instance(program, pages, sizes), Reading(program, None, invariants)
    random, state, seen = Random(seed), instance.initial, [instance.initial]
    for _ in range(states):
        state = random.choice([after for _, after in instance.successors(state)] or [instance.initial])
        seen.append(state)
    seen += [tuple(anything(instance, f, random) for f in instance.fields) for _ in range(states)]
    assert truth(reading.initial, structure(reading, instance, instance.initial))
    for state in seen:
        for rule in invariants:
            finite = all(instance.value(case, state) for _, case in instance.cases(rule))
            assert finite == truth(reading.says(rule), structure(reading, instance, state))
    few = min(20, len(instance.moves))
    return sum(same_move(reading, instance, s, m) for s in seen for m in random.sample(instance.moves, few))


def anything(instance, field, random):
    return random.randrange(len(instance.codes[field.per]) if field.sort == PLACE else 1 << field.width)


def same_move(reading, instance, state, move):
    """Whether the move is enabled, after comparing that, and the whole next state."""
    ground = move.ground
    step = next(t for t in reading.transitions if t.step == ground.step)
    terms = {step.terms[0]: ground.thread}
    terms |= {t: ground.indices[t.name.rpartition(" ")[2]] for t in step.terms[1:] if t.sort != PAGE}
    chosen = {parameter(n): v for n, v in {**move.arguments, **ground.indices}.items()}
    terms |= {t: move.arguments[t.name.removeprefix("the ")].bit_length() - 1 for t in step.terms if t.sort == PAGE}
    world = structure(reading, instance, state, terms, chosen)
    assert instance.enabled(move, state) == truth(step.guard, world), step.label
    if not instance.enabled(move, state):
        return False
    after = structure(reading, instance, instance.apply(move, state))
    for relation, sorts in reading.relations.items():
        names = tuple(variable(s) for s in sorts)
        new = step.after(relation, names)
        for numbers in tuples(world.sizes, sorts):
            env = {**world.terms, **dict(zip(names, numbers, strict=True))}
            assert after.holds(relation, numbers) == truth(new, world._replace(terms=env)), (step.label, relation)
    return True


@pytest.mark.parametrize("name", ["promise_kept", "no_lost_write", "no_blind_clear"])
@pytest.mark.parametrize(
    "design",
    rest_nightly(
        ["per-slot-cache", "no-lock-register", "asker-only", "naive"], ["per-slot-cache", "no-lock-register"].count
    ),
)
def test_parametric_reading_says_what_the_finite_one_says(design, name):
    """Guards, new values and properties, in states that are reachable and in others."""
    assert 20 < compare(*asked(design, name), pages=2, sizes={"Client": 3})


def both_readings_agree(data):
    """Whatever the language can say."""
    questions = random_designs.questions(data, pages=2, clients=2)
    made = questions[0].instance
    compare(made.program, [q.invariant for q in questions], 2, made.sizes, states=4)


def no_search_refutes_what_is_proved(data):
    """At two pages and two clients."""
    for question in random_designs.questions(data, pages=2, clients=2)[:2]:
        found = prove(question.program, question.invariants, Limits(seconds=1))
        event(found.word)
        if found == Proved():
            assert Refuted is not type(explicit.search(question, Limits(states=3_000)))


test_both_readings_agree_on_random_designs = on_random_designs(both_readings_agree, 15)
test_both_readings_agree_on_50_random_designs = pytest.mark.slow(on_random_designs(both_readings_agree, 50))
test_what_is_proved_of_a_random_design_no_search_refutes = on_random_designs(no_search_refutes_what_is_proved, 6)
test_what_is_proved_of_20_random_designs_no_search_refutes = pytest.mark.slow(
    on_random_designs(no_search_refutes_what_is_proved, 20)
)


class PerSlot(Design):
    """Each slot has a lock and a bitmap of its own; a client works on the slot that it was given."""

    cache = Pages("of the slot", per=Slot)
    inside = Flag("some client works on the slot", per=Slot)
    twice = Flag("two clients worked on one slot")
    slot_lock = Lock("of the slot", per=Slot)

    @operation
    def work(s, me, slot):
        with s.slot_lock[slot]:
            s.twice |= s.inside[slot]
            s.inside[slot] = True
            yield "entered"
            s.cache[slot] = ALL
            s.inside[slot] = False
            yield "left"


@always
def one_a_slot(s):
    """A slot's lock keeps two clients apart."""
    return ~s.twice


def test_a_slot_that_a_thread_was_given_is_read_as_the_finite_reading_does():
    """A location carries the slot's number; here that is a relation between thread and slot."""
    assert 20 < compare(*asked(PerSlot, one_a_slot), pages=1, sizes={"Client": 3, "Slot": 2})


def test_locks_of_a_family_keep_apart_any_number_of_clients_and_slots():
    """The invariant is found; without the lock it is not."""

    class Unlocked(PerSlot):
        @operation
        def work(s, me, slot):
            s.twice |= s.inside[slot]
            s.inside[slot] = True
            yield "entered"
            s.inside[slot] = False
            yield "left"

    assert Proved() == prove(*asked(PerSlot, one_a_slot))
    assert Undetermined() == prove(*asked(Unlocked, one_a_slot), Limits(seconds=5), sampling=False)


# ---------------------------------------------------------------- what is proved


@pytest.mark.parametrize("name", rest_nightly(BOTH, ["promise_kept"].count))
@pytest.mark.parametrize("design", rest_nightly(SAFE, ["per-slot-cache"].count))
def test_safe_designs_are_proved_for_any_number_of_pages_and_clients(design, name):
    """With nothing but the definition, and every conjunct is needed: without any one of them the proof fails."""
    verdict = by_clauses(design, name)
    assert Proved() == verdict
    assert () == verdict.detail.impossible
    for conjunct in verdict.detail.conjuncts:
        assert conjunct.needed_by
        rest = tuple(c for c in verdict.detail.conjuncts if c is not conjunct)
        weaker = replace(verdict.detail, conjuncts=rest)
        assert "sat, when asked whether" in check(weaker, monotonic() + 60)[1]


def test_what_holds_only_because_there_are_others_is_not_taken_for_an_invariant():
    """A clause about two clients says nothing where there is one; a search at three clients alone believed in it."""
    assert Proved() == by_clauses("per-slot-cache", "no_blind_clear")


@pytest.mark.parametrize("name", BOTH)
def test_top_layer_is_proved_for_one_client_and_any_number_of_pages(name):
    """With two it loses pages; the proof must not say otherwise."""
    assert Proved() == by_clauses("top-layer", name, clients=1)
    assert Undetermined() == by_clauses("top-layer", name, clients=2)
    assert Undetermined() == by_clauses("top-layer", name)


def test_clear_k_is_proved_by_four_clauses_in_words():
    """The hold is a register here, for which other tools find no universal invariant: one clause says it is not empty.

    The clauses are in the design's words, a line each, with the steps that need them.
    """
    verdict = by_clauses(CLEAR_K, "promise")
    assert Proved() == verdict
    assert """\
something is in hold[c] while cleared[c]                   for collect
stale <= hold[c] | kernel | user[c] while c == MIGRATION   for the property itself
cache <= hold[c] | user[c]                                 for clear
cache <= user[c] while cleared[c]                          for finish""" == str(verdict.detail)


@pytest.mark.parametrize("design", [ClearKNaive, ClearKTopLayer])
def test_the_unsafe_forms_of_clear_k_are_not_proved(design):
    """A reachable state of a small instance says so."""
    assert Undetermined() == prove(*asked(design, promise))


@pytest.mark.slow
@pytest.mark.parametrize("design", [ClearKNaive, ClearKTopLayer])
def test_the_unsafe_forms_of_clear_k_are_not_proved_without_a_finite_search(design):
    """Nor with nobody having searched before; `test_the_state_that_stops_a_proof` asks the same of a quicker design."""
    assert Undetermined() == prove(*asked(design, promise), Limits(seconds=2), sampling=False)


@pytest.mark.parametrize(("design", "name"), UNSAFE)
def test_unsafe_designs_are_never_proved(design, name):
    """A reachable state of a small instance says so at once."""
    verdict = prove(*asked(design, name))
    assert Undetermined() == verdict
    assert "a reachable state of a small instance" in verdict.reason


def test_the_state_that_stops_a_proof_is_shown_and_not_called_a_counterexample():
    """Nothing has been searched before; the state may or may not be reachable."""
    verdict = prove(*asked("asker-only", "promise_kept"), Limits(seconds=30), sampling=False)
    assert Undetermined() == verdict
    assert "a state that none excludes leads to a viola" in verdict.reason
    assert str(verdict.detail).startswith("a state that may be unreachable (3 clients, 2 pages):")


@pytest.mark.slow
@pytest.mark.parametrize(("design", "name"), UNSAFE)
def test_unsafe_designs_are_never_proved_without_any_finite_search_either(design, name):
    """Whatever the search for invariants comes across."""
    assert Undetermined() == prove(*asked(design, name), Limits(seconds=20), sampling=False)


# ---------------------------------------------------------------- what a wrong reading would prove


class Choosing(Design):
    """A thread chooses; whether the flag can be set depends on what may be chosen."""

    flag = Flag("it happened")
    here = Pages("what was chosen", per=Client)

    @operation
    def pick(s, me, want):
        s.flag |= want <= NONE


class Picked(Choosing):
    """What was chosen stays chosen."""

    @operation
    def pick(s, me, page):
        s.here[me] |= page


@always
def never(s):
    """The flag is never set."""
    return ~s.flag


def test_a_set_that_must_not_be_empty_is_not():
    """With a set that may be empty, the same design is not proved."""

    class Any(Choosing):
        @operation
        def pick(s, me, want: AnyPages):
            s.flag |= want <= NONE

    assert Proved() == prove(*asked(Choosing, never))
    assert Undetermined() == prove(*asked(Any, never), sampling=False)


def test_two_parameters_are_chosen_independently():
    """A reading that gave them one value would prove this."""

    class Two(Choosing):
        @operation
        def pick(s, me, want, span):
            s.flag |= ~(want <= span)

    assert Undetermined() == prove(*asked(Two, never), sampling=False)


def test_what_a_step_does_not_mention_stays_and_what_it_mentions_changes():
    """`flag` could only be set by another's `here`; a lost frame or a lost update would show in one of the two."""

    class Kept(Picked):
        @operation
        def look(s, me):
            s.flag |= ~every(Client, lambda c: s.here[c] <= NONE)

    class Untouched(Kept):
        pick = None

    assert Undetermined() == prove(*asked(Kept, never), sampling=False)
    assert Proved() == prove(*asked(Untouched, never))


def test_every_guard_counts():
    """`flag` needs two clients inside at once, which the guard forbids; without it the proof fails."""

    class Guarded(Choosing):
        inside = Flag("in the middle of it", per=Client)

        @operation
        def pick(s, me):
            wait_for(~some(Client, lambda c: s.inside[c]))
            s.inside[me] = True
            yield "in"
            s.flag |= some(Client, lambda c: s.inside[c] & ~(c == me))
            s.inside[me] = False
            yield "out"

    program, rules = asked(Guarded, never)
    loose = replace(program, steps=tuple(replace(s, guards=()) for s in program.steps))
    assert Proved() == prove(program, rules)
    assert Undetermined() == prove(loose, rules, sampling=False)
    assert isinstance(explicit.search(Problem(loose, tuple(rules))), Refuted)


# ---------------------------------------------------------------- limits, fragments, carrying it on


def test_a_proof_about_no_client_at_all_is_refused():
    """Of nothing, everything is true."""
    with pytest.raises(UsageError, match="a proof is about at least 1 client, not 0"):
        prove(*asked("naive", "promise_kept"), sizes={"Client": 0})


def test_no_property_and_no_time_are_undetermined():
    """A verdict is never rounded up."""
    program, rules = asked("per-slot-cache", "no_lost_write")
    assert "no property was asked" == prove(program, []).reason
    assert "the time limit was reached" in prove(program, rules, Limits(seconds=0)).reason


def test_a_circle_of_dependencies_between_sorts_is_named():
    """For every page some client, for every client some page: outside of what is decidable."""
    client_of = forall(PAGE, lambda p: exists("Client", lambda c: atom("user", c, p)))
    page_of = forall("Client", lambda c: exists(PAGE, lambda p: atom("user", c, p)))
    assert {(PAGE, "Client")} == edges([client_of])
    assert {("Client", PAGE)} == edges([neg(exists("Client", lambda c: forall(PAGE, lambda p: atom("user", c, p))))])
    assert () == cycle(edges([client_of]))
    assert ("Client", PAGE, "Client") == cycle(edges([client_of, page_of]))
    assert frozenset() == edges([client_of], finite=["Client"])
    apart = disj(forall(PAGE, lambda p: atom("kernel", p)), exists("Client", lambda c: atom("busy", c)))
    assert frozenset() == edges([apart])


def test_an_existential_passes_on_what_it_depends_on():
    """A client that depends on a page, and a page that depends on that client, depends on the first page too."""
    inner = forall(
        PAGE,
        lambda p: exists("Client", lambda c: disj(atom("user", c, p), exists(PAGE, lambda q: atom("user", c, q)))),
    )
    assert {(PAGE, "Client"), (PAGE, PAGE)} == edges([inner])


def test_a_design_outside_of_the_decidable_fragment_is_proved_or_named():
    """A promise kept by someone, and someone's promise about some page."""

    class Someone(Design):
        kernel = Pages("the log")
        user = Pages("a bitmap each", per=Client)

        @operation
        def write(s, me, page):
            s.kernel |= page

        @operation
        def sync(s, me):
            wait_for(every(Client, lambda c: ~(s.user[c] == ALL)))
            s.user[me] |= s.kernel

        @operation
        def drop(s, me):
            wait_for(s.kernel <= some(Client, lambda c: s.user[c]))
            s.kernel = NONE

    @always
    def known_to_someone(s):
        """What is in the log has been told to someone."""
        return s.kernel <= some(Client, lambda c: s.user[c])

    verdict = prove(*asked(Someone, known_to_someone), Limits(seconds=10), sampling=False)
    assert Undetermined() == verdict
    assert "leaves the decidable fragment" in verdict.reason


def test_a_proof_survives_pickling_into_a_process_with_variables_of_its_own():
    """Bound variables get new names there, so that none is ever caught by another."""
    found = by_clauses(CLEAR_K, "promise").detail
    other = pickle.loads(pickle.dumps(found))
    assert isinstance(other, InductiveInvariant)
    assert str(found) == str(other)
    assert (found.questions, "") == check(other, monotonic() + 60)
    assert [c.name for c in conditions_of(found)] == [c.name for c in conditions_of(other)]


# ---------------------------------------------------------------- one page is enough


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("design", SAFE)
def test_pages_of_the_safe_designs_are_independent_so_one_page_decides(design, name):
    """The side conditions are discharged, and the search with that one page agrees with the proof."""
    program, rules = asked(design, name)
    found = pages_independent(program, rules)
    assert (True, "") == (found.holds, found.reason)
    assert isinstance(explicit.search(Problem(found.one_page, tuple(rules))), Proved)


def test_what_z3_cannot_tell_of_pages_refuses_the_single_page(monkeypatch):
    """Out of time, or too hard; one side condition that is not discharged is enough."""
    monkeypatch.setattr(cutoff.Question, "ask", lambda *given: "unknown: timeout")
    found = pages_independent(*asked("naive", "promise_kept"))
    assert (False, True) == (found.holds, found.reason.endswith("(unknown: timeout)"))


def test_one_page_of_many_can_do_more_than_pages_can():
    """Naive loses in 5 moves with two pages; the one page in 2, as nothing makes it wait for the other to be mine.

    So one page is enough for a proof, and its refutation is a hint.
    """
    program, rules = asked("naive", "promise_kept")
    found = pages_independent(program, rules)
    assert found.holds
    assert 2 == explicit.search(Problem(found.one_page, tuple(rules))).depth
    assert 5 == explicit.search(Problem(program, tuple(rules), pages=2)).depth


def test_a_step_that_looks_at_other_pages_is_refused_by_name():
    """In a guard, in a new value, and in the property."""

    class Guarded(Choosing):
        pick = None

        @operation
        def drop(s, me):
            wait_for(~(s.here[me] <= NONE))
            s.here[me] = NONE

    class Valued(Choosing):
        pick = None

        @operation
        def drop(s, me, page):
            s.here[me] = choose(page <= s.here[me], NONE, s.here[me])

    @always
    def all_or_none(s, client):
        """No client has some pages and not others."""
        return (s.here[client] <= NONE) | (ALL <= s.here[client])

    def reason(design, rule):
        return pages_independent(*asked(design, rule)).reason

    assert "drop: its guard relates two pages (sat)" == reason(Guarded, never)
    assert "drop: what it makes of here relates two pages (sat)" == reason(Valued, never)
    assert "all_or_none relates two pages (sat)" == reason(Picked, all_or_none)
