"""JUnit XML: a suite a design, a case a property.

A refuted property is a failure. An undetermined one is an error, never skipped: most servers count a skipped case as
a success, and a question without an answer is none.

Source: the format of Apache Ant's junit task as Jenkins and GitLab read it; github.com/testmoapp/junitxml.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from xml.etree import ElementTree as xml

from model.verdict import Proved, Refuted
from model.verify.result import Result
from reports.formats import phrases as words
from reports.formats.mail import document as mail


def document(results: Sequence[Result]) -> str:
    """Every result as one `testsuites` document, without timings, so that equal runs give equal files."""
    root = xml.Element("testsuites", {"name": "clearorder", **_counts(results)})
    for design in dict.fromkeys(r.design for r in results):
        own = [r for r in results if r.design == design]
        suite = xml.SubElement(root, "testsuite", {"name": _plain(design), **_counts(own)})
        suite.extend(_cases(own))
    xml.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + xml.tostring(root, encoding="unicode") + "\n"


def _counts(results: Sequence[Result]) -> dict[str, str]:
    refuted = sum(isinstance(r.verdict, Refuted) for r in results)
    proved = sum(isinstance(r.verdict, Proved) for r in results)
    counts = {"tests": len(results), "failures": refuted, "errors": len(results) - refuted - proved, "skipped": 0}
    return {name: str(count) for name, count in counts.items()}


def _cases(results: Iterable[Result]) -> Iterator[xml.Element]:
    for result in results:
        place = words.place_of(result)
        where = {"file": _plain(place.file), "line": str(place.line)} if place else {}
        case = xml.Element("testcase", {"classname": _plain(result.design), "name": _plain(result.property), **where})
        if isinstance(result.verdict, Refuted):
            _say(case, "failure", "refuted", words.title(result), mail([result]))
        elif not isinstance(result.verdict, Proved):
            _say(case, "error", "undetermined", words.headline(result), words.headline(result))
        _say(case, "system-out", "", "", "\n".join([words.headline(result), *words.basis(result)]))
        yield case


def _say(case: xml.Element, tag: str, kind: str, message: str, said: str) -> None:
    about = {"type": kind, "message": _plain(message)} if kind else {}
    xml.SubElement(case, tag, about).text = words.xml_text(said)


def _plain(said: str) -> str:
    return words.xml_text(words.one_line(said))
