"""The gallery's QEMU family: recorded verdicts run again, vacuity, and what the catalogue says across entries."""

import inspect
import tomllib
from functools import lru_cache
from pathlib import Path

import pytest

from model import NONE, Client, Pages, operation, wait_for
from model.designs import qemu
from model.designs.catalogue import built_in_properties, find_property, gallery_designs, load
from model.designs.dirty_log import DirtyLog
from model.designs.gallery import RULES
from model.designs.qemu.deferred_chunked_clear import DeferredChunkedClear
from model.designs.qemu.rearm_if_new import RearmIfNew
from model.designs.qemu.rearm_offset import RearmOffset
from model.designs.qemu.rearm_repaired import Block
from model.designs.qemu.rearm_today import RearmToday
from model.designs.top_layer_and_cache import TopLayerAndCache
from model.engines import explicit
from model.engines.packed import search as lanes
from model.expr import always
from model.instance.problem import Problem
from model.limits import Limits
from model.program.design import record
from model.program.observers import goals
from model.verdict import Proved, Refuted
from model.verify.portfolio import answer
from model.verify.question import Question
from tests.support.designs import clear_cached
from tests.support.nightly import rest_nightly

FAMILY = Path(qemu.__file__).parent
TABLE = tomllib.loads((FAMILY / "gallery.toml").read_text())
ROWS = [(name, row) for name, entry in TABLE.items() for row in entry["rows"]]
KINDS = {"proved": Proved, "refuted": Refuted}


def ask(design, rule, pages, sizes=None, engine=lanes, **limits):
    """The verdict of one engine on a design, by its name or as a class."""
    cls = load(design) if isinstance(design, str) else design
    wanted = find_property(rule, cls) if isinstance(rule, str) else rule
    return engine.search(Problem.of(record(cls), wanted, pages=pages, sizes=sizes), Limits(**limits))


@lru_cache(maxsize=4)  # two engines are asked, one after the other
def recorded(number):
    name, row = ROWS[number]
    design = load(name)
    asked = find_property(row["property"], design)
    return Problem.of(record(design), asked, pages=row["pages"], sizes=row["sizes"])


def word(design, rule, pages, **sizes):
    """The verdict's word alone."""
    return ask(design, rule, pages, sizes).word


# ---------------------------------------------------------------- the record


def test_every_file_of_the_family_has_its_entry():
    """And no entry is without its file."""
    assert sorted(n for n, family in gallery_designs().items() if family == "qemu") == sorted(TABLE)


@pytest.mark.parametrize("engine", [explicit, lanes], ids=["explicit", "lanes"])
@pytest.mark.parametrize(
    "number", range(len(ROWS)), ids=[f"{n} {r['property']} {r['pages']} {r['sizes']}" for n, r in ROWS]
)
def test_each_recorded_verdict_comes_out_again(number, engine):
    """Verdict, depth and state count, on the reference and on packed words alike."""
    row = ROWS[number][1]
    expected = KINDS[row["verdict"]](states=row["states"], depth=row["depth"])
    assert expected == engine.search(recorded(number))


@pytest.mark.parametrize("name", TABLE)
def test_each_design_tells_its_story_and_its_source(name):
    """A first line, a paragraph, and a `Source:` in which a reviewer finds the C."""
    design = load(name)
    paragraphs = inspect.getdoc(design).split("\n\n")
    assert len(paragraphs) >= 3 and design.__doc__ in inspect.getsource(design)
    assert paragraphs[-1].startswith("Source:")
    assert "" != (inspect.getmodule(design).__doc__ or "")


@pytest.mark.parametrize("name", TABLE)
def test_each_entry_is_complete(name):
    """What an entry says of itself fits its rows."""
    entry = TABLE[name]
    verdicts = {r["verdict"] for r in entry["rows"] if r["property"] == entry["property"]}
    assert entry["certainty"] in ("seen in source", "our reasoning", "unconfirmed reading")
    assert entry["expected"] in ("loss", "stale", "redundant", "safe", "abort")
    assert verdicts, "the property that decides has a row"
    assert "refuted" not in verdicts or entry["fixed_by"], "what loses pages says what mends it"
    assert ("unconfirmed" in entry["fixed_by"]) == (entry["certainty"] == "unconfirmed reading")
    assert {"proved"} >= set(entry.get("any", {}).values())
    refuted = {r["property"] for r in entry["rows"] if r["verdict"] == "refuted"}
    assert set() == refuted & set(entry.get("any", {})) or entry["only"], "it is proved for other sizes only"


# where the checker differs from what the catalogue of real designs expected; docs/findings-qemu.md says why
SURPRISES = {"wrong-start-for-one": "refuted", "dirty-rate-unsynced": "proved"}


