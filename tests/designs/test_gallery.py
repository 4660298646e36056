"""The gallery: what is recorded, what is shown, and what each ordering rule says."""

import json

import pytest
from click.testing import CliRunner

from model.commands.gallery import chosen, command, differences, rule_verdicts
from model.designs.catalogue import built_in_designs, built_in_properties, gallery_designs, load
from model.designs.gallery import RULES, Entry, Row, entries
from model.errors import UsageError
from model.program.design import record
from tests.support.browser import NARROW, WIDE, Sheet, chromium
from tests.support.command import clearorder
from tests.support.paths import ROOT

ENTRIES = {e.design: e for e in entries()}
LISTED = (
    *(
        "S-1",
        "S-2",
        "S-3",
        "S-4",
        "Q-1",
        "Q-2",
        "Q-4",
        "Q-5",
        "Q-7",
        "Q-8",
        "Q-9",
        "Q-10",
        "Q-11",
        "Q-12",
        "Q-14",
        "Q-15",
    ),
    *("Q-18", "Q-19", "K-1", "K-3", "K-4", "K-6", "K-11", "K-12", "K-13", "K-14", "K-16", "K-17", "K-21"),
    *("D-3", "D-4", "H-2", "L-1", "L-3", "L-5", "N-5"),
)
# the twelve that the catalogue suggests first, and what each comes to
FIRST_TWELVE = [
    ("clear-after-read", "refuted"),
    ("naive", "refuted"),
    ("top-layer", "refuted"),
    ("per-slot-cache", "proved"),
    ("top-layer-and-cache", "proved"),
    ("no-lock", "refuted"),
    ("chunked-asker-only", "refuted"),
    ("deferred-chunked-clear", "proved"),
    ("protect-before-swap", "refuted"),
    ("legacy-get", "proved"),
    ("clear-without-rearm", "refuted"),
    ("dirty-ring", "proved"),
]


def test_every_listed_entry_has_a_design():
    """As the catalogue of real designs and bugs numbers them."""
    known = {part.strip() for e in ENTRIES.values() for part in e.entry.split(",")}
    assert [] == [entry for entry in LISTED if entry not in known]


@pytest.mark.parametrize(("design", "verdict"), FIRST_TWELVE)
def test_the_first_twelve_come_out_as_expected(design, verdict):
    """Loss, loss, loss, safe, safe, loss, loss, safe, loss, safe, loss, safe."""
    entry = ENTRIES[design]
    assert verdict == entry.deciding.verdict
    assert {"refuted": {"loss", "stale"}, "proved": {"safe", "redundant"}}[verdict] >= {entry.expected}


def test_the_mutant_of_the_legacy_get_loses():
    """Return before flush (K-5)."""
    assert "refuted" == ENTRIES["return-before-flush"].deciding.verdict


def test_every_gallery_design_is_recorded_and_every_record_has_a_design():
    """No file without a verdict, no verdict without a file."""
    assert set(ENTRIES) == set(gallery_designs()) | set(built_in_designs())


def test_names_are_unique_over_all_families():
    """A design is asked for by its name alone."""
    from model.program.design import kebab

    files = (ROOT / "model" / "designs").rglob("*.py")
    names = [kebab(f.stem) for f in files if f.stem not in ("__init__", "catalogue", "dirty_log", "manifest")]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("design", ENTRIES)
def test_an_entry_says_how_certain_it_is_and_what_mends_it(design):
    """Unconfirmed readings stay marked; what loses pages names its repair or says that there is none."""
    entry = ENTRIES[design]
    assert entry.certainty in ("seen in source", "our reasoning", "unconfirmed reading")
    assert entry.expected in ("loss", "safe", "stale", "redundant", "abort")
    assert entry.rows
    assert "Source:" in (load(design).__doc__ or "")
    assert record(load(design)).doc


@pytest.mark.slow
def test_every_recorded_verdict_that_takes_less_than_a_second_comes_out_again():
    """`clearorder gallery --check`; each row of the families is asked by their own tests, of two engines."""
    found = list(differences(list(ENTRIES.values()), nightly=False))
    assert [] == [(e.design, r.property, v) for e, r, v, _, same in found if not same]
    assert len(found) > 200


def test_at_least_thirty_designs_beside_the_discussion_and_twenty_proofs_for_any_number():
    """What the gallery promises."""
    proved = [e for e in ENTRIES.values() if e.any.get(e.decided_by) == "proved"]
    assert len(gallery_designs()) >= 30
    assert len(proved) >= 20


RULE_SAID = [
    ("clear_before_read", "read-before-clear", "breaks"),
    ("no_blind_clear", "top-layer", "breaks"),
    ("cache_within_kernel", "rounded-clear", "breaks"),
    ("no_blind_clear", "rounded-clear", "breaks"),
    ("one_lock_around_sync", "no-lock", "breaks"),
    ("collect_before_destroy", "slot-removed-uncollected", "breaks"),
    ("collect_before_destroy", "slot-removed-frozen", "keeps"),
    ("mark_after_store", "mark-then-store", "breaks"),
    ("mark_after_store", "store-then-mark", "keeps"),
    ("armed_or_logged", "protect-before-swap", "breaks"),
    ("armed_or_logged", "swap-before-protect", "keeps"),
    ("flush_before_read", "return-before-flush", "breaks"),
    ("flush_before_read", "legacy-get", "keeps"),
    ("flush_before_read", "naive", "-"),
]


