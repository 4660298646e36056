"""The picture of safety, redundant copies, ioctls and bitmaps."""

import re
import xml.etree.ElementTree as tree
from dataclasses import replace
from functools import cache

import pytest

from model.commands.cost import command
from model.designs.catalogue import load
from model.errors import UsageError
from model.studies.comparison import Candidate, front, measures, row
from model.studies.markov import Estimate, Expected
from reports.pages.pareto import as_svg, described, picture
from tests.support.browser import NARROW, Sheet, chromium

NAMES = ("top-layer", "per-slot-cache")
SVG = "{http://www.w3.org/2000/svg}"


@cache
def rows():
    return tuple(row(Candidate(n, load(n)), 2, s, pages=1) for s in ("none", "device") for n in NAMES)


def elements(text, kind, mark=""):
    root = tree.fromstring(text.partition("?>\n")[2] or text)
    return [e for e in root.iter(f"{SVG}{kind}") if not mark or e.get("class") == mark]


def test_the_picture_is_the_same_every_time_and_a_file_of_its_own(tmp_path):
    """Well-formed, with title, description and style; the command writes it."""
    ask = ("top-layer", "--pages", "1", "--clients", "1", "--format", "svg", "-o")
    for name in "ab":
        assert 0 == command.main([*ask, str(tmp_path / name)], standalone_mode=False)
    first = (tmp_path / "a").read_text()
    assert first == (tmp_path / "b").read_text()
    root = tree.fromstring(first.partition("?>\n")[2])
    assert ["title", "desc", "style"] == [e.tag.removeprefix(SVG) for e in list(root)[:3]]
    assert "prefers-color-scheme:dark" in root.find(f"{SVG}style").text
    assert "<style" not in picture(rows()), "a page brings its own"


def test_shape_says_what_is_safe():
    """Two groups, two schedules: the per-slot cache is filled, top-layer is hollow with a cross."""
    text = as_svg(rows())
    assert (4, 4) == tuple(len(elements(text, "circle", mark)) for mark in ("p-safe", "p-loses"))
    assert 4 == len(elements(text, "path", "p-loses"))
    labels = [e.text for e in elements(text, "text")]
    assert 4 == labels.count("top-layer (5): loses")
    assert 4 == labels.count("per-slot-cache (6): unbeaten")


def test_the_unbeaten_have_a_ring_and_are_joined():
    """A second safe design with fewer bitmaps and more copies: two rings in a panel, one line between them."""
    base = rows()[1]
    dear, slow = (
        tuple(replace(e, redundant=Estimate(0.5)) for e in each) for each in (base.expected, base.expected_in_rounds)
    )
    other = replace(base, design="small", bitmaps=2, expected=dear, expected_in_rounds=slow)
    text = as_svg([base, other])
    assert 2 == len(front([base, other]))
    assert (4, 2) == (len(elements(text, "circle", "p-ring")), len(elements(text, "path", "p-front")))
    worse = replace(other, bitmaps=9)
    assert (2, 0) == tuple(
        len(elements(as_svg([base, worse]), kind, mark)) for kind, mark in (("circle", "p-ring"), ("path", "p-front"))
    )


def test_bars_are_drawn_where_numbers_were_simulated():
    """None where they are exact."""
    rough = tuple(replace(e, redundant=Estimate(0.2, 0.1)) for e in rows()[1].expected)
    assert 0 == len(elements(as_svg(rows()), "path", "p-bar"))
    assert 1 == len(elements(as_svg([replace(rows()[1], expected=rough)]), "path", "p-bar"))


def test_every_dot_lies_inside_its_panel():
    """Also where a number is zero or is the greatest."""
    text = as_svg(rows())
    width, height = (float(v) for v in re.search(r'viewBox="0 0 (\S+) (\S+)"', text).groups())
    for dot in elements(text, "circle"):
        x, y = float(dot.get("cx")), float(dot.get("cy"))
        assert 40 < x < width and 40 < y < height
    nothing = Expected(0.5, *(Estimate(0.0),) * 4, states=1)
    flat = replace(rows()[1], expected=(nothing,), expected_in_rounds=(nothing,))
    assert 2 == len(elements(as_svg([flat]), "circle", "p-safe"))


def test_words_say_all_that_the_picture_shows():
    """For a screen reader: every design of every panel with its three numbers."""
    said = described(rows())
    for r in rows():
        copies, ioctls, kept = measures(r)
        assert f"any schedule: {r.design}: " in said
        assert f"{copies} redundant copies and {ioctls} ioctls for each write, {kept.mean:g} bitmaps." in said
    assert "Safe beats unsafe" in as_svg(rows())


def test_nothing_is_no_picture():
    """And is refused."""
    with pytest.raises(UsageError, match="there is nothing to draw"):
        as_svg([])


def test_a_name_that_means_harm_is_text():
    """It is escaped wherever it stands."""
    name = "x\"'</text><script>1</script>\x0b"
    text = as_svg([replace(rows()[0], design=name)])
    assert [] == elements(text, "script")
    assert any("</text><script>" in (e.text or "") for e in elements(text, "text"))


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_picture_can_be_read_in_both_schemes(browser, scheme, tmp_path):
    """Text differs from its ground by more than half of the scale, and no label runs into the next panel."""
    page = f"<!doctype html><html lang=en data-ready=yes><title>p</title><body>{as_svg(rows()).partition('?>')[2]}"
    (tmp_path / "p.html").write_text(page)
    with Sheet(browser, (tmp_path / "p.html").as_uri(), NARROW, scheme) as sheet:
        ink, paper = (
            sheet.page.evaluate(f"getComputedStyle(document.querySelector('.pareto {part}')).fill.match(/\\d+/g)")
            for part in ("text", ".p-paper")
        )
        assert abs(sum(map(int, ink)) - sum(map(int, paper))) > 3 * 128
        ends = sheet.page.evaluate(
            "[...document.querySelectorAll('.pareto text')].map(e => { const b = e.getBBox(); return b.x + b.width; })"
        )
        assert max(ends) <= sheet.page.evaluate("document.querySelector('.pareto').viewBox.baseVal.width")
