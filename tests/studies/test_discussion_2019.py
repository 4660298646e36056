"""The answer to the discussion of 2019: what was measured, which claims it settles, and the page that says so."""

import hashlib
import json
import re
from dataclasses import replace

import pytest

from model.instance.trace import replayed
from model.studies.comparison import Candidate
from model.studies.cost import Count, tally
from model.studies.discussion_2019 import OWN, SHARED, GetClears, careless
from model.verdict import Proved
from reports.pages.claims import CLAIMS, MARKS, settled
from reports.pages.discussion import SHOWN, files, shown
from reports.pages.settling import FAILS, HOLDS, PARTLY, safety
from tests.support.browser import NARROW, WIDE, Sheet, chromium
from tests.support.discussion import measured
from tests.support.paths import ROOT

EVIDENCE = ROOT / "reports" / "evidence"
TOOL = {"name": "clearorder", "version": "0.1.0"}


def changed(design, clients, source="none", **values):
    """The answer with one row changed."""
    rows = [
        replace(r, **values) if (r.design, r.clients, r.source) == (design, clients, source) else r
        for r in measured().rows
    ]
    return replace(measured(), rows=tuple(rows))


def claim(found, text):
    """What becomes of the claim in which this text stands."""
    return next((s.word, s.text) for s in settled(found) if text in s.claim.said)


# ---------------------------------------------------------------- what was measured


def test_every_design_has_a_row_for_each_number_of_clients_and_each_source():
    """Five designs, and the weakest masks over a client's own sets and over the cache."""
    names = {r.design for r in measured().rows}
    assert {"get-clears", "naive", "top-layer", "top-layer-and-cache", "per-slot-cache", "mask cache"} <= names
    for group in [(c, s) for c in (1, 2) for s in ("none", "device")]:
        assert 7 == len([r for r in measured().rows if r.group == group])


def test_every_trace_is_a_run_of_the_interpreter():
    """Losses, broken promises, redundant copies."""
    for r in measured().rows:
        for trace in (r.loss, r.broken, r.redundant, r.in_rounds):
            assert trace is None or trace == replayed(trace)


def test_the_weakest_masks_with_two_clients_are_the_cache_and_nothing():
    """Over what a client has itself no mask is safe that clears a bit; with one client it may clear all it owes."""
    found = measured()
    for source in ("none", "device"):
        assert ["cache"] == [m.text for m in found.found(SHARED[0], 2, source)]
        assert ["NONE"] == [m.text for m in found.found(OWN[0], 2, source)]
        assert ["(want | mine[me]) | user[me]"] == [m.text for m in found.found(OWN[0], 1, source)]
        assert ["cache | me.want"] == [m.text for m in found.found(SHARED[0], 1, source)]
    assert [] == [m for m in found.masks if m.ones is None], "all ones is killed by a trace each time"


def test_with_one_client_the_weakest_mask_over_the_cache_avoids_the_copy_of_the_device():
    """What the cache shows or the client wants: safe, and not copied twice; per-slot cache copies twice."""
    found = measured()
    assert (True, None) == (lambda r: (r.safe, r.in_rounds))(found.row("mask cache | want", 1, "device"))
    assert None is not found.row("per-slot-cache", 1, "device").in_rounds


def test_per_slot_cache_with_the_device_is_counted_by_hand():
    """Written by the guest and by the device, read at 7 and again at 14; one GET, two CLEAR."""
    trace = measured().row("per-slot-cache", 1, "device").in_rounds
    assert Count(writes=2, copies=2, redundant=1, gets=1, clears=2) == tally(trace)
    assert [7, 14] == [n for n, m in enumerate(trace.moves, 1) if m.ground.step.label == "clear.read"]
    assert None is measured().row("per-slot-cache", 1).in_rounds


def test_top_layer_copies_twice_with_more_syncs_and_not_with_one():
    """Write, sync, collect, sync, clear, read, collect, clear, read."""
    r = measured().row("top-layer", 1)
    expected = ["write", "sync", "collect", "sync", "clear", "clear", "collect", "clear", "clear"]
    assert expected == [m.ground.step.operation for m in r.redundant.moves]
    assert Count(writes=1, copies=2, redundant=1, gets=2, clears=2) == tally(r.redundant)
    assert (None, None) == (r.in_rounds, measured().row("top-layer", 1, "device").in_rounds)


