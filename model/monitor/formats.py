"""What the monitor found, for programs: JSON, SARIF 2.1.0 and JUnit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as xml

from model import __version__
from model.monitor.findings import RULE, RULES, SHOWN, SHOWN_DAMAGES, headline, should_have_followed, trace, what
from model.monitor.judgement import CERTAIN, Finding, Findings, Moment, exit_code
from model.printing.records import json_document, named
from model.verdict import REFUTED, UNDETERMINED

COUNTED = {  # key -> what `Findings.counts` calls it
    "gets": "get",
    "clears": "clear",
    "failed": "failed",
    "failed_gets": "failed_get",
    "failed_clears": "failed_clear",
}
SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def as_json(all_findings: Sequence[Findings]) -> str:
    """One document: `blind_clears` counts the certain ones, `findings` lists certain and possible ones."""
    return json_document(
        tool={"name": "clearorder", "version": __version__},
        rule=RULE,
        **_tally(all_findings),
        verdict={0: "proved", 1: "refuted", 3: "undetermined"}[exit_code(all_findings)],
        recordings=[_recording(f) for f in all_findings],
        findings=[_as_object(finding) for f in all_findings for finding in f.listed],
    )


def _tally(recordings: Sequence[Findings]) -> dict[str, int]:
    return {
        "blind_clears": sum(f.blind for f in recordings),
        "other_findings": sum(f.broken for f in recordings),
        "possible_blind_clears": sum(f.possible for f in recordings),
    }


def _recording(found: Findings) -> dict[str, Any]:
    return {
        "file": found.file,
        **_tally([found]),
        **{key: found.counts[kind] for key, kind in COUNTED.items()},
        "reasons": found.reasons,
        "damaged_lines": found.damaged,
        "damaged": [{"line": d.line, "problem": d.problem} for d in found.damages],
        "notes": found.notes,
    }


def _as_object(finding: Finding) -> dict[str, Any]:
    return {
        "file": finding.file,
        **_moment(finding.clear),
        **named(finding, "rule judgement vm slot"),
        "pages": [list(r) for r in finding.ranges],
        "page_count": finding.pages,
        "mask_pages": finding.mask,
        "last_get": finding.get and _moment(finding.get),
        "cleared_since": finding.cleared and _moment(finding.cleared),
        **named(finding, "next design"),
        "trace": list(trace(finding.case)) or None,
    }


def _moment(at: Moment) -> dict[str, Any]:
    return named(at, "line process thread time")


def message(finding: Finding, start: int | None) -> str:
    """One finding as a sentence or two."""
    says = f"slot {finding.slot}: {what(finding)}; {should_have_followed(finding, start)}"
    return f"{says}. {finding.next}"


def sarif(all_findings: Sequence[Findings]) -> str:
    """SARIF 2.1.0: an error for each certain finding, a warning for each possible one or damaged line."""
    results = []
    for found in all_findings:
        for finding in found.listed:
            level = "error" if finding.judgement == CERTAIN else "warning"
            place = _place(found.file, finding.clear.line)
            results.append(_result(finding.rule, level, message(finding, found.start), place))
        results += [_result("damaged-line", "warning", d.problem, _place(found.file, d.line)) for d in found.damages]
        results += [_result("undetermined", "warning", reason, _place(found.file, 1)) for reason in found.reasons]
    rules = [
        *({"id": name, "shortDescription": {"text": text}} for name, text in RULES.items()),
        {"id": "damaged-line", "shortDescription": {"text": "A line of the recording cannot be used."}},
        {"id": "undetermined", "shortDescription": {"text": "What the recording does not show."}},
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
        failed, open_ = found.exit_code == REFUTED, found.exit_code == UNDETERMINED
        suite = xml.SubElement(
            suites, "testsuite", name="blind-clear", tests="1", failures=str(int(failed)), errors=str(int(open_))
        )
        case = xml.SubElement(suite, "testcase", classname="clearorder.monitor", name=_printable(found.file))
        if failed or open_:
            node = xml.SubElement(case, "failure" if failed else "error", message=_printable(headline(found)[0]))
            lines = [f"line {f.clear.line}: {f.judgement}: {message(f, found.start)}" for f in found.listed[:SHOWN]]
            lines += found.reasons[:SHOWN]
            lines += [f"line {d.line}: {d.problem}" for d in found.damages[:SHOWN_DAMAGES]]
            node.text = _printable("\n".join(lines))
    xml.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + xml.tostring(suites, encoding="unicode") + "\n"


def _printable(words: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(c if c >= " " or c == "\n" else "?" for c in words)


FORMATS = {"json": as_json, "sarif": sarif, "junit": junit}
