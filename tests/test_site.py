"""The documents lead where they say, and the site that is made of them builds without a warning."""

import re
import subprocess
import sys
from functools import cache

import pytest

from tests.support.paths import ROOT

FILES = ["README.md", "CHANGELOG.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")


@cache
def anchors(path):
    """The headings of a file, as GitHub and MyST make addresses of them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", path.read_text(), flags=re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def wrong(document):
    """Links to a file or a heading that is not there."""
    here = ROOT / document
    for target, anchor in LINK.findall(here.read_text()):
        file = (here.parent / target).resolve() if target else here
        if not file.exists() or (anchor and anchor not in anchors(file)):
            yield f"{target}#{anchor}"


@pytest.mark.parametrize("document", FILES)
def test_every_link_of_a_document_leads_somewhere(document):
    """To a file of the repository and, where it names one, to a heading of it."""
    assert [] == list(wrong(document))


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    """A missing file and a missing heading; what exists is left alone."""
    (tmp_path / "a.md").write_text("# One\n\n[a](b.md) [b](#two) [c](#one) [d](a.md#one) [e](https://example.org/x)\n")
    assert ["b.md#", "#two"] == list(wrong(tmp_path / "a.md"))


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    """The README's command; every page is reached from the index, and the API is on it."""
    pytest.importorskip("furo", reason="Sphinx and Furo are missing: pip install '.[docs]'")
    pytest.importorskip("myst_parser", reason="MyST is missing: pip install '.[docs]'")
    assert "`pip install -q '.[docs]' && sphinx-build -W -c docs . site`" in (ROOT / "README.md").read_text()
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-q", "-c", "docs", "-d", tmp_path / "trees", ".", tmp_path / "site"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (0, "") == (done.returncode, done.stderr)
    index = (tmp_path / "site" / "docs" / "index.html").read_text()
    assert [] == [name for name in FILES if name.removesuffix(".md").removeprefix("docs/") + ".html" not in index]
    assert "assert_proved" in (tmp_path / "site" / "docs" / "api.html").read_text()
