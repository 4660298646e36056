"""SMT-LIB and AIGER: z3, cvc5 and ABC answer as recorded, sat and asserted at the known depth and not before."""

import re
from dataclasses import replace

import pytest
import z3
from hypothesis import Phase, given, settings

from model.designs.catalogue import MAIN
from model.engines import explicit
from model.export import aiger, promela, smtlib
from model.export.problem import Claim
from model.expr import Property
from model.limits import Limits
from model.verdict import Proved, Refuted
from tests.support import random_designs
from tests.support.nightly import rest_nightly
from tests.support.tools import MAIN_ROWS, ROWS, name, needed, row_claim, run, spin, tlc

REFUTED = [r for r in ROWS if r.verdict == "refuted"]


def first(row):
    """The main designs, one with a register and a short one; the others differ in an order or a mask."""
    return row.design in (*MAIN, "no-lock-register", "delivers-nothing")


def asked(text):
    solver = z3.Solver()
    solver.from_string(text)
    return str(solver.check())


@pytest.mark.parametrize("row", rest_nightly(REFUTED, first), ids=name)
def test_the_bounded_query_is_sat_at_the_recorded_depth_and_not_below(row):
    """Also one move later, where the run may stand still."""
    answers = [asked(smtlib.text(row_claim(row, depth=row.depth + more))) for more in (-1, 0, 1)]
    assert ["unsat", "sat", "sat"] == answers


@pytest.mark.parametrize("row", [r for r in ROWS if r.verdict == "proved"], ids=name)
def test_a_design_that_holds_has_no_violation_within_six_moves(row):
    """The status in the file says so too."""
    text = smtlib.text(row_claim(row, depth=6))
    assert "(set-info :status unsat)" in text
    assert "unsat" == asked(text)


@pytest.mark.parametrize("less", [0, 1])
def test_cvc5_reads_the_query_and_agrees(less):
    """A second solver, with a parser of its own."""
    cvc5 = pytest.importorskip("cvc5")
    row = next(r for r in REFUTED if (r.design, r.property) == ("top-layer", "promise_kept"))
    solver = cvc5.Solver()
    parser = cvc5.InputParser(solver)
    text = smtlib.text(row_claim(row, depth=row.depth - less))
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "query")
    said = []
    while not (command := parser.nextCommand()).isNull():
        said.append(command.invoke(solver, parser.getSymbolManager()))
    assert ("unsat" if less else "sat") == "".join(map(str, said)).strip()


# ---------------------------------------------------------------- circuits


def abc(directory, made, *commands):
    needed("berkeley-abc", "berkeley-abc")
    (directory / "model.aig").write_bytes(aiger.binary(made))
    return run(directory, "berkeley-abc", "-c", "; ".join(["read_aiger model.aig", *commands]))


@pytest.mark.parametrize("row", rest_nightly(ROWS, first), ids=name)
def test_pdr_gives_the_recorded_verdict_on_the_circuit(row, tmp_path):
    """And bounded model checking the recorded depth: frame k is the state after at most k moves."""
    said = abc(tmp_path, row_claim(row), "pdr")
    if row.verdict == "proved":
        assert "Property proved" in said
        return
    assert "was asserted in frame" in said
    first = re.search(r"asserted in frame (\d+)", abc(tmp_path, row_claim(row), "bmc3 -F 40"))
    assert row.depth == int(first[1])


@pytest.mark.slow
@pytest.mark.parametrize("row", MAIN_ROWS, ids=name)
def test_pdr_agrees_on_the_three_main_designs_at_two_pages(row, tmp_path):
    """Without visiting a state."""
    assert ("Property proved" if row.verdict == "proved" else "was asserted") in abc(tmp_path, row_claim(row), "pdr")