@pytest.mark.parametrize("name", TABLE)
def test_each_verdict_is_the_expected_one_or_a_finding(name):
    """Loss, stale and abort are refutations; safe and redundant are not."""
    entry = TABLE[name]
    only = entry.get("only", {}).items()
    rows = [r for r in entry["rows"] if r["property"] == entry["property"] and only <= r["sizes"].items()]
    refuted = any(r["verdict"] == "refuted" for r in rows)
    expected = "refuted" if entry["expected"] in ("loss", "stale", "abort") else "proved"
    assert SURPRISES.get(name, expected) == ("refuted" if refuted else "proved")


@pytest.mark.parametrize("name", TABLE)
def test_each_ordering_rule_that_is_said_to_be_broken_is_refuted(name):
    """At some recorded size; the matrix of the gallery asks the others too."""
    entry = TABLE[name]
    sizes = [(r["pages"], r["sizes"]) for r in entry["rows"] if r["property"] == entry["property"]]
    assert set() == set(entry["breaks"]) - set(RULES)
    for rule in entry["breaks"]:
        assert "refuted" in {ask(name, rule, pages, given).word for pages, given in sizes}


@pytest.mark.parametrize("name", TABLE)
def test_every_step_fires(name):
    """At one of the recorded sizes of the property that decides, but for the listed exceptions."""
    every_step_fires = built_in_properties()["every_step_fires"]
    program = record(load(name))
    rows = [r for r in TABLE[name]["rows"] if r["property"] == TABLE[name]["property"]]
    idle = {step.label for step in program.steps}
    for row in rows:
        for label, watched, never in goals(program, every_step_fires, row["sizes"]):
            if label in idle and isinstance(
                lanes.search(Problem(watched, (never,), row["pages"], row["sizes"])), Refuted
            ):
                idle.discard(label)
    assert set() == idle


# ---------------------------------------------------------------- proofs for any number

QUICK = [
    ("clear-then-read", "complete_copy"),
    ("rearm-with-the-clear", "complete_copy"),
    ("rearm-if-cleared", "complete_copy"),
    ("rearm-repaired", "complete_copy"),
    ("wait-for-the-block", "complete_copy"),
    ("stop-postponed-run", "no_abort"),
    ("skip-if-dirty", "same_content"),
    ("wrong-start", "no_lost_write"),
    ("right-start", "promise_kept"),
]


SLOWER = ("wrong-start", "rearm-repaired")  # views prove both by default, in test_gallery_any


@pytest.mark.parametrize("asked", rest_nightly(QUICK, lambda asked: asked[0] not in SLOWER), ids=lambda asked: asked[0])
def test_safe_designs_are_proved_for_any_number_of_pages(asked):
    """The ones that take seconds; gallery.toml lists all of them, and `only` what a proof fixes."""
    name, rule = asked
    design = load(name)
    entry = TABLE[name]
    sizes = entry.get("only", entry["rows"][0]["sizes"])
    question = Question(design, find_property(rule, design), 1, sizes, "inductive", Limits(seconds=60))
    result = answer(question)
    fixed = {k.capitalize().removesuffix("s"): v for k, v in result.scope.items() if v != "any"}
    sorts = {s.name.capitalize(): s.size for s in result.program.sorts.values()}
    own = {name: sorts[name] for name in fixed if sorts[name]}
    assert ("proved", entry.get("only", {}) | own) == (result.verdict.word, fixed)
    assert "proved" == entry["any"][rule]


# ---------------------------------------------------------------- across entries


@pytest.mark.parametrize("rule", ["no_lost_write", "promise_kept"])
def test_clearing_by_the_own_bitmap_is_safe_for_one_client_and_loses_with_two(rule):
    """The counter-proposal, the author's first version, and the top layer of the mail."""
    for name in ("clear-by-bmap", "private-first-version", "top-layer"):
        assert ("proved", "refuted") == (word(name, rule, 1, Client=1), word(name, rule, 1, Client=2))


def test_clearing_later_than_the_read_loses_and_earlier_does_not():
    """QEMU's comment on the chunks: "Clearing it earlier won't be a problem, but too late will"."""

    class ClearAnyTime(TopLayerAndCache):
        """A thread beside the clients clears cached bits at any moment, as a rule long before their pages are read."""

        @operation(by=Client)
        def clear_early(s, me, span):
            yield from clear_cached(s, me, span)

    assert "proved" == word(ClearAnyTime, "no_lost_write", 1, Client=2)
    assert "proved" == word("deferred-chunked-clear", "no_lost_write", 2, Client=1)
    assert "refuted" == word("chunked-clear-after-read", "no_lost_write", 2, Client=1)


