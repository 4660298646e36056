"""Each format read back by a parser that we did not write, for every kind of result and for hostile names."""

import json
import re
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as xml

import pytest

from model.designs.catalogue import find_property, load
from model.errors import UsageError
from reports import hues
from reports.formats import github, html, itf, junit, ktap, markdown, mermaid, sarif, svg, tlc
from reports.formats import phrases as words
from reports.formats import registry as formats
from reports.pages.render import asset
from reports.strips import HUES
from tests.support.nightly import rest_nightly
from tests.support.paths import DATA
from tests.support.results import broken, every_kind, hostile, proved, recovered, refuted, undetermined

KINDS = {
    "proved": proved,
    "refuted": refuted,
    "broken": broken,
    "recovered": recovered,
    "undetermined": undetermined,
    "hostile": hostile,
}
each_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
SVG = "{http://www.w3.org/2000/svg}"
VERDICTS = ["proved", "refuted", "refuted", "refuted", "undetermined", "refuted"]


def test_the_results_are_of_every_kind():
    """So that what follows tests something."""
    assert VERDICTS == [r.verdict.word for r in every_kind()]


def test_every_format_writes_every_kind_of_result_twice_the_same():
    """No timings and no dates, except in our own JSON, which says how long it took."""
    for name in formats.REPORTS:
        for make in KINDS.values():
            text = formats.render(name, [make()])
            assert text.endswith("\n")
            assert text.encode() == formats.render(name, [make()]).encode()


@pytest.mark.parametrize("name", sorted(formats.SINGLE & set(formats.REPORTS)))
def test_formats_that_hold_one_result_refuse_several(name):
    """Which one is the user's choice."""
    with pytest.raises(UsageError, match="one property of one design, not 2"):
        formats.render(name, [proved(), refuted()])


# ---------------------------------------------------------------- JUnit, KTAP, GitHub, SARIF


def test_junit_is_read_by_junitparser():
    """Refuted is a failure, undetermined an error and never skipped, for servers count skipped as success."""
    junitparser = pytest.importorskip("junitparser")
    read = junitparser.JUnitXml.fromstring(junit.document(every_kind()).encode())
    kinds = [[type(r).__name__ for r in case.result] for suite in read for case in suite]
    assert sorted([[], ["Failure"], ["Failure"], ["Failure"], ["Error"], ["Failure"]]) == sorted(kinds)
    assert (6, 4, 1, 0) == (read.tests, read.failures, read.errors, read.skipped)
    failure = next(case.result[0] for suite in read for case in suite if case.classname == "top-layer")
    assert "top-layer loses a write: MIGRATION never learns of page 0" == failure.message
    assert "(10) MIGRATION: sync" in failure.text


def test_ktap_is_read_by_a_tap_parser():
    """The version line is KTAP's own; an undetermined property is not ok."""
    parser = pytest.importorskip("tap.parser")
    text = ktap.document(every_kind())
    assert "KTAP version 1" == text.splitlines()[0]
    read = list(parser.Parser().parse_text(text.split("\n", 1)[1]))
    tests = [line for line in read if line.category == "test"]
    assert [True, False, False, False, False, False] == [t.ok for t in tests]
    assert [] == [line for line in read if line.category == "unknown"]
    assert not any(t.skip or t.todo for t in tests)
    assert "# ERROR undetermined: the limit of 100 states was reached" in text


def test_ktap_lines_have_the_form_that_kunit_reads():
    """The regular expressions of the kernel's tools/testing/kunit/kunit_parser.py, written from its documentation."""
    result = re.compile(r"^(ok|not ok) ([0-9]+) ?(- )?([^#]*)( # .*)?$")
    for line in ktap.document(every_kind()).splitlines()[2:]:
        assert line.startswith("#") or result.match(line), line