def test_a_careless_device_breaks_every_promise_in_one_move():
    """And the write is lost as soon as a sync has reported nothing."""
    assert (1, 3) == (lambda c: (len(c.broken), len(c.loss)))(careless("top-layer"))
    assert [1] * 4 == [len(c.broken) for c in measured().careless]


def test_a_get_that_clears_is_safe_and_keeps_no_cache():
    """What there was before the series: three bitmaps, no CLEAR, and a page is copied twice even without a device."""
    r = measured().row("get-clears", 1)
    assert (True, 3, 0.0) == (r.safe, r.bitmaps, r.expected[0].clears.mean)
    assert Count(writes=2, copies=2, redundant=1, gets=2, clears=0) == tally(r.in_rounds)
    assert "get-clears" == Candidate("get-clears", GetClears).program("none").name


# ---------------------------------------------------------------- the claims


def test_every_claim_names_its_source_and_how_certain_it_is():
    """And is settled by one of three words."""
    assert 9 == len(CLAIMS)
    for each in settled(measured()):
        assert each.claim.mark in MARKS and each.claim.source and each.claim.when
        assert each.word in (HOLDS, PARTLY, FAILS)
        assert each.judged != each.word, "said in words of its own"
        assert each.claim.address.startswith("https://")
        assert "None" not in each.text


def test_a_changed_verdict_changes_the_text():
    """No sentence is written for one verdict only."""
    trace = measured().row("top-layer", 2).loss
    for text, design, clients, source, values in (
        ("using rb->bmap", "top-layer", 2, "none", {"loss": None}),
        ("with two users", "top-layer", 2, "none", {"loss": None}),
        ("AND the two bitmaps", "top-layer-and-cache", 2, "none", {"loss": trace}),
        ("AND the two bitmaps", "top-layer-and-cache", 2, "device", {"loss": trace}),
        ("unknown dirty bits", "per-slot-cache", 2, "none", {"loss": trace}),
        ("double-copying of pages.”", "per-slot-cache", 1, "device", {"in_rounds": None}),
        ("double-copying of pages.”", "top-layer", 1, "device", {"in_rounds": trace}),
        ("not bring much benefit", "per-slot-cache", 1, "none", {"bitmaps": 7}),
        ("happens already", "get-clears", 1, "device", {"in_rounds": None}),
    ):
        before, after = claim(measured(), text), claim(changed(design, clients, source, **values), text)
        assert before[1] != after[1], text
        assert before[0] != after[0] or PARTLY == before[0], text
    rule = claim(changed("naive", 1, loss=trace), "we are not _sure_")
    assert (HOLDS, FAILS) == (rule[0], claim(changed("naive", 1, loss=None), "we are not _sure_")[0])


def test_the_claims_come_to_this():
    """The words that the committed page has; one of them needs two pages, where naive loses with one client too."""
    words = [s.word for s in settled(measured())]
    assert [PARTLY, HOLDS, PARTLY, HOLDS, HOLDS, HOLDS, HOLDS, HOLDS, HOLDS] == words


def test_a_proof_is_told_as_a_proof_and_a_search_as_a_search():
    """Never rounded up."""
    r = replace(measured().row("per-slot-cache", 2), proof=None)
    assert "safe in every state with up to 2 pages and 2 clients" == safety(r)
    assert "safe, proved for any number of pages and clients" == safety(replace(r, proof=Proved()))
    assert "loses a write in 10 moves (1 page, 2 clients)" == safety(measured().row("top-layer", 2))


# ---------------------------------------------------------------- the page


def test_the_files_are_the_same_every_time():
    """Page, Markdown, JSON, picture."""
    first = files(measured(), TOOL)
    assert ["discussion.html", "discussion.md", "discussion.json", "pareto.svg"] == list(first)
    assert first == files(measured(), TOOL)
    said = [c["said"] for c in json.loads(first["discussion.json"])["claims"]]
    assert [claim.said for claim in CLAIMS] == said


def test_each_trace_is_shown_with_running_counts():
    """The last line is the tally."""
    for each in shown(measured()):
        numbers = [[int(cell) for cell in line[2:]] for line in each.lines]
        assert numbers == sorted(numbers)
    first = next(shown(measured()))
    assert ("14", "MIGRATION: clear.read page 0", "2", "2", "1", "1", "2") == first.lines[-1]