@pytest.mark.parametrize(("rule", "design", "said"), RULE_SAID)
def test_a_rule_is_checked_and_not_a_label(rule, design, said):
    """The bug breaks it, its repair keeps it, and it is silent on designs that it is not about."""
    assert said == rule_verdicts(ENTRIES[design])[rule]


def test_every_rule_can_be_cited_and_has_a_design_that_breaks_it():
    """A paragraph with its source; a rule that nothing breaks would say nothing."""
    known = built_in_properties()
    assert [] == [r for r in RULES if len(known[r].doc) < 150]
    assert set(RULES) == {rule for rule, _, said in RULE_SAID if said == "breaks"}


def test_the_matrix_applies_to_every_design():
    """No rule stops with an error on any design."""
    said = {e.design: rule_verdicts(e) for e in chosen([], ["memory", "devices"], [])}
    assert {"keeps", "breaks", "-"} >= {word for verdicts in said.values() for word in verdicts.values()}


@pytest.mark.parametrize("form", ["text", "markdown", "html", "json"])
def test_the_table_has_every_design_in_every_format(form):
    """Family, design, verdict, moves, scope, source."""
    shown = CliRunner().invoke(command, ["--format", form]).output
    assert [] == [design for design in ENTRIES if design not in shown]
    if form == "json":
        assert len(ENTRIES) == len(json.loads(shown)["designs"])


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "dark"), (NARROW, "light")], ids=["1280-dark", "390-light"])
def test_the_page_is_readable_wide_and_narrow(size, scheme, tmp_path):
    """No overhang, nothing that axe finds serious, nothing from outside."""
    written = tmp_path / "gallery.html"
    assert 0 == CliRunner().invoke(command, ["--family", "memory", "--format", "html", "-o", str(written)]).exit_code
    with chromium() as browser, Sheet(browser, written.as_uri(), size, scheme) as sheet:
        assert (0, [], [written.as_uri()]) == (sheet.overhang(), sheet.serious(), sheet.requests)


BOTH = {  # design: verdict, moves and scope of each row
    "discard-after-sync": [("proved", None, "any pages, 1 client"), ("refuted", 15, "1 page, 2 clients")],
    "no-lock-register": [("refuted", 13, "1 page, 3 clients"), ("proved", None, "1 page, 2 clients")],
    "per-slot-cache": [("proved", None, "any number")],
}


@pytest.mark.parametrize("name", BOTH)
def test_a_verdict_is_said_with_its_sizes_and_both_where_there_are_two(name):
    assert BOTH[name] == [(t.verdict, t.moves, t.scope) for t in ENTRIES[name].told]
    for form in ("text", "markdown", "html"):
        shown = CliRunner().invoke(command, [name, "--format", form]).output
        assert [] == [scope for *_, scope in BOTH[name] if scope not in shown]


def test_what_loses_with_more_clients_is_recorded_with_more():
    """A proof for a fixed number of clients has a row with one more, which is why the number is fixed."""
    fixed = {name: e for name, e in ENTRIES.items() if "Client" in e.only}
    assert 4 == len(fixed)
    assert ["refuted"] * 4 == [e.told[1].verdict for e in fixed.values()]


def test_the_table_is_filtered_by_family_and_property():
    """And a name that is not there is refused with the nearest one."""
    assert {"kernel"} == {e.family for e in chosen([], ["kernel"], [])}
    assert {"complete_copy"} == {e.decided_by for e in chosen([], [], ["complete_copy"])}
    with pytest.raises(UsageError, match="the gallery has no family 'kernl'; did you mean 'kernel'?"):
        chosen([], ["kernl"], [])


def test_a_record_that_differs_is_found():
    """A wrong depth is reported, not passed over."""
    row = Row("no_lost_write", 1, {"Client": 2}, "refuted", 9, 453)
    entry = Entry("top-layer", "discussion", "S-2", "seen in source", "no_lost_write", "loss", rows=(row,))
    assert [False] == [same for *_, same in differences([entry], nightly=False)]


def test_the_command_answers_and_checks_a_family():
    """Exit code 0 where nothing differs."""
    done = clearorder("gallery", "--check", "--family", "discussion")
    assert (0, "") == (done.returncode, done.stderr)
    assert "0 came out differently" in done.stdout


def test_an_interrupted_search_ends_the_command_and_not_one_row(monkeypatch):
    """Ctrl-C makes the engine's answer undetermined; the next row would begin as if nothing had been typed."""
    from model.engines.packed import search
    from model.verdict import Undetermined

    monkeypatch.setattr(search, "search", lambda *_: Undetermined(reason="interrupted", interrupted=True))
    with pytest.raises(KeyboardInterrupt):
        list(differences([ENTRIES["naive"]], nightly=False))
    with pytest.raises(KeyboardInterrupt):
        rule_verdicts(ENTRIES["naive"])