def test_github_annotations_stand_on_one_line_each_and_decode_to_what_was_said():
    """Percent signs, newlines, colons and commas are written by their number."""
    lines = github.document(every_kind()).splitlines()
    kinds = [re.match(r"::(\w+) ", line)[1] for line in lines]
    assert ["notice", "error", "error", "error", "warning", "error"] == kinds
    properties, message = re.match(r"::error (.*?)::(.*)$", lines[1]).groups()
    given = dict(pair.split("=", 1) for pair in properties.split(","))
    assert "model/designs/top_layer.py" == given["file"]
    source = Path(given["file"]).read_text().splitlines()[int(given["line"]) - 1]
    assert "wait_for(want <= s.mine[me])" == source.strip()
    assert unquote(message).startswith("top-layer loses a write: MIGRATION never learns of page 0\n")


def schema_errors(document):
    jsonschema = pytest.importorskip("jsonschema")
    schema = DATA / "schemas" / "sarif-2.1.0-rtm.5.json"
    return [e.message for e in jsonschema.Draft4Validator(json.loads(schema.read_text())).iter_errors(document)]


def test_sarif_is_valid_by_the_schema_of_2_1_0():
    """Every kind of result, hostile names among them."""
    assert [] == schema_errors(json.loads(sarif.document(every_kind())))


def test_sarif_without_a_version_would_not_be_valid():
    """The schema is really asked."""
    document = json.loads(sarif.document([refuted()]))
    del document["version"]
    assert [] != schema_errors(document)


def test_sarif_says_what_is_decided_and_walks_through_the_source():
    """Kind `open` is "insufficient information to decide"; only kind `fail` has a level."""
    run = json.loads(sarif.document(every_kind()))["runs"][0]
    found = [(r["kind"], r["level"]) for r in run["results"]]
    fail = ("fail", "error")
    assert [("pass", "none"), fail, fail, fail, ("open", "none"), fail] == found
    flow = run["results"][1]["codeFlows"][0]["threadFlows"][0]["locations"]
    lines = []
    for step in flow:
        place = step["location"]["physicalLocation"]
        source = Path(unquote(place["artifactLocation"]["uri"])).read_text().splitlines()
        lines.append(source[place["region"]["startLine"] - 1].split("#")[0].strip())
    assert "s.kernel |= page" == lines[0]
    assert "wait_for(want <= s.mine[me])" == lines[7]
    assert list(range(1, 11)) == [step["executionOrder"] for step in flow]


def test_sarif_has_no_placeholders_and_no_links():
    """`{0}` would be replaced by an argument, and `[a](b)` become a link; doubled braces are shown as they are."""
    result = json.loads(sarif.document([hostile()]))["runs"][0]["results"][0]
    flow = result["codeFlows"][0]["threadFlows"][0]["locations"]
    assert {"0", "none", "true"} == {state["text"] for step in flow for state in step["state"].values()}
    assert "\\[a\\](b)" in flow[0]["location"]["message"]["text"]
    assert [] == [text for text in re.findall(r'"text": (".*")', sarif.document([refuted(), broken()])) if "{" in text]


def test_sarif_says_what_each_rule_means():
    """In its first sentence, and in full."""
    (rule,) = json.loads(sarif.document([refuted()]))["runs"][0]["tool"]["driver"]["rules"]
    doc = find_property("no_lost_write", load("top-layer")).doc
    assert doc.startswith(rule["shortDescription"]["text"].rstrip("."))
    assert len(rule["shortDescription"]["text"]) < len(rule["fullDescription"]["text"])


# ---------------------------------------------------------------- Markdown, HTML, SVG, Mermaid


def test_markdown_tables_are_read_by_markdown_it():
    """As many cells in each row as in its head, and no HTML, link or image from a name."""
    markdown_it = pytest.importorskip("markdown_it")
    parser = markdown_it.MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = parser.parse(markdown.document(every_kind()))
    inline = [child for t in tokens for child in (t.children or [])]
    kinds = {t.type for t in [*tokens, *inline]}
    assert set() == kinds & {"html_block", "html_inline", "link_open", "image", "fence", "code_block", "s_open"}
    rows = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append(0)
        rows[-1:] = [rows[-1] + 1] if token.type in ("th_open", "td_open") else rows[-1:]
    assert {4} == set(rows)
    assert 5 == sum(t.type == "table_open" for t in tokens)


