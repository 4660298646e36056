"""Names that mean something to another tool: Spin and TLC say of a design with them what they say of plain ones."""

import re

import pytest

from model.engines import explicit
from model.export import promela, tla
from model.export.identifiers import unique
from model.export.problem import Claim
from model.export.reserved import PROMELA_LIKE
from tests.support.hostile_names import NAMES, asked
from tests.support.named_chain import made, named, plain
from tests.support.nightly import rest_nightly
from tests.support.tla import errors
from tests.support.tools import needed, run, spin, tlc

CHUNK = 20


def claims(links, title="Chain", rule="is_not_reached"):
    """(refuted claim, safe claim) of a chain."""
    for safe in (False, True):
        rule_of, problem = made(links, safe=safe, design=title, rule=rule)
        yield Claim(title, rule_of, problem.program, problem.instance, problem.invariants[0], None, 4)


def expected(count):
    """What the reference says of a chain with plain names: (depth of the violation, states of the safe one)."""
    refuted, safe = (explicit.search(made([plain(n) for n in range(count)], safe=safe)[1]) for safe in (False, True))
    return refuted.depth, safe.states


def titled(names, turn):
    """A title and the name of a property, where these names can be one."""
    for position, usual, name in (("design", "Chain", names[turn]), ("property", "is_not_reached", names[-1 - turn])):
        yield name if asked({position: name}) else usual


def spin_says(directory, refuted, safe):
    found, (errors_of_safe, states, _) = spin(directory, promela.text(refuted)), spin(directory, promela.text(safe))
    return found[0], errors_of_safe, states


def both_agree(directory, names, turn):
    links = [named(n, name, turn) for n, name in enumerate(names)]
    depth, states = expected(len(names))
    refuted, safe = claims(links, *titled(names, turn))
    assert (1, 0, states) == spin_says(directory, refuted, safe)
    assert [] == errors(tla.text(safe))
    assert depth == tlc(directory, refuted)[0]
    assert (None, states) == tlc(directory, safe)


def chunks(names):
    return [names[n : n + CHUNK] for n in range(0, len(names), CHUNK)]


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("names", chunks(NAMES), ids=lambda names: ascii(names[0]))
def test_hostile_names_change_nothing_in_spin_and_tlc(names, turn, tmp_path):
    """Twenty at once; in each turn another one of the four kinds of members has the name."""
    both_agree(tmp_path, names, turn)


@pytest.mark.parametrize(
    "names", rest_nightly([NAMES[9::33], NAMES[10::33]], [NAMES[9::33]].count), ids=lambda names: ascii(names[0])
)
def test_some_hostile_names_change_nothing_in_spin_and_tlc(names, tmp_path):
    both_agree(tmp_path, names, len(names) % 4)


def test_no_part_is_called_as_a_macro_of_what_spin_writes(tmp_path):
    """Whatever the generated C and its headers replace, and whatever it declares; read off the C itself."""
    needed("spin", "spin")
    needed("gcc", "gcc")
    (tmp_path / "model.pml").write_text(promela.text(next(claims([plain(0)]))))
    run(tmp_path, "spin", "-o2", "-a", "model.pml")
    said = run(tmp_path, "gcc", "-dM", "-E", "-DSAFETY", "pan.c")
    macros = set(re.findall(r"^#define ([A-Za-z]\w*)[^(\w]", said, re.MULTILINE))
    assert len(macros) > 100
    found = unique({word: word for word in sorted(macros)}, promela.RESERVED, like=PROMELA_LIKE)
    assert set() == macros & set(found.values())
