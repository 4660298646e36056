"""One-line mutants of safe designs: finite search and proof must not contradict one another on any."""

import pytest

from model.commands.mutants import SAFE, judged
from model.designs.catalogue import load
from model.instance.instance import Instance
from model.program.design import record
from model.program.mutation import mutants


def test_there_are_more_than_forty_mutants_of_every_kind():
    """Made from the recorded steps of the three safe designs."""
    found = [m for design in SAFE for m in mutants(record(load(design)))]
    kinds = {
        "dropped guard",
        "forgotten update",
        "bit kept",
        "weaker mask",
        "one client only",
        "swapped steps",
        "dropped lock",
    }
    assert (58, kinds) == (len(found), {m.kind for m in found})


def test_every_mutant_is_another_program_and_runs():
    """It differs in its digest, has an instance, and its locks pair up."""
    for design in SAFE:
        program = record(load(design))
        digests = [m.program.digest for m in mutants(program)]
        assert len({program.digest, *digests}) == len(digests) + 1
        for mutant in mutants(program):
            instance = Instance(mutant.program, 1, {"Client": 2})
            assert [] != list(instance.successors(instance.initial)), mutant.change


def test_swapping_steps_keeps_locks_parameters_and_resets_in_place():
    """Only the work changes places."""
    program = record(load("per-slot-cache"))
    swapped = next(m.program for m in mutants(program) if m.change == "clear.read before clear.forgotten")
    before = [(s.source, s.target, s.takes, s.frees, s.params) for s in program.steps]
    after = [(s.source, s.target, s.takes, s.frees, s.params) for s in swapped.steps]
    assert before == after
    assert ["clear.chosen", "clear.cleared", "clear.read", "clear.forgotten"] == [
        s.label for s in swapped.steps if s.operation == "clear"
    ]


def test_a_swap_over_the_choice_of_parameters_reads_them_where_they_are():
    """The work that moved to the front uses the parameter, the one that moved back its register."""
    program = record(load("top-layer"))
    swapped = next(m.program for m in mutants(program) if m.kind == "swapped steps")
    first, last = (s for s in swapped.steps if s.operation == "clear")
    assert ({"param"}, {"var"}) == (
        {e.op for u in first.updates if u.variable == "mine" for e in u.value.args[1:]},
        {g.args[0].op for g in last.guards},
    )


@pytest.mark.parametrize(
    ("design", "clients"), [pytest.param("per-slot-cache", 2, marks=pytest.mark.slow), ("top-layer", 1)]
)
def test_search_and_proof_never_contradict_one_another(design, clients):
    """Where both conclude they agree; a refuted mutant is never proved."""
    found = judged(design, pages=2, clients=clients, seconds=6.0, properties=["promise_kept"])
    assert [] == [(j.change, j.finite.word, j.proof.word) for j in found if not j.agrees]
    refuted = [j for j in found if j.finite.word == "refuted"]
    assert {"undetermined"} == {j.proof.word for j in refuted}
    assert any(j.proof.word == "proved" for j in found)


@pytest.mark.slow
@pytest.mark.parametrize("design", SAFE)
def test_search_and_proof_agree_on_both_forms_of_safety(design):
    """The table of `clearorder mutants`, with its own limits."""
    found = judged(design, clients=1 if design == "top-layer" else 2)
    assert [] == [(j.change, j.asked) for j in found if not j.agrees]
