"""The recorded verdicts of the manifest, run again, and the table of the design document that they must reproduce."""

from functools import cache

import pytest

from model.designs.catalogue import built_in_designs, built_in_properties, load
from model.designs.manifest import recorded, rows
from model.engines import explicit
from model.engines.packed import search as lanes
from model.instance.problem import Problem
from model.program.design import record
from model.program.observers import goals
from model.verdict import Proved, Refuted

KINDS = {"proved": Proved, "refuted": Refuted}
ROWS = {f"{r.design} {r.property} {r.pages} {r.clients}": r for r in rows()}

# design, pages, clients, property: verdict, depth, states (None where the design document gives no count)
TABLE = [
    ("naive", 2, 1, "promise_kept", "refuted", 5, None),
    ("naive", 2, 2, "promise_kept", "refuted", 5, None),
    ("naive", 2, 1, "no_lost_write", "refuted", 8, None),
    ("naive", 2, 2, "no_lost_write", "refuted", 8, None),
    ("naive", 1, 2, "promise_kept", "refuted", 8, None),
    ("naive", 1, 2, "no_lost_write", "refuted", 10, None),
    ("top-layer", 1, 2, "promise_kept", "refuted", 8, None),
    ("top-layer", 2, 2, "promise_kept", "refuted", 8, None),
    ("top-layer", 1, 2, "no_lost_write", "refuted", 10, None),
    ("top-layer", 2, 2, "no_lost_write", "refuted", 10, None),
    ("top-layer", 2, 1, "promise_kept", "proved", 14, 273),
    ("top-layer", 2, 1, "no_lost_write", "proved", 15, None),
    ("read-before-clear", 1, 1, "promise_kept", "refuted", 8, None),
    ("read-before-clear", 1, 2, "promise_kept", "refuted", 8, None),
    ("read-before-clear", 1, 1, "no_lost_write", "refuted", 12, None),
    ("read-before-clear", 1, 2, "no_lost_write", "refuted", 12, None),
    ("cache-not-forgotten", 1, 2, "promise_kept", "refuted", 11, None),
    ("cache-not-forgotten", 1, 1, "promise_kept", "proved", 16, None),
    ("cache-not-forgotten", 1, 2, "no_lost_write", "refuted", 14, None),
    ("no-lock", 1, 2, "promise_kept", "refuted", 13, None),
    ("no-lock", 1, 1, "promise_kept", "proved", 17, None),
    ("no-lock", 1, 2, "no_lost_write", "refuted", 16, None),
    ("no-lock-register", 1, 2, "promise_kept", "refuted", 10, None),
    ("no-lock-register", 1, 2, "no_lost_write", "proved", 19, None),
    ("no-lock-register", 1, 3, "no_lost_write", "refuted", 13, None),
    ("two-in-one", 1, 2, "promise_kept", "refuted", 13, None),
    ("two-in-one", 1, 1, "promise_kept", "proved", 13, None),
    ("two-in-one", 1, 2, "no_lost_write", "refuted", 17, None),
    ("asker-only", 1, 2, "promise_kept", "refuted", 6, None),
    ("asker-only", 1, 2, "no_lost_write", "refuted", 10, None),
    ("delivers-nothing", 1, 1, "promise_kept", "proved", 2, 3),
    ("delivers-nothing", 1, 1, "no_lost_write", "refuted", 3, None),
    ("top-layer-and-cache", 1, 2, "promise_kept", "proved", 26, 1_505),
    ("top-layer-and-cache", 2, 2, "promise_kept", "proved", 38, 411_989),
    ("top-layer-and-cache", 1, 2, "no_lost_write", "proved", 27, None),
    ("per-slot-cache", 1, 2, "promise_kept", "proved", 26, 1_505),
    ("per-slot-cache", 2, 2, "promise_kept", "proved", 40, 1_403_799),
    ("per-slot-cache", 1, 2, "no_lost_write", "proved", 27, None),
]


