"""The evidence pack: the same bytes every time, nothing from outside, readable by people, screen readers and paper."""

import hashlib
import json
import re
from dataclasses import replace

import jsonschema
import pytest

from model.commands.evidence import GALLERY, around, gallery, versions
from model.designs.catalogue import built_in_properties, load
from model.errors import UsageError
from model.expr import MIGRATION, Client, Flag, Pages, Sort, operation, wait_for
from model.program.design import Design, record
from model.verify.portfolio import answer
from model.verify.question import Question
from reports.difference import difference
from reports.pages.assumptions import left_out
from reports.pages.links import linked, ticked
from reports.pages.pack import Around, clauses, write
from reports.pages.replays import recorded
from reports.pages.sources import written
from tests.support.browser import NARROW, WIDE, Sheet, chromium
from tests.support.discussion import measured
from tests.support.paths import ROOT

TOOL = {"name": "clearorder", "version": "0.1.0", "z3": "not asked"}
HOSTILE = "x\"'`</script><script>window.injected=1</script><img src=x onerror=window.injected=2>\n€\x0b"


PLAIN = Around(certificates=False)


@pytest.fixture(scope="module")
def results():
    return gallery()


@pytest.fixture(scope="module")
def pack(results, tmp_path_factory):
    directory = tmp_path_factory.mktemp("pack")
    write(results, directory, TOOL, PLAIN)
    return directory


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


def address(directory):
    return (directory / "index.html").as_uri()


def files(directory):
    return {str(p.relative_to(directory)): p.read_bytes() for p in sorted(directory.rglob("*")) if p.is_file()}


# ---------------------------------------------------------------- the files


def test_the_committed_evidence_is_what_the_command_writes_today(results, tmp_path):
    """`clearorder evidence` makes it again; where this fails after a wanted change, run that and commit."""
    tool = versions(results)
    write(results, tmp_path, tool, around(measured(), tool))
    committed, made = files(ROOT / "reports" / "evidence"), files(tmp_path)
    assert sorted(committed) == sorted(made)
    assert [] == [name for name in made if committed[name] != made[name]]
    assert sum(map(len, made.values())) < 1_500_000


def test_a_pack_is_written_over_an_older_one_and_leaves_what_is_not_its_own(results, tmp_path):
    """What a reader changed or added stays; files that the new pack does not have go."""
    write(results, tmp_path, TOOL, PLAIN)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "steps" / "naive.txt").write_text("changed by a reader")
    made = write(results[-2:], tmp_path, TOOL, PLAIN)
    left = set(files(tmp_path)) - {str(p.relative_to(tmp_path)) for p in made}
    assert {"notes.txt", "steps/naive.txt"} == left
    assert tmp_path / "index.html" == made[0]


def test_files_beside_the_page_are_listed_summed_and_linked(results, tmp_path):
    """A page is linked; what is no page is a file among others; a pack without them links nothing."""
    write(results[:1], tmp_path, TOOL, Around(beside={"answer.html": "<p>", "answer.json": "{}"}))
    page = (tmp_path / "index.html").read_text()
    assert ("<p>", "{}") == tuple((tmp_path / f"answer.{kind}").read_text() for kind in ("html", "json"))
    assert (1, 0) == tuple(page.count(f'<a href="answer.{kind}">') for kind in ("html", "json"))
    assert 2 == (tmp_path / "SHA256SUMS").read_text().count("  answer.")
    write(results[:1], tmp_path, TOOL)
    assert "answer.html" not in (tmp_path / "index.html").read_text()
    assert not (tmp_path / "answer.html").exists()