@each_kind
def test_the_page_is_read_by_html5lib_without_an_error(make):
    """Strict; and as XML too. No script, and nothing from elsewhere."""
    html5lib = pytest.importorskip("html5lib")
    text = html.document([make()])
    tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)
    xml.fromstring(text)
    names = {str(e.tag).split("}")[-1] for e in tree.iter()}
    assert set() == names & {"script", "iframe", "object", "embed", "link", "a", "b>", "i", "img"}
    assert set() == {k for e in tree.iter() for k in e.attrib if str(k).startswith("on") or k in ("src", "href")}


def test_the_page_shows_the_code_of_each_move():
    """Ten moves of nineteen lines, in the words of the design and with its comments."""
    shown = re.findall(r"<code>(.*?)</code>", html.document([refuted()]))
    assert sum(len(line.code) for line in refuted().story.lines) == len(shown) > 10
    assert shown[0].startswith("dirty_log.py:20: s.kernel |= page")
    assert any("# ioctl KVM_CLEAR_DIRTY_LOG" in line for line in shown)


@each_kind
def test_the_picture_is_well_formed_and_says_what_it_shows(make):
    """One element `svg` with a title and a description, and no script."""
    root = xml.fromstring(svg.document([make()]))
    assert f"{SVG}svg" == root.tag
    assert words.xml_text(words.title(make())) == root.find(f"{SVG}title").text
    assert root.find(f"{SVG}desc").text
    assert [] == list(root.iter(f"{SVG}script"))


def test_the_picture_has_a_lane_a_thread_and_a_strip_a_bitmap_after_each_move():
    """Guest, shared log, two clients; seven strips at the start and after each of ten moves; nothing is cut off."""
    root = xml.fromstring(svg.document([refuted()]))
    texts = [t.text for t in root.iter(f"{SVG}text")]
    for lane in ("the guest", "shared by all", "MIGRATION", "VGA"):
        assert lane in texts
    assert 7 * 11 == sum(t.removesuffix(": lost") in ("kernel", "user", "mine", "unread") for t in texts)
    assert [str(n) for n in range(1, 11)] == [t for t in texts if t.isdigit()]
    width, height = float(root.get("width")), float(root.get("height"))
    for text in root.iter(f"{SVG}text"):
        assert float(text.get("x")) + 6.5 * len(text.text) < width + 7 and float(text.get("y")) < height


def test_the_broken_promise_is_marked_in_the_picture():
    """One row, the eighth."""
    root = xml.fromstring(svg.document([refuted()]))
    assert 1 == sum(r.get("class") == "wash" for r in root.iter(f"{SVG}rect"))


# one that has every kind of line and names that mean harm; mermaid.js takes most of two seconds to begin
DRAWN = rest_nightly([hostile, refuted, *(KINDS[k] for k in ("proved", "broken", "recovered"))], [hostile].count)


@pytest.mark.parametrize("make", DRAWN)
def test_mermaid_is_drawn_by_mermaid_itself(make):
    """mermaidx runs mermaid.js; a diagram that it cannot parse is an error."""
    mermaidx = pytest.importorskip("mermaidx")
    drawn = mermaidx.render(mermaid.document([make()]), backend="quickjs").svg
    text = drawn() if callable(drawn) else drawn
    assert "<script" not in text
    assert "<svg" in text


def test_mermaid_has_a_message_a_move():
    """And a frame around the move that breaks the promise; the kernel takes part, and a sync reads it."""
    lines = mermaid.document([refuted()]).splitlines()
    numbers = [line.split(": ")[1].split(".")[0] for line in lines if ">>" in line]
    assert [*map(str, range(1, 11))] == list(dict.fromkeys(numbers))
    assert "  participant t1 as kernel" in lines
    assert ["  t1-->>t2: 2. MIGRATION#58; sync", "  t2->>t3: 2."] == [line for line in lines if ": 2." in line]
    assert 1 == sum(line.strip().startswith("rect") for line in lines)


# ---------------------------------------------------------------- ITF and TLC


