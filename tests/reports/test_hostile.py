"""Names and texts of a user's design that try to break a format break none, and inject nothing."""

import json

import pytest
import z3

from model.designs.catalogue import find_property, load
from model.export import EXPORTS, aiger, cubicle, promela, smtlib, tla, written
from model.export.problem import claim
from model.program.design import record
from reports.formats import registry as formats
from tests.support import cubicle as reader
from tests.support.results import HOSTILE, every_kind, hostile
from tests.support.tla import errors
from tests.support.tools import needed, run, spin, tlc


def made():
    design = load(str(HOSTILE))
    expected = hostile().verdict
    property = find_property("no_lost_write", design)
    return claim(record(design), property, 1, {"Client": 2}, name=hostile().design, expected=expected)


@pytest.mark.parametrize("name", formats.REPORTS)
def test_every_report_holds_no_control_character_and_no_tag_of_a_name(name):
    """It can be written as UTF-8, and no markup comes from a name."""
    text = formats.render(name, [hostile()])
    text.encode()
    assert [] == [c for c in text if c < " " and c != "\n"]
    if name in ("html", "svg", "junit", "markdown", "mermaid"):
        assert "<script" not in text.replace("\\<script", "")
    if name in ("json", "itf", "sarif"):
        json.loads(text)


@pytest.mark.parametrize("name", [n for n in formats.REPORTS if n not in formats.SINGLE])
def test_reports_of_many_results_hold_them_all(name):
    """None is dropped because another one is hostile."""
    text = formats.render(name, every_kind())
    assert all(r.design in text or "no_lost_write" in text for r in every_kind()[:5])


def test_spin_runs_the_hostile_design(tmp_path):
    """Other letters are spelled by number, reserved words get a number."""
    text = promela.text(made())
    assert text.isascii()
    assert 1 == spin(tmp_path, text)[0]
    assert "cl?ared 'now'" in run(tmp_path, "spin", "-t", "model.pml")


def test_the_hostile_module_is_read_by_the_grammar():
    """Comments and strings end where they should."""
    text = tla.text(made())
    assert text.isascii()
    assert [] == errors(text)


def test_tlc_runs_the_hostile_design(tmp_path):
    """And finds the ten moves."""
    assert 10 == tlc(tmp_path, made())[0]


def test_z3_reads_the_hostile_query():
    """sat at ten moves."""
    solver = z3.Solver()
    solver.from_string(smtlib.text(made()))
    assert z3.sat == solver.check()


def test_abc_reads_the_hostile_circuit(tmp_path):
    """Its symbols and its comment are ASCII."""
    needed("berkeley-abc", "berkeley-abc")
    (tmp_path / "model.aig").write_bytes(aiger.binary(made()))
    assert "was asserted in frame" in run(tmp_path, "berkeley-abc", "-c", "read_aiger model.aig; pdr")
    assert aiger.text(made()).isascii()


def test_the_hostile_design_for_cubicle_is_read_and_loses_a_write():
    """By a reader that knows Cubicle's grammar."""
    text = cubicle.text(made())
    assert text.isascii()
    assert [None, 10] == [reader.search(text, clients) for clients in (1, 2)]


def test_every_export_is_written_twice_the_same():
    """As bytes, for one of them is binary."""
    for name in EXPORTS:
        assert written(name, made()) == written(name, made())