def simulated(text, choices):
    """The outputs of an ASCII circuit, read by a few lines of this test, for one input after another."""
    lines = text.splitlines()
    _, inputs, latches, _, gates = (int(n) for n in lines[0].split()[1:])
    body = iter(lines[1:])
    read = [int(next(body)) for _ in range(inputs)]
    nexts = dict(tuple(map(int, next(body).split())) for _ in range(latches))
    bad = int(next(body))
    ands = [tuple(map(int, next(body).split())) for _ in range(gates)]
    state, found = dict.fromkeys(nexts, 0), []
    for choice in choices:
        value = {0: 0} | {literal: choice >> i & 1 for i, literal in enumerate(read)} | state
        for gate, a, b in ands:
            value[gate] = (value[a & ~1] ^ (a & 1)) & (value[b & ~1] ^ (b & 1))
        found.append(value[bad & ~1] ^ (bad & 1))
        state = {latch: value[then & ~1] ^ (then & 1) for latch, then in nexts.items()}
    return found


def test_the_ascii_circuit_follows_the_moves_of_the_counterexample():
    """Inputs that choose the recorded moves of top-layer lead to the violation after the eighth, and not before."""
    from model.instance.trace import shortest

    row = next(r for r in REFUTED if (r.design, r.property) == ("top-layer", "promise_kept"))
    made = row_claim(row)
    trace = shortest(made.instance, made.invariant)
    steps = list(made.instance.steps)
    chooser = max(1, (len(steps) - 1).bit_length())
    choices = []
    for move in trace.moves:
        sets = [move.arguments[p.name] << chooser + i * made.instance.pages for i, p in enumerate(move.ground.params)]
        choices.append(next(i for i, g in enumerate(steps) if g is move.ground) + sum(sets))
    assert [0] * 8 + [1] == simulated(aiger.text(made), [*choices, 0])


# ---------------------------------------------------------------- random designs


def random_claims(data):
    """A claim for each promise of a random design, and what the reference says of it."""
    asked_of = Property("promise", "always", "A random promise.", lambda s: s)
    for asked in random_designs.questions(data, 1, 2)[:2]:
        verdict = explicit.search(asked, Limits(states=2_000))
        if verdict.conclusive:
            yield Claim("random", asked_of, asked.program, asked.instance, asked.invariant, verdict), verdict


@settings(max_examples=20, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(random_designs.designs())
def test_the_bounded_query_agrees_with_the_reference_on_random_designs(data):
    """sat at the depth of the reference, unsat below it; unsat within four moves where it holds."""
    for made, verdict in random_claims(data):
        if isinstance(verdict, Proved):
            assert "unsat" == asked(smtlib.text(replace(made, depth=4)))
        elif verdict.depth <= 8:
            found = {d: asked(smtlib.text(replace(made, depth=d))) for d in range(verdict.depth + 1)}
            assert dict.fromkeys(range(verdict.depth), "unsat") | {verdict.depth: "sat"} == found


@settings(max_examples=20, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(random_designs.designs())
def test_pdr_agrees_with_the_reference_on_random_designs(tmp_path_factory, data):
    """The circuit of a random design is violated where the reference says so."""
    for made, verdict in random_claims(data):
        said = abc(tmp_path_factory.mktemp("abc"), made, "pdr")
        refuted, proved = "asserted in frame" in said, "Property proved" in said
        assert (isinstance(verdict, Refuted), isinstance(verdict, Proved)) == (refuted, proved), said[-500:]


@pytest.mark.slow
@settings(max_examples=12, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(random_designs.designs())
def test_spin_and_tlc_agree_with_the_reference_on_random_designs(tmp_path_factory, data):
    """Verdicts, and the states of what holds."""
    for made, verdict in random_claims(data):
        directory = tmp_path_factory.mktemp("random")
        errors, stored, _ = spin(directory, promela.text(made))
        depth, states = tlc(directory, made)
        if isinstance(verdict, Proved):
            assert (0, verdict.states, None, verdict.states) == (errors, stored, depth, states)
        else:
            assert (1, verdict.depth) == (errors, depth)
