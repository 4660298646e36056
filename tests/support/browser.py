"""Headless Chromium for the tests of pages; where it is missing, they skip by name."""

import shutil
from contextlib import contextmanager

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@contextmanager
def chromium():
    """A browser of our own, closed at the end."""
    driver = pytest.importorskip("playwright.sync_api", reason="Playwright is missing: pip install playwright")
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("Chromium is missing: apt-get install chromium")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Sheet:
    """An open page and what it has asked for and complained of."""

    def __init__(self, browser, address, size=WIDE, scheme="light", **settings):
        self.context = browser.new_context(viewport=size, color_scheme=scheme, **settings)
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.requests, self.complaints = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(address)
        if settings.get("java_script_enabled", True):
            self.page.wait_for_selector("html[data-ready=yes]")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def serious(self):
        """What axe-core finds that is serious or critical: rule and first place."""
        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is missing")
        found = axe.Axe().run(self.page).response["violations"]
        return [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")]

    def overhang(self):
        """Pixels by which the page is wider than the window."""
        return self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")

    def clipped(self, selector):
        """Elements that are cut off, empty, or outside of the window and of the box that they scroll in."""
        return self.page.evaluate(CLIPPED, selector)


CLIPPED = """selector => [...document.querySelectorAll(selector)].filter(e => {
  const box = e.getBoundingClientRect(), frame = e.closest(".scroll");
  const left = frame ? frame.getBoundingClientRect().left - frame.scrollLeft : 0;
  const right = frame ? left + frame.scrollWidth : window.innerWidth;
  const inner = [e, ...e.querySelectorAll(".cells, .cell, .name")];
  const cut = inner.some(i => i.scrollWidth > i.clientWidth + 1 && i.clientWidth > 0);
  return box.width < 8 || box.height < 8 || box.left < left - 1 || box.right > right + 1 || cut;
}).map(e => e.outerHTML.slice(0, 200))"""
