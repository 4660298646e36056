"""The families `kernel`, `devices` and `memory` of the gallery: recorded verdicts, sources, and no vacuous pass."""

import tomllib
from functools import lru_cache

import pytest

from model.designs.catalogue import built_in_properties, find_property, gallery_designs, load
from model.engines import explicit
from model.engines.packed import search as lanes
from model.errors import ModelError
from model.instance.problem import Problem
from model.program.design import record
from model.program.observers import goals, invariant, observed
from model.verdict import Proved, Refuted
from tests.support.paths import ROOT

FAMILIES = ("kernel", "devices", "memory")
DESIGNS = ROOT / "model" / "designs"
TABLE = {n: e for f in FAMILIES for n, e in tomllib.loads((DESIGNS / f / "gallery.toml").read_text()).items()}
ROWS = {
    f"{name} {row['property']} {row['pages']} {' '.join(f'{k}={v}' for k, v in row['sizes'].items())}": (name, row)
    for name, entry in TABLE.items()
    for row in entry["rows"]
}
KINDS = {"proved": Proved, "refuted": Refuted}
MARKS = {"seen in source", "our reasoning", "unconfirmed reading"}
WANTED = [
    *("K-1", "K-2", "K-3", "K-4", "K-5", "K-6", "K-9", "K-11", "K-12", "K-13", "K-14", "K-16", "K-17", "K-18", "K-21"),
    *("D-3", "D-4", "D-8", "H-2", "H-6", "N-5", "L-1", "L-3", "L-5"),
]
# Steps that never fire, and why.
NEVER = {
    "ring-initially-set": ["write", "harvest", "reset"],  # nothing is armed, so nothing ever enters a ring: the bug
}


@lru_cache(maxsize=4)  # two engines are asked, one after the other
def problem(name, property, pages, sizes):
    design = load(name)
    return Problem.of(record(design), find_property(property, design), pages=pages, sizes=dict(sizes))


def ask(engine, name, property, pages, sizes):
    """One verdict of one engine."""
    return engine.search(problem(name, property, pages, tuple((sizes or {}).items())))


@pytest.mark.parametrize("engine", [explicit, lanes], ids=["explicit", "lanes"])
@pytest.mark.parametrize("name", ROWS)
def test_each_recorded_verdict_comes_out_again(name, engine):
    """Verdict, depth and state count, on the reference and on packed words alike."""
    design, row = ROWS[name]
    expected = KINDS[row["verdict"]](states=row["states"], depth=row["depth"])
    assert expected == ask(engine, design, row["property"], row["pages"], row["sizes"])


def test_every_design_of_the_folders_is_recorded_and_the_other_way_round():
    """A design enters together with its verdict."""
    expected = sorted(n for n, family in gallery_designs().items() if family in FAMILIES)
    assert expected == sorted(TABLE)


def test_every_entry_that_was_to_be_written_has_a_design():
    """At least one design for each."""
    assert [] == [entry for entry in WANTED if entry not in {e["entry"] for e in TABLE.values()}]


@pytest.mark.parametrize("name", TABLE)
def test_the_record_of_a_design_is_complete(name):
    """Family, certainty, the fix of what loses pages, and rows of the property that decides."""
    entry = TABLE[name]
    assert gallery_designs()[name] == entry["family"]
    assert entry["certainty"] in MARKS
    assert entry["property"] in {r["property"] for r in entry["rows"]}
    losing = entry["expected"] in ("loss", "stale")
    assert losing or "redundant" == entry["expected"] or "" == entry["fixed_by"]
    assert not losing or entry["fixed_by"] or "unconfirmed reading" == entry["certainty"]


@pytest.mark.parametrize("name", TABLE)
def test_the_verdict_is_the_one_that_was_expected(name):
    """What loses pages is refuted at some recorded size, and what is safe or merely redundant at none."""
    entry = TABLE[name]
    refuted = {r["verdict"] for r in entry["rows"] if r["property"] == entry["property"]} & {"refuted"}
    assert (entry["expected"] in ("loss", "stale")) == bool(refuted)


@pytest.mark.parametrize("name", TABLE)
def test_every_design_names_its_source_and_tells_its_story(name):
    """A reviewer can open the C beside it; the story is told before the source."""
    story, _, source = (load(name).__doc__ or "").partition("Source:")
    assert source.strip()
    assert len(story.split()) >= 20


@pytest.mark.parametrize("name", TABLE)
def test_every_step_fires(name):
    """No pass is vacuous: every step of every operation is taken at a recorded size, or is listed with its reason."""
    row = TABLE[name]["rows"][-1]
    program = record(load(name))
    missing = [
        label
        for label, watched, never in goals(program, built_in_properties()["every_step_fires"], row["sizes"])
        if lanes.search(Problem(watched, (never,), row["pages"], row["sizes"])).word != "refuted"
    ]
    assert NEVER.get(name, []) == missing