def test_the_committed_answer_is_proved_and_complete():
    """What the pack holds: proofs for any number where the table says so, two pages, three rates."""
    found = json.loads((EVIDENCE / "discussion.json").read_text())
    rows = {(r["design"], r["clients"], r["source"]): r for r in found["rows"]}
    safe = {name: rows[name, 2, "device"]["scope"]["pages"] for name in ("per-slot-cache", "top-layer-and-cache")}
    assert {"per-slot-cache": "any", "top-layer-and-cache": "any"} == safe
    assert "any" == rows["mask cache", 2, "none"]["scope"]["clients"]
    losses = {key: rows[*key, "none"]["loss"] for key in (("naive", 1), ("top-layer", 1), ("top-layer", 2))}
    assert {("naive", 1): 8, ("top-layer", 1): None, ("top-layer", 2): 10} == losses
    assert 14 == len(rows["per-slot-cache", 1, "device"]["redundant"]["one_sync"]["steps"])
    assert [0.5, 0.1, 2.0] == [e["writes"] for e in rows["naive", 1, "none"]["expected"]["any"]]
    assert [PARTLY, HOLDS, PARTLY, HOLDS, HOLDS, HOLDS, HOLDS, HOLDS, HOLDS] == [c["verdict"] for c in found["claims"]]


def test_the_committed_files_are_those_of_the_sums():
    """And the pack's page links the answer."""
    sums = dict(reversed(line.split("  ", 1)) for line in (EVIDENCE / "SHA256SUMS").read_text().splitlines())
    for name in ("discussion.html", "discussion.md", "discussion.json", "pareto.svg"):
        assert sums[name] == hashlib.sha256((EVIDENCE / name).read_bytes()).hexdigest()
    assert '<a href="discussion.html">' in (EVIDENCE / "index.html").read_text()


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        pytest.param(WIDE, "light", id="1280-light"),
        pytest.param(NARROW, "dark", id="390-dark"),
        pytest.param(WIDE, "dark", id="1280-dark", marks=pytest.mark.slow),
        pytest.param(NARROW, "light", id="390-light", marks=pytest.mark.slow),
    ],
)
def test_the_page_is_readable_wide_and_narrow_light_and_dark(browser, size, scheme):
    """No overhang, nothing from outside, nothing that axe finds serious."""
    address = (EVIDENCE / "discussion.html").as_uri()
    with Sheet(browser, address, size, scheme) as sheet:
        assert (0, [address], []) == (sheet.overhang(), sheet.requests, sheet.complaints)
        assert [] == sheet.serious()
        assert sheet.page.locator("svg.pareto").is_visible()
        assert 9 == sheet.page.locator("[data-claim]").count()


def test_the_page_says_everything_without_a_script_and_on_paper(browser):
    """Claims, tables, picture and traces are text; print is black on white."""
    address, paper = (EVIDENCE / "discussion.html").as_uri(), {"width": 794, "height": 1123}
    with Sheet(browser, address, paper, "dark", java_script_enabled=False) as sheet:
        text = sheet.page.text_content("main")
        double = ("double-copying of pages", "per-slot-cache", "cache | me.want")
        wanted = (*double, "MIGRATION: clear.read page 0", "14 moves")
        assert [] == [words for words in wanted if words not in text]
    with Sheet(browser, address, paper, "dark") as sheet:
        sheet.page.emulate_media(media="print")
        assert "rgb(255, 255, 255)" == sheet.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert 0 == sheet.overhang()
        assert 3 == sheet.page.locator("[data-trace]").count()
        assert len(re.findall(rb"/Type\s*/Page\b", sheet.page.pdf(format="A4", print_background=True))) <= 12


def test_the_page_opens_with_its_answer_and_no_table_is_long(browser):
    """Five sentences; at most 20 rows are open; what nobody answered is answered."""
    with Sheet(browser, (EVIDENCE / "discussion.html").as_uri()) as sheet:
        page = sheet.page
        assert (5, 4) == (page.locator("[data-lead]").count(), page.locator("[data-answered]").count())
        first = "document.querySelector('h1').nextElementSibling.hasAttribute('data-lead')"
        assert page.evaluate(first)
        rows = page.eval_on_selector_all(
            "table", "all => all.filter(t => !t.closest('details')).map(t => t.querySelectorAll('tbody tr').length)"
        )
        assert max(rows) <= SHOWN