def test_a_directory_that_cannot_be_made_is_refused(results, tmp_path):
    """A file stands where the directory should be."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(UsageError, match="cannot write the pack to .*taken: "):
        write(results[:1], tmp_path / "taken", TOOL)


def test_sums_of_an_older_pack_cannot_reach_outside_of_the_directory(results, tmp_path):
    """They may have been written by anybody."""
    outside = tmp_path / "outside.txt"
    outside.write_text("precious")
    inside = tmp_path / "pack"
    inside.mkdir()
    (inside / "SHA256SUMS").write_text(f"{hashlib.sha256(b'precious').hexdigest()}  ../outside.txt\n")
    write(results[:1], inside, TOOL)
    assert "precious" == outside.read_text()


def test_the_sums_are_those_of_the_files(pack):
    """As `sha256sum -c` reads them."""
    lines = [line.split("  ", 1) for line in (pack / "SHA256SUMS").read_text().splitlines()]
    assert [] == [name for digest, name in lines if hashlib.sha256((pack / name).read_bytes()).hexdigest() != digest]
    assert set(files(pack)) - {"SHA256SUMS"} == {name for _, name in lines}


def test_results_fit_the_schema_and_hold_no_timings(pack):
    """`seconds` is 0 throughout."""
    found = json.loads((pack / "results.json").read_text())
    jsonschema.validate(found, json.loads((ROOT / "reports" / "schema.json").read_text()))
    records = [record for r in found["results"] for record in (r, *r["evidence"])]
    assert {0} == {r["seconds"] for r in records}
    assert ["refuted"] * 4 + ["proved"] * 4 == [r["verdict"] for r in found["results"]]


def test_a_trace_file_names_moves_that_the_instance_knows(pack, results):
    """Its numbers, replayed from the start, lead to the told violation."""
    from reports.pages.positions import walked

    for result in results[:4]:
        trace = result.whole or result.trace
        stem = f"{result.design}-{result.property.replace('_', '-')}"
        found = json.loads((pack / "traces" / f"{stem}.json").read_text())
        assert trace.states == walked(trace.instance, found["numbers"], trace.invariant).states


def test_two_designs_differ_in_the_lines_that_differ():
    """naive and top-layer: the one line that clears; a design does not differ from itself."""
    naive, top = (record(load(name)) for name in GALLERY[:2])
    found = difference(naive, top)
    assert (1, ("write", "collect", "sync")) == (found.lines, found.same)
    changed = [(p.left, p.right) for _, pairs in found.groups for p in pairs if not p.same]
    assert [("  kernel := NONE", "  kernel := kernel - want")] == changed
    assert 0 == difference(top, top).lines


def test_clauses_begin_at_the_left():
    """What is indented continues the clause before it; nothing gives nothing."""
    assert ["a <= b", "every c:\n  c is idle", "d"] == list(clauses("a <= b\nevery c:\n  c is idle\n\nd\n"))
    assert ["c.want <= c.span\n  for clear.read"] == list(clauses("c.want <= c.span       for clear.read"))
    assert [] == list(clauses(None))


def test_every_claim_can_be_asked_again_by_its_command(pack, capsys):
    """The commands of the page, in this process, give the exit codes that it states."""
    import html
    import shlex

    from model.check.command import command

    page = (pack / "index.html").read_text()
    found = re.findall(r"<pre data-command>(.*?)\n# \w+: exit code (\d)</pre>", page, re.DOTALL)
    assert 8 == len(found)
    for line, code in found:
        words = shlex.split(html.unescape(line))
        assert ["python", "-m", "model.check"] == words[:3]
        assert int(code) == (command.main(words[3:], standalone_mode=False) or 0), line
    capsys.readouterr()


# ---------------------------------------------------------------- the page


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (NARROW, "dark")], ids=["1280 light", "390 dark"])
def test_the_page_opens_alone_and_shows_every_lane_strip_and_marker(browser, pack, size, scheme):
    """No request but for itself, no complaint, nothing cut off, nothing serious for axe-core."""
    with Sheet(browser, address(pack), size, scheme) as sheet:
        assert ([address(pack)], []) == (sheet.requests, sheet.complaints)
        assert 0 == sheet.overhang()
        assert ["no-lost-write"] * 2 == [name.split("-", 1)[1].removeprefix("layer-") for name in opened(sheet)]
        sheet.page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
        assert 0 == sheet.overhang()
        assert [] == sheet.clipped("[data-strip], .lane, .diagram [data-row], .diagram .pill")
        assert [] == sheet.serious()
        shown = sheet.page.evaluate(COUNTED)
    strips = ["kernel", "user[MIGRATION]", "mine[MIGRATION]", "unread[MIGRATION]"]
    alone, both = ["guest-0", "shared", "client-0"], ["guest-0", "shared", "client-0", "client-1"]
    assert [alone, alone, both, both] == [d["lanes"] for d in shown]
    assert [9, 9, 11, 11] == [d["rows"] for d in shown]
    assert [[4] * 4] * 2 + [[7] * 4] * 2 == [d["most"] for d in shown]
    assert [strips] * 4 == [d["names"][:4] for d in shown]
    assert [[["broken", "5"], ["violated", "8"]]] * 2 + [[["broken", "8"], ["violated", "10"]]] * 2 == [
        d["markers"] for d in shown
    ]


def opened(sheet):
    """The runs that are not folded."""
    return sheet.page.eval_on_selector_all("details[data-run-of][open]", "all => all.map(e => e.dataset.runOf)")


COUNTED = """() => [...document.querySelectorAll("table.diagram")].map(d => ({
  lanes: [...d.querySelectorAll("[data-lane]")].map(e => e.dataset.lane),
  rows: d.querySelectorAll("tbody tr").length,
  most: [0, 1, 5, 8].map(i => d.querySelectorAll("tbody tr")[i].querySelectorAll("[data-strip]").length),
  names: [...d.querySelectorAll("[data-strip]")].map(e => e.dataset.strip),
  markers: [...d.querySelectorAll("[data-marker]")].map(e => [e.dataset.marker, e.dataset.row]),
}))"""


def test_the_page_says_what_it_rests_on(browser, pack):
    """Verdicts, assumptions, steps, differences, the picture, commands, without any script; findings come first."""
    with Sheet(browser, address(pack), java_script_enabled=False) as sheet:
        page = sheet.page
        assert ["refuted"] * 4 + ["proved"] * 4 == page.eval_on_selector_all(
            "[data-verdict]", "all => all.map(e => e.dataset.verdict)"
        )
        assert 6 == page.locator("[data-difference]").count()
        assert [17, 17, 54, 54] == page.eval_on_selector_all(
            "svg.graph", "all => all.map(e => e.querySelectorAll('[data-node]').length)"
        )
        text = page.text_content("body")
        wanted = ["15,964 states", "TLB", "Taking a lock", "the clear at 8 removed it", record(load("naive")).digest]
        assert [] == [words for words in wanted if words not in text]
        heads = page.eval_on_selector_all("h2[id]", "all => all.map(e => e.id)")
        assert ["verdicts", *(f"design-{name}" for name in GALLERY), "assumptions", "differences", "again"] == heads


def test_each_design_says_what_it_leaves_out_itself():
    """What a design has a part for is not in its list; what its docstring says comes first."""
    lists = {name: left_out(record(load(name))) for name in (*GALLERY, "dirty-ring", "skip-if-dirty-store-buffer")}
    assert "the order of memory accesses: every thread sees every step at once and in one order" in lists["naive"]
    assert (
        "several memory slots behind one RAM block and the conversion of ranges between them (the page on 2019 has it)"
        == lists["per-slot-cache"][0]
    )
    assert [] == [line for line in lists["dirty-ring"] if line.startswith(("rings", "stale TLB"))]
    assert 1 == sum(line.startswith("rings") for line in lists["top-layer"])


def test_a_design_stands_beside_the_c_that_it_models():
    """The line and its margin; a comment inside of a text is none."""
    found = {each.name: each for each in written(record(load("per-slot-cache")))}
    assert ["write", "collect", "sync", "clear"] == list(found)
    lines = {line.code.strip(): line.c for line in found["clear"].lines}
    assert "ioctl KVM_CLEAR_DIRTY_LOG: writes fault again" == lines["s.kernel -= me.known"]
    assert "" == lines['yield "cleared"']
    assert "model/designs/dirty_log.py" == found["write"].file


def test_commits_and_mails_are_links_and_names_are_not_markup():
    """A known commit leads to its repository, a dated mail to the archive by its Message-ID."""
    text = str(linked("see ff4aa11419 & the mail of 2019-05-08; <b>"))
    assert '<a href="https://gitlab.com/qemu-project/qemu/-/commit/ff4aa11419">ff4aa11419</a> &amp; ' in text
    assert "lore.kernel.org/qemu-devel/20190508113929.GE18465@xz-x1/" in text
    assert text.endswith("; &lt;b&gt;")
    assert "only <code>k&lt;</code> promised" == str(ticked("only `k<` promised"))
    assert "one ` alone" == str(ticked("one ` alone"))


def test_replays_are_those_of_the_designs_as_they_are(pack):
    """A design that has changed since shows none; the page says both what the model and what the kernel did."""
    for each in recorded():
        assert record(load(each.design)).digest.startswith(each.digest), f"perform {each.design} again"
    page = (pack / "index.html").read_text()
    assert 4 == page.count("data-replay")
    assert 2 == page.count("data-replay>model: lost; Linux 6.18.44: lost<")


def test_a_page_says_its_title_and_both_environments_side_by_side(browser, results, tmp_path):
    """The title is the heading; the six rows of real clients, and the two that are safe in both."""
    tool = versions(results)
    write(results, tmp_path, tool, around(measured(), tool))
    with Sheet(browser, address(tmp_path)) as sheet:
        assert "Clearing KVM's dirty log: which designs lose a guest's write" == sheet.page.title()
        assert sheet.page.title() == sheet.page.inner_text("h1")
        rows = sheet.page.locator("[data-surroundings] tbody tr").all_inner_texts()
        assert 8 == len(rows)
        assert "loses a write in 10 moves" in rows[0] and "loses a write in 16 moves, breaks a promise in 12" in rows[0]
        assert "breaks in 19 moves" in rows[4]
        assert "22, 25, 24" in sheet.page.inner_text("[data-recordings]")
        assert [] == sheet.serious()


def test_a_counterexample_is_stepped_through_without_a_server_and_by_keyboard_alone(browser, pack):
    """Tab to the button, Enter until the end: the alarm shows where the promise breaks and at the loss."""
    with Sheet(browser, address(pack)) as sheet:
        page = sheet.page
        root = page.locator('[data-explorer="top-layer-promise-kept"]')
        page.locator("[data-run-of=top-layer-promise-kept] > summary").click()
        page.evaluate("document.querySelector('[data-explorer=top-layer-promise-kept] [data-do=undo]').focus()")
        page.keyboard.press("Tab")
        alarms = []
        for count in range(1, 11):
            page.keyboard.press("Enter")
            page.wait_for_function(ARRIVED, arg=count)
            alarms.append(root.locator("[data-violated] [data-marker=broken]").count())
        assert [0, 0, 0, 0, 0, 0, 0, 1, 1, 2] == alarms
        assert "true" == root.locator("[data-do=along]").get_attribute("aria-disabled")
        link = root.locator("[data-link]").input_value()
    with Sheet(browser, link) as sheet:
        sheet.page.locator("[data-run-of=top-layer-promise-kept] > summary").click()
        root = sheet.page.locator('[data-explorer="top-layer-promise-kept"]')
        assert 10 == root.locator("[data-history] button").count()
        root.locator("[data-track] button").nth(5).click()
        sheet.page.wait_for_function(ARRIVED, arg=6)
        root.locator("[data-do=nearest]").click()
        sheet.page.wait_for_function(
            "() => document.body.innerText.includes('The bad state of this run is 2 moves away.')"
        )
        assert [] == sheet.complaints


ARRIVED = """count => document.querySelectorAll(
  "[data-explorer=top-layer-promise-kept] [data-history] button").length === count"""


def test_the_page_is_readable_on_paper(browser, pack):
    """A4 at 96 dots an inch is 794 wide; what needs a hand is not printed, black on white even from a dark screen."""
    with Sheet(browser, address(pack), {"width": 794, "height": 1123}, "dark") as sheet:
        sheet.page.emulate_media(media="print")
        assert 0 == sheet.overhang()
        assert [] == sheet.clipped("details[open] .diagram [data-strip]")
        assert printed(sheet.page) <= 12
        assert not sheet.page.locator(".explorer").first.is_visible()
        assert "rgb(255, 255, 255)" == sheet.page.evaluate("getComputedStyle(document.body).backgroundColor")
        scrolling = "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
        assert 0 == sheet.page.evaluate(scrolling)


def printed(page):
    """Pages of A4."""
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4", print_background=True)))


def test_the_clauses_of_an_invariant_are_listed(browser, results, tmp_path):
    """Whatever a proof leaves behind, its text is read line by line."""
    proved = replace(results[4], proof="unread[c] <= kernel\ncache <= kernel, or\n  the lock is held")
    write([proved], tmp_path, TOOL)
    with Sheet(browser, address(tmp_path)) as sheet:
        sheet.page.locator("summary", has_text="invariant").click()
        texts = sheet.page.locator("[data-invariant] li").all_inner_texts()
        assert ["unread[c] <= kernel", "cache <= kernel, or\n  the lock is held"] == [t.strip() for t in texts]
    assert ["invariants/per-slot-cache-no-lost-write.txt"] == [n for n in files(tmp_path) if n.startswith("inv")]


def test_a_proof_for_any_number_comes_with_a_certificate_that_a_second_solver_confirms(tmp_path):
    """The command of the page, in this process; and again after an older pack was written over."""
    pytest.importorskip("cvc5", reason="cvc5 is missing: pip install cvc5")
    from model.commands.certify import certify

    rule = built_in_properties()["promise_kept"]
    proved = answer(Question(load("delivers-nothing"), rule, 1, {"Client": 2}, "inductive"))
    for _ in range(2):
        write([proved], tmp_path, TOOL)
        found = certify(tmp_path / "certificates" / "delivers-nothing-promise-kept")
        assert ([], [], len(proved.proof.conjuncts)) == (found.wrong, found.unknown, found.conjuncts)
    page = (tmp_path / "index.html").read_text()
    assert "clearorder certify certificates/delivers-nothing-promise-kept" in page


# ---------------------------------------------------------------- names that mean harm


def hostile():
    """A design whose every free text tries to become markup."""
    place = Sort("Place", HOSTILE, (HOSTILE, HOSTILE + "2"))

    class Odd(Design):
        kernel = Pages(HOSTILE)
        armed = Flag(HOSTILE, per=place)
        user = Pages(HOSTILE, per=Client)
        mine = Pages("ghost: " + HOSTILE, per=Client)
        unread = Pages(HOSTILE, per=Client)

        @operation
        def write(s, me, page):
            s.unread[MIGRATION] |= page

        @operation(by=place)
        def arm(s, me):
            wait_for(~s.armed[me])
            s.armed[me] = True

    Odd.__doc__ = f"{HOSTILE}\n\nSource: {HOSTILE}"
    Odd.__name__ = Odd.__qualname__ = HOSTILE
    return Odd


def test_hostile_names_inject_nothing(browser, tmp_path):
    """They are shown as they are, break no file name and leave the page's own script the only one."""
    rule = built_in_properties()["promise_kept"]
    odd = answer(Question(hostile(), rule, 1, {"Client": 1, "Place": 2}, "explicit", name=HOSTILE))
    other = answer(Question(load("naive"), rule, 1, {"Client": 2}, "explicit", name="../../" + HOSTILE))
    noted = replace(other, notes=(HOSTILE,), proof=HOSTILE)
    made = write([odd, noted], tmp_path, {**TOOL, "z3": HOSTILE})
    assert {p.resolve() for p in tmp_path.rglob("*") if p.is_file()} == {p.resolve() for p in made}
    for svg in (tmp_path / "graphs").glob("*.svg"):
        import xml.etree.ElementTree as tree

        tree.parse(svg)
    with Sheet(browser, address(tmp_path)) as sheet:
        page = sheet.page
        for button in page.locator("[data-do=along]").all():
            button.click()
        page.wait_for_function("() => document.querySelectorAll('[data-history] button').length >= 2")
        assert (None, 0, 1) == (
            page.evaluate("window.injected || null"),
            page.locator("img").count(),
            page.locator("script:not([type])").count(),
        )
        assert ([address(tmp_path)], [], 0) == (sheet.requests, sheet.complaints, sheet.overhang())
        assert HOSTILE.split("\n")[0] in page.inner_text("h2[id^=design]")


def test_two_designs_of_one_name_are_told_apart(results, tmp_path):
    """By the beginning of their digests."""
    alike = [replace(r, design="mine") for r in (results[0], results[4])]
    write(alike, tmp_path, TOOL)
    names = sorted(p.stem for p in (tmp_path / "steps").iterdir())
    assert sorted(f"mine-{r.program.digest[:8]}" for r in alike) == names