@pytest.mark.parametrize("name", TABLE)
def test_the_rules_that_a_design_breaks_are_the_recorded_ones(name):
    """Checked, not guessed: every rule that the record names is refuted at the size that decides."""
    entry = TABLE[name]
    own = [r for r in entry["rows"] if r["property"] == entry["property"]]
    refuted = [r for r in own if r["verdict"] == "refuted"]
    row = min(refuted, key=lambda r: (r["depth"], r["pages"])) if refuted else max(own, key=lambda r: r["states"])
    kept = [rule for rule in entry["breaks"] if ask(lanes, name, rule, row["pages"], row["sizes"]).word != "refuted"]
    assert [] == kept


def test_a_short_clear_loses_nothing_and_never_gets_clean():
    """K-12 is redundant: the bits of the rest stay set, so migration stalls; the repaired one gets clean."""
    expected = [("exact-clear", "proved"), ("short-clear", "refuted")]
    assert expected == [(n, ask(lanes, n, "cleared_stays_clean", 1, {}).word) for n in ("exact-clear", "short-clear")]


PAIRS = [
    ("protect-before-swap", "swap-before-protect"),
    ("return-before-flush", "manual-clear"),
    ("legacy-get-reads-early", "legacy-get"),
    ("skipped-flush", "flush-under-lock"),
    ("flush-if-changed", "lost-writable-bit"),
    ("flush-if-changed", "exchanged-pte"),
    ("incomplete-flush", "manual-clear"),
    ("hdbss-freed-early", "hdbss"),
    ("ring-reset-interrupted", "ring-reset-repeated"),
    ("unmap-after-failed-query", "query-then-unmap"),
    ("report-then-unmap", "query-then-unmap"),
    ("pml-wrong-page", "pml-queue"),
    ("pml-arm-before-clear", "pml-queue"),
    ("ring-read-before-reset", "dirty-ring"),
    ("ring-initially-set", "dirty-ring"),
    ("fault-marks-first", "fault-marks-last"),
    ("mark-then-store", "store-then-mark"),
    ("bitmap-too-early", "ring-with-bitmap"),
    ("vhost-log-unanswered", "vhost-log"),
    ("vhost-last-pass-missing", "vhost-log"),
    ("unmap-without-report", "iopte-unmap"),
    ("report-then-unmap", "iopte-unmap"),
    ("live-mappings", "live-mappings-marked"),
    ("clean-fails-halfway", "clean-failure-resends"),
    ("diff-snapshot-failed", "diff-snapshot"),
    ("mirror-resets-outward", "block-mirror"),
    ("mirror-forgets-error", "block-mirror"),
    ("write-back-clears-late", "write-back"),
    ("zap-then-flush", "zap-and-flush"),
    ("zap-and-flush-unmarked", "zap-and-flush"),
    ("soft-dirty-pinned", "soft-dirty-pin-skipped"),
]


@pytest.mark.parametrize(("broken", "mended"), PAIRS)
def test_the_mended_design_is_safe_where_the_broken_one_loses(broken, mended):
    """At the very size of the shortest counterexample."""
    rows = [r for r in TABLE[broken]["rows"] if r["verdict"] == "refuted"]
    row = min(rows, key=lambda r: (r["depth"], r["pages"]))
    found = [ask(lanes, name, "complete_copy", row["pages"], row["sizes"]).word for name in (broken, mended)]
    assert ["refuted", "proved"] == found


def test_one_reader_of_shared_bits_is_safe_and_two_are_not():
    """L-5 is S-2 without any cache: the same design, 1 client and 2."""
    found = [ask(lanes, "soft-dirty-two-users", "complete_copy", 1, {"Client": n}).word for n in (1, 2)]
    assert ["proved", "refuted"] == found


PROVED = [name for name, entry in TABLE.items() if entry.get("any", {}).get("complete_copy") == "proved"]


@pytest.mark.slow
@pytest.mark.parametrize("name", PROVED)
def test_what_is_recorded_for_any_number_is_proved(name):
    """By views or by clauses, in well under a minute each."""
    from model.instance.problem import Problem
    from model.limits import Limits
    from model.parametric.inference import prove as inductive
    from model.parametric.views.decide import prove as views

    asked = Problem.of(record(load(name)), built_in_properties()["complete_copy"])
    if views(asked, Limits(seconds=60)).word != "proved":
        assert "proved" == inductive.prove(asked.program, asked.invariants, Limits(seconds=60)).word


def test_at_least_fourteen_safe_designs_are_proved_for_any_number():
    """The nightly test proves them again."""
    assert len(PROVED) >= 14


def test_no_recorded_rule_is_one_that_cannot_be_asked():
    """A rule that does not apply to a design is not among those it breaks."""
    strange = []
    for name, entry in TABLE.items():
        for rule in entry["breaks"]:
            try:
                invariant(observed(record(load(name)), built_in_properties()[rule]), built_in_properties()[rule])
            except ModelError:
                strange.append((name, rule))
    assert [] == strange
