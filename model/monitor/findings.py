"""What the monitor found, as text, JSON, SARIF 2.1.0 and JUnit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as xml

from model import __version__
from model.expr import Client
from model.monitor.judgement import CERTAIN, SHOWN_BY, Finding, Findings, Moment, exit_code

if TYPE_CHECKING:
    from rich.text import Text

SHOWN, SHOWN_DAMAGES, SHOWN_RANGES = 20, 10, 8
RULE = "No CLEAR of a bit that no GET reported since it was last cleared."
SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def pages(finding: Finding, shown: int = SHOWN_RANGES) -> str:
    """`3, 5-9 and 117 more`: the blind pages."""
    ranges = finding.ranges[:shown]
    text = ", ".join(f"{a}-{b}" if a != b else str(a) for a, b in ranges)
    left = finding.pages - sum(b - a + 1 for a, b in ranges)
    return f"{text} and {left:,} more" if left else text


def seconds(at: Moment, start: int | None) -> str:
    """Time since the first ioctl of the recording."""
    return "" if at.time is None or start is None else f" at {(at.time - start) / 1e9:.6f} s"


def ioctl(at: Moment, start: int | None) -> str:
    return f"line {at.line} (thread {at.thread}{seconds(at, start)})"


def should_have_followed(finding: Finding, start: int | None) -> str:
    """Which GET the CLEAR should have followed, in words."""
    if finding.cleared and finding.get and finding.cleared.line == finding.get.line:
        return f"the GET at {ioctl(finding.get, start)} reported and cleared the first of them; none since"
    since = f"the CLEAR at {ioctl(finding.cleared, start)}" if finding.cleared else "the log began"
    if finding.case == "unknown":
        since = "the gap in the recording" if not finding.cleared else since
    if finding.cleared and finding.get:
        return f"a GET after {since}; the last to report page {finding.ranges[0][0]} was at {ioctl(finding.get, start)}"
    if finding.get:
        return f"the GET at {ioctl(finding.get, start)}, which it overlaps"
    return f"a GET that reports page {finding.ranges[0][0]}; none has since {since}"


def headline(found: Findings) -> tuple[str, str]:
    """The verdict of one recording in a line, and its style."""
    counts = f"{found.counts['clear']:,} CLEARs, {found.counts['get']:,} GETs"
    doubts = [f"{found.possible:,} possible"] if found.possible else []
    doubts += [f"{found.damaged:,} damaged line{'s' * (found.damaged != 1)}"] if found.damaged else []
    also = f"; {', '.join(doubts)}" if doubts else ""
    if found.blind:
        word = "CLEARs" if found.blind != 1 else "CLEAR"
        return f"{found.file}: {found.blind:,} blind {word} of {found.counts['clear']:,}{also}", "bold red"
    if doubts:
        return f"{found.file}: undetermined, {', '.join(doubts)}, no certain blind CLEAR in {counts}", "bold yellow"
    return f"{found.file}: no blind CLEAR in {counts}", "bold green"


def text(all_findings: Sequence[Findings], *, width: int, verbose: bool = False) -> Iterator[Text]:
    """A verdict for each recording, then its findings, damages and notes; all findings where `verbose`."""
    from model.printing.lines import wrapped

    for found in all_findings:
        for line, indent, style in _lines(found, verbose):
            yield from wrapped(line, width, indent, style)


def _lines(found: Findings, verbose: bool) -> Iterator[tuple[str, int, str]]:
    """(line, where what does not fit goes on, style)."""
    line, style = headline(found)
    yield line, 2, style
    for problem in found.damages[:SHOWN_DAMAGES]:
        yield f"  line {problem.line}: {problem.problem}", 4, ""
    if found.damaged > SHOWN_DAMAGES:
        yield f"  and {found.damaged - SHOWN_DAMAGES:,} more damaged lines", 4, ""
    shown = found.listed if verbose else found.listed[:SHOWN]
    for finding in shown:
        yield from ((row, 6, "") for row in _finding(finding, found.start))
    left = found.blind + found.possible - len(shown)
    if left:
        yield f"  and {left:,} more{'' if verbose else '; -v lists them'}", 4, ""
    for case in sorted({f.case for f in found.listed}):
        yield f"  {_case(found, case)}", 4, ""
        yield from ((f"    {n:3} {move}", 10, "") for n, move in enumerate(trace(case), 1))
    yield from ((f"  {note}", 4, "") for note in found.notes)


def _finding(finding: Finding, start: int | None) -> Iterator[str]:
    word = "blind" if finding.judgement == CERTAIN else "possibly blind"
    at = f"slot {finding.slot}, thread {finding.clear.thread}{seconds(finding.clear, start)}"
    what = f"CLEAR {word} on {finding.pages:,} of {finding.mask:,} pages: {pages(finding)}"
    yield f"  line {finding.clear.line}: {finding.judgement}: {at}: {what}"
    yield f"      should have followed {should_have_followed(finding, start)}"


def _case(found: Findings, case: str) -> str:
    sample = next(f for f in found.listed if f.case == case)
    lines = [f.clear.line for f in found.listed if f.case == case]
    where = f"line{'s' * (len(lines) > 1)} {', '.join(map(str, lines[:5]))}{', …' * (len(lines) > 5)}"
    shown = f" {sample.design} on the model, the shortest such loss:" if sample.design else ""
    return f"What can happen next ({where}): {sample.next}{shown}"


@cache
def trace(case: str) -> tuple[str, ...]:
    """The moves of a shortest loss of the design that a case is like; empty where there is no such design."""
    if case not in SHOWN_BY:
        return ()
    from model.designs.catalogue import find_property, load
    from model.verify.portfolio import answer
    from model.verify.question import Question

    found = answer(Question(load(SHOWN_BY[case]), find_property("no_lost_write"), 2, {Client.name: 2}, "lanes"))
    return tuple(line.text for line in found.story.lines) if found.story else ()


# ---------------------------------------------------------------- JSON


def as_json(all_findings: Sequence[Findings]) -> str:
    """One document: `blind_clears` counts the certain ones, `findings` lists certain and possible ones."""
    document = {
        "version": 1,
        "tool": {"name": "clearorder", "version": __version__},
        "rule": RULE,
        "blind_clears": sum(f.blind for f in all_findings),
        "possible_blind_clears": sum(f.possible for f in all_findings),
        "verdict": {0: "proved", 1: "refuted", 3: "undetermined"}[exit_code(all_findings)],
        "recordings": [_recording(f) for f in all_findings],
        "findings": [_as_object(finding) for f in all_findings for finding in f.listed],
    }
    return json.dumps(document, indent=1) + "\n"


def _recording(found: Findings) -> dict[str, Any]:
    return {
        "file": found.file,
        "blind_clears": found.blind,
        "possible_blind_clears": found.possible,
        "gets": found.counts["get"],
        "clears": found.counts["clear"],
        "failed": found.counts["failed"],
        "damaged_lines": found.damaged,
        "damaged": [{"line": d.line, "problem": d.problem} for d in found.damages],
        "notes": found.notes,
    }


def _as_object(finding: Finding) -> dict[str, Any]:
    return {
        "file": finding.file,
        **_moment(finding.clear),
        "judgement": finding.judgement,
        "vm": finding.vm,
        "slot": finding.slot,
        "pages": [list(r) for r in finding.ranges],
        "page_count": finding.pages,
        "mask_pages": finding.mask,
        "last_get": finding.get and _moment(finding.get),
        "cleared_since": finding.cleared and _moment(finding.cleared),
        "next": finding.next,
        "design": finding.design,
        "trace": list(trace(finding.case)) or None,
    }


def _moment(at: Moment) -> dict[str, Any]:
    return {"line": at.line, "thread": at.thread, "time": at.time}


# ---------------------------------------------------------------- for continuous integration


def message(finding: Finding, start: int | None) -> str:
    """One finding as a sentence or two."""
    word = "blind" if finding.judgement == CERTAIN else "possibly blind"
    return (
        f"CLEAR of slot {finding.slot} is {word} on {finding.pages:,} of {finding.mask:,} pages ({pages(finding)}): "
        f"it should have followed {should_have_followed(finding, start)}. {finding.next}"
    )


def sarif(all_findings: Sequence[Findings]) -> str:
    """SARIF 2.1.0: an error for each certain finding, a warning for each possible one or damaged line."""
    results = []
    for found in all_findings:
        for finding in found.listed:
            level = "error" if finding.judgement == CERTAIN else "warning"
            place = _place(found.file, finding.clear.line)
            results.append(_result("blind-clear", level, message(finding, found.start), place))
        results += [_result("damaged-line", "warning", d.problem, _place(found.file, d.line)) for d in found.damages]
    rules = [
        {"id": "blind-clear", "shortDescription": {"text": RULE}},
        {"id": "damaged-line", "shortDescription": {"text": "A line of the recording cannot be used."}},
    ]
    driver = {"name": "clearorder monitor", "version": __version__, "rules": rules}
    log = {"$schema": SARIF, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
    return json.dumps(log, indent=1) + "\n"


def _result(rule: str, level: str, text: str, place: dict[str, Any]) -> dict[str, Any]:
    return {"ruleId": rule, "level": level, "message": {"text": text}, "locations": [place]}


def _place(file: str, line: int) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": file}, "region": {"startLine": line}}}


def junit(all_findings: Sequence[Findings]) -> str:
    """JUnit: one test case a recording; undetermined is an error, a certain blind CLEAR a failure."""
    suites = xml.Element("testsuites")
    for found in all_findings:
        failed, open_ = bool(found.blind), not found.blind and found.exit_code != 0
        suite = xml.SubElement(
            suites, "testsuite", name="blind-clear", tests="1", failures=str(int(failed)), errors=str(int(open_))
        )
        case = xml.SubElement(suite, "testcase", classname="clearorder.monitor", name=_printable(found.file))
        if failed or open_:
            node = xml.SubElement(case, "failure" if failed else "error", message=_printable(headline(found)[0]))
            lines = [f"line {f.clear.line}: {f.judgement}: {message(f, found.start)}" for f in found.listed[:SHOWN]]
            lines += [f"line {d.line}: {d.problem}" for d in found.damages[:SHOWN_DAMAGES]]
            node.text = _printable("\n".join(lines))
    xml.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + xml.tostring(suites, encoding="unicode") + "\n"


def _printable(words: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(c if c >= " " or c == "\n" else "?" for c in words)


FORMATS = {"json": as_json, "sarif": sarif, "junit": junit}