@each_kind
def test_itf_is_read_by_itf_py(make):
    """A state a move and the start, sets as sets of numbers, functions as maps."""
    itf_py = pytest.importorskip("itf_py")
    read = itf_py.trace_from_json(json.loads(itf.document([make()])))
    trace = make().trace
    assert (len(trace.states) if trace else 0) == len(read.states)
    assert make().verdict.word == read.meta["verdict"]
    for i, state in enumerate(read.states):
        assert set(read.vars) == set(state.values)
        pages = frozenset(p for p in range(trace.instance.pages) if trace.value(i, "kernel") >> p & 1)
        assert pages == state.values["kernel"]
        for client, name in enumerate(("MIGRATION", "VGA")[: trace.instance.sizes["Client"]]):
            expected = frozenset(p for p in range(trace.instance.pages) if trace.value(i, "unread", client) >> p & 1)
            assert expected == state.values["unread"][name]


def test_itf_is_what_itf_py_itself_would_write():
    """Read and written again by the library, the states are the same JSON."""
    itf_py = pytest.importorskip("itf_py")
    document = json.loads(itf.document([broken()]))
    assert document["states"] == itf_py.trace_to_json(itf_py.trace_from_json(document))["states"]


def test_tlc_numbers_its_states_and_names_the_line_of_each_move():
    """Eleven states of top-layer; the first has no action."""
    text = tlc.document([refuted()])
    heads = re.findall(r"^@!@!@STARTMSG 2217:4 @!@!@\n(\d+): <(.*)>$", text, re.MULTILINE)
    assert [str(n) for n in range(1, 12)] == [n for n, _ in heads]
    assert "Initial predicate" == heads[0][1]
    assert all(re.fullmatch(r"\w+ line \d+, col \d+ to line \d+, col \d+ of module \w+", head) for _, head in heads[1:])
    assert "@!@!@STARTMSG 2110:1 @!@!@\nInvariant no_lost_write is violated." in text


def test_every_line_of_tlc_stands_in_a_message_that_ends():
    """A viewer drops what stands between messages, and joins what a missing end leaves open."""
    messages = r"(?:@!@!@STARTMSG (\d+):[014] @!@!@\n(?:(?!@!@!@).+\n)+@!@!@ENDMSG \1 @!@!@\n)+"
    assert re.fullmatch(messages, tlc.document(every_kind()))


def test_tlc_reports_a_finished_search_as_tlc_does():
    """TLC 2.15 on our TLA+ of the same claim says 1505 distinct states and depth 27."""
    text = tlc.document([proved()])
    assert "5342 states generated, 1505 distinct states found, 0 states left on queue." in text
    assert "The depth of the complete state graph search is 27." in text
    assert "The search was not completed" in tlc.document([undetermined()])


def test_tlc_states_are_expressions_of_tla(tmp_path):
    """The values of each state, as a module, are read by the TLA+ grammar."""
    from tests.support.tla import errors

    for make in (refuted, hostile):
        states = re.findall(r"^/\\ (\w+) = (.*)$", tlc.document([make()]), re.MULTILINE)
        assert states
        ascii_only = [(w, v) for w, v in states if (w + v).isascii()]
        body = "\n".join(f"v{i}_{w} == {v}" for i, (w, v) in enumerate(ascii_only) if "'" not in v and "<" not in v)
        assert [] == errors(f"---- MODULE states ----\n{body}\n====\n")


def test_a_bitmap_has_one_colour_in_pages_pictures_and_the_explorer():
    """Light, dark and printed."""
    pages, graphs = asset("page.css"), asset("colours.css")
    light, dark = hues.properties(hues.LIGHT), hues.properties(hues.DARK)
    assert (2, 1, 1) == (pages.count(light), pages.count(dark), graphs.count(light))
    drawn = svg.document([refuted()])
    assert (1, 1) == (drawn.count(light), drawn.count(dark))
    assert set() == {f".{hue} {{" for hue in (*HUES, "spare0", "spare3")} - set(re.findall(r"\.\w+ \{", drawn))


def test_a_page_that_is_lost_for_good_is_marked_in_the_picture_and_on_the_page():
    """The three rows from the clear at 8 on; before it MIGRATION would still have been told."""
    assert 3 == svg.document([refuted()]).count(">unread: lost</text>")
    assert 0 == svg.document([recovered()]).count(": lost</text>")
