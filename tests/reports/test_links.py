"""Every link of the committed evidence: well-formed, and to a commit or a mail that our notes on the sources give."""

import re
import tomllib
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

from reports.pages.links import COMMITS, LINUX, LIST, MAILS, QEMU, XZPETER, address
from tests.support.paths import ROOT

EVIDENCE = ROOT / "reports" / "evidence"
PAGES = sorted(EVIDENCE.glob("*.html"))
KNOWN = tomllib.loads((ROOT / "tests" / "data" / "references.toml").read_text())
MARKDOWN = re.compile(r"\]\((https?://[^)]+)\)")


class Links(HTMLParser):
    """Addresses of a page, and what can be jumped to in it."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.ids.add(named.get("id"))
        if tag == "a":
            self.links.append(named["href"])


def outside():
    """(file, address) of every link that leaves the pack."""
    for page in PAGES:
        yield from ((page.name, link) for link in Links(page.read_text()).links if ":" in link)
    for link in MARKDOWN.findall((EVIDENCE / "discussion.md").read_text()):
        yield "discussion.md", link


def named(link):
    """What a link names, in the words of the notes."""
    for base in (QEMU, LINUX, XZPETER):
        if link.startswith(base):
            return "commits", link.removeprefix(base)
    return "mails", link.removeprefix(LIST).rstrip("/")


def test_every_link_is_well_formed_and_known():
    found = list(outside())
    assert len(found) > 20
    for file, link in found:
        parts = urlsplit(link)
        assert ("https", True) == (parts.scheme, bool(parts.hostname)), (file, link)
        assert not re.search(r"[\s<>\"]", link), (file, link)
        kind, name = named(link)
        assert name in KNOWN[kind], f"{file}: {link} is in none of our notes"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_jump_has_its_place_and_every_page_is_there(page):
    found = Links(page.read_text())
    inside = [link for link in found.links if ":" not in link]
    assert [] == [link for link in inside if link.startswith("#") and link[1:] not in found.ids]
    assert [] == [link for link in inside if not link.startswith("#") and not (EVIDENCE / link).is_file()]


def test_nothing_can_be_linked_that_the_notes_do_not_give():
    """The tables of the pages themselves."""
    assert set() == set(COMMITS) - set(KNOWN["commits"])
    assert set() == set(MAILS.values()) - set(KNOWN["mails"])
    assert address("ff4aa11419").startswith("https://gitlab.com/qemu-project/qemu/-/commit/ff4aa11419")