def test_clearing_less_never_loses_where_every_client_does_so():
    """Nothing at all, or only what is wanted of the cached."""
    for name in ("wrong-start", "top-layer-and-cache", "no-clear-in-last-round"):
        assert "proved" == word(name, "promise_kept", 1, Client=2 if "round" not in name else 1)


def test_clearing_less_loses_where_another_client_clears_what_was_read():
    """A finding: with two clients "too little is harmless" does not hold for one of them alone."""
    for name in ("wrong-start-for-one", "colo-checkpoint-uncleared"):
        assert ("proved", "refuted") == tuple(word(name, "no_lost_write", 1, Client=n) for n in (1, 2))


def test_clearing_too_little_is_seen_as_reports_without_end():
    """The property that says so is broken by the bug and kept by the fix."""
    assert ("refuted", "proved") == tuple(
        word(n, "read_is_settled", 1, Client=1) for n in ("wrong-start", "right-start")
    )


def test_rounding_breaks_the_rules_and_loses_nothing():
    """1,188,483 states with 2 pages and 2 clients: the tail was cached, so everybody still owes it a read."""
    for rule in ("cache_within_kernel", "no_blind_clear"):
        assert ("refuted", "proved") == tuple(
            word(n, rule, 2, Client=1) for n in ("rounded-clear", "exact-range-clear")
        )
    assert Proved(states=1_188_483, depth=42) == ask("rounded-clear", "no_lost_write", 2, {"Client": 2})


def test_the_cache_shows_only_what_is_still_owed_where_the_clears_are_right():
    """And it does not where a page is read without a clear, rounded or left out."""
    rule = find_property("cache_is_owed", load("wrong-start-for-one"))
    kept = ("per-slot-cache", "top-layer-and-cache", "rounded-clear", "exact-range-clear", "dirty-rate-reset")
    broken = ("wrong-start-for-one", "colo-checkpoint-uncleared", "rounded-clear-read-aside", "chunked-asker-only")
    for names, verdict in ((kept, "proved"), (broken, "refuted")):
        assert {verdict} == {
            v for n in names for v in [ask(n, rule, 2, {"Client": 1}).word, ask(n, rule, 1, {"Client": 2}).word]
        } - ({"proved"} if verdict == "refuted" else set())


@pytest.mark.parametrize(("pages", "clients", "states"), [(2, 2, 2_610_356), (4, 1, 4_112_808)])
def test_the_chunked_clear_keeps_every_write(pages, clients, states):
    """One chunk with two clients, and two chunks of two pages."""
    verdict = ask(DeferredChunkedClear, "no_lost_write", pages, {"Client": clients})
    assert ("proved", states) == (verdict.word, verdict.states)


def test_the_re_arm_hole_needs_no_bitmap_that_starts_full():
    """A page that is left over from a round will do: the same hole, found from an empty start."""

    class LaterRound(RearmIfNew):
        """As if after a complete first round."""

        mine = Pages("RAMBlock.bmap")
        unread = Pages("ghost")

    found = ask(LaterRound, "complete_copy", 1)
    assert ("refuted", 9) == (found.word, found.depth)


def test_one_wrong_reader_of_a_shared_bitmap_is_enough_to_break_a_promise():
    """The wrong order loses with as little as one page and one client."""

    class Late(TopLayerAndCache):
        """Reads first."""

        @operation
        def clear(s, me, want):
            wait_for(want <= s.mine[me])
            DirtyLog.read(s, me, want)
            yield "read"
            s.kernel -= want
            yield "cleared"

    assert "refuted" == word(Late, "no_lost_write", 1, Client=1)
    assert "refuted" == word("clear-after-read", "complete_copy", 1, Client=1)


@always
def second_block_is_copied(s):
    """Only the second block is asked about."""
    return ~s.finished | (s.unread[Block[1]] <= NONE)


def test_todays_code_loses_twice():
    """By its condition with one block; by its address in the second block although a newly dirty bit is counted."""

    class NothingWaits(RearmToday):
        """The bitmaps start empty, as after a full round."""

        mine = Pages("RAMBlock.bmap", per=Block)
        unread = Pages("ghost: not at the destination", per=Block)

    class CountsWhatIsTaken(NothingWaits):
        """The condition mended, the address left."""

        sync = RearmOffset.sync

    assert ("refuted", "refuted") == (
        word("rearm-today", "complete_copy", 1, Block=1),
        word(CountsWhatIsTaken, second_block_is_copied, 1, Block=2),
    )
    assert "proved" == word("rearm-offset", "complete_copy", 1, Block=1)
    assert 6 == ask(NothingWaits, second_block_is_copied, 1, {"Block": 2}).depth