@cache
def ask(engine, design, property, pages, clients):
    """One verdict of one engine."""
    wanted = built_in_properties()[property]
    return engine.search(Problem.of(record(load(design)), wanted, pages=pages, sizes={"Client": clients}))


def asked(keys, states):
    """Each key with each engine; the reference takes seconds from some 300,000 states on, so those rows are nightly."""
    for key, count in zip(keys, states, strict=True):
        marks = [pytest.mark.slow] if count > 300_000 else []
        yield pytest.param(key, explicit, id=f"{key}-explicit", marks=marks)
        yield pytest.param(key, lanes, id=f"{key}-lanes")


@pytest.mark.parametrize(("name", "engine"), [*asked(ROWS, [r.states for r in ROWS.values()])])
def test_each_recorded_verdict_comes_out_again(name, engine):
    """Verdict, depth and state count, on the reference and on packed words alike."""
    row = ROWS[name]
    expected = KINDS[row.verdict](states=row.states, depth=row.depth)
    assert expected == ask(engine, row.design, row.property, row.pages, row.clients)


LINES = {f"{line[0]} {line[1]},{line[2]} {line[3]}": line for line in TABLE}


@pytest.mark.parametrize(("line", "engine"), [*asked(LINES, [line[-1] or 0 for line in TABLE])])
def test_each_row_of_the_design_document_comes_out(line, engine):
    """The numbers that the prototype, Spin and this tool agree on."""
    design, pages, clients, property, verdict, depth, states = LINES[line]
    found = ask(engine, design, property, pages, clients)
    assert (verdict, depth) == (found.word, found.depth)
    assert states in (None, found.states)


def test_transitions_count_every_enabled_move():
    """Spin 6.5.2 counts 6,249,595 for per-slot-cache at 2 pages and 2 clients, the initial state among them."""
    assert 6_249_594 == ask(lanes, "per-slot-cache", "promise_kept", 2, 2).transitions


def test_every_design_has_recorded_verdicts_for_both_forms_of_safety():
    """A design enters together with its verdict."""
    expected = {(d, p) for d in built_in_designs() for p in ("no_lost_write", "promise_kept")}
    assert expected == {(r.design, r.property) for r in rows()}


def test_every_design_names_its_source():
    """A reviewer can open the C beside it."""
    assert [] == [d for d in built_in_designs() if "Source:" not in (load(d).__doc__ or "")]


@pytest.mark.parametrize("name", ["every_step_fires", "every_bitmap_fills", "every_client_reads"])
@pytest.mark.parametrize("design", built_in_designs())
def test_no_pass_is_vacuous(design, name):
    """Every step fires, every bitmap fills, every client reads; what does not is known and explained."""
    known = {
        ("delivers-nothing", "every_step_fires"): ["clear.cleared", "clear.read"],
        ("delivers-nothing", "every_bitmap_fills"): ["user", "mine"],
        ("delivers-nothing", "every_client_reads"): ["MIGRATION", "VGA"],
        ("two-in-one", "every_bitmap_fills"): ["mine"],
    }
    property = built_in_properties()[name]
    program = record(load(design))
    missing = [
        label
        for label, watched, never in goals(program, property, {"Client": 2})
        if explicit.search(Problem(watched, (never,), 1, {"Client": 2})).word != "refuted"
    ]
    assert known.get((design, name), []) == missing


def test_a_refutation_is_recorded_for_every_larger_size():
    """A run of a smaller instance is a run of a larger one; nothing follows from safety at a small size."""
    assert "refuted" == recorded("top-layer", "no_lost_write", {"pages": 3, "clients": 4})
    assert "proved" == recorded("per-slot-cache", "no_lost_write", {"pages": "any", "clients": "any"})
    assert "proved" == recorded("naive", "no_lost_write", {"pages": 1, "clients": 1})
    assert None is recorded("my-design", "no_lost_write", {"pages": 1, "clients": 1})
