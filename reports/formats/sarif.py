"""SARIF 2.1.0: a result a property, its counterexample as a code flow through the design's source lines.

Refuted is kind `fail`, proved `pass`, undetermined `open` ("insufficient information to decide"). The moves are one
thread flow in the order in which they happen, for viewers show the first flow only; each names its thread.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", 3.11.5, 3.27.9, 3.36 to 3.38.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from model.errors import Place
from model.verdict import Proved, Refuted
from model.verify.narration import Line
from model.verify.result import Result
from reports.formats import phrases as words
from reports.formats.text import first_sentence

SCHEMA = "https://json.schemastore.org/sarif-2.1.0-rtm.5.json"
SET = re.compile(r"\{([\d, ]*)\}")
SIGNS = str.maketrans({"{": "{{", "}": "}}", "[": "\\[", "]": "\\]", "\\": "\\\\"})


def document(results: Sequence[Result]) -> str:
    """Every result as one run."""
    tool = words.tool()
    meanings = {r.property: r.meaning for r in results}
    rules = list(meanings)
    driver = {"name": tool["name"], "version": tool["version"], "rules": [_rule(*each) for each in meanings.items()]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(r, rules.index(r.property)) for r in results],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _rule(name: str, meaning: str) -> dict[str, Any]:
    """What a viewer shows of the property: its first sentence, and all that its docstring says."""
    if not meaning.strip():
        return {"id": name, "name": name}
    short, whole = first_sentence(meaning), "\n".join(map(words.one_line, meaning.strip().splitlines()))
    return {"id": name, "name": name, "shortDescription": _text(f"{short}."), "fullDescription": _text(whole)}


def _text(said: str) -> dict[str, str]:
    """A message: a set of pages stands in round brackets, for braces are arguments in SARIF, and square ones links.

    Those of a design's own text are doubled or escaped.
    """
    return {"text": SET.sub(lambda found: f"({found[1] or 'none'})", said).translate(SIGNS)}


def _result(result: Result, rule: int) -> dict[str, Any]:
    kind = "pass" if isinstance(result.verdict, Proved) else "fail" if isinstance(result.verdict, Refuted) else "open"
    told = [words.title(result), *_argument(result)] if result.story else [words.headline(result)]
    found: dict[str, Any] = {
        "ruleId": result.property,
        "ruleIndex": rule,
        "kind": kind,
        "level": "error" if kind == "fail" else "none",
        "message": _text(". ".join(said.rstrip(".") for said in told) + "."),
        "locations": [_location(words.place_of(result), result.design)],
        "partialFingerprints": {"design/v1": result.program.digest},
        "properties": {"design": result.design, "verdict": result.verdict.word, "scope": dict(result.scope)},
    }
    if result.story:
        flow = [_step(line, result) for line in words.lines(result)]
        found["codeFlows"] = [{"message": _text(words.title(result)), "threadFlows": [{"locations": flow}]}]
    return found


def _argument(result: Result) -> list[str]:
    story = result.story
    if story is None:
        return []
    return [said for said in (words.aftermath(story), f"Why: {words.why(story)}" if story.because else "") if said]


def _step(line: Line, result: Result) -> dict[str, Any]:
    said = "; ".join([line.text, *line.notes])
    return {
        "executionOrder": line.number,
        "importance": "essential" if words.is_broken(line) else "important",
        "location": _location(words.place(line.place), result.design, said),
        "state": {name: _text(_shown(value)) for name, value in line.changes.items()},
    }


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value).lower()


def _location(place: Place | None, design: str, said: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"logicalLocations": [{"name": design, "kind": "type"}]}
    if place:
        found["physicalLocation"] = {"artifactLocation": _artifact(place.file), "region": {"startLine": place.line}}
    return found | ({"message": _text(said)} if said else {})


def _artifact(file: str) -> dict[str, str]:
    """A file below the working directory relative to the source root, any other as it is."""
    if Path(file).is_absolute():
        return {"uri": Path(file).as_uri()}
    return {"uri": quote(file.replace("\\", "/")), "uriBaseId": "%SRCROOT%"}
