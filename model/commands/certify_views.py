"""A certificate of views checked again: on two roads from its files alone, and against the design."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.errors import ModelError
from model.parametric.views import certificate
from model.parametric.views.checker import wrong
from model.parametric.views.conditions import Condition, conditions, of_json
from model.parametric.views.situations import Situations

DATA = (certificate.PROTOCOL, certificate.VIEWS, certificate.CLAUSES)
BROKEN = (KeyError, IndexError, TypeError, ValueError, AttributeError)  # what files that are no certificate raise


def check(directory: Path, manifest: Mapping[str, Any], design: str, seconds: float, found: list[str]) -> str:
    """Adds what is wrong to `found`; returns in few words what a confirmation rests on."""
    files = {}
    for name in DATA:
        try:
            files[name] = json.loads((directory / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found.append(f"{name} is missing or cannot be read")
    if len(files) < len(DATA):
        return ""
    protocol, views, clauses = (files[name] for name in DATA)
    found += list(wrong(protocol, views))[:20]
    meant = _meant(manifest, files, found)
    answers = [_one_file(directory / n, c, manifest["files"].get(n), seconds, found) for n, c in meant.items()]
    try:
        _against_the_design(manifest, design, files, found)
    except ModelError as refused:
        found.append(f"the views cannot be made again: {refused}")
    if found:
        return ""
    return (
        f"{len(views['rows']):,} rows of views, on each of which every rule was tried with plain integers; "
        f"by {len(clauses['clauses']):,} clauses, for whose conditions z3 gave all {sum(answers):,} answers; "
        "and by the design, which generates the same files"
    )


def _meant(manifest: Mapping[str, Any], files: Mapping[str, Any], found: list[str]) -> Mapping[str, Condition]:
    """name of the file -> condition, of all that the protocol asks for; what is listed and what is not is said."""
    try:
        situations = Situations.of_views(files[certificate.PROTOCOL], files[certificate.VIEWS])
        clauses = of_json(files[certificate.CLAUSES]["clauses"])
        meant = conditions(situations, clauses, manifest.get("impossible", ()))
    except (*BROKEN, ModelError) as problem:
        found.append(f"the conditions cannot be made again ({type(problem).__name__}: {problem})")
        return {}
    listed = manifest["files"].keys()
    found += [f"{name} is not listed: the design has this condition" for name in sorted(meant.keys() - listed)]
    found += [f"{name} is listed, and the design has no such condition" for name in sorted(listed - meant.keys())]
    return meant


def _one_file(path: Path, meant: Condition, listed: Any, seconds: float, found: list[str]) -> int:
    try:
        text = path.read_text(encoding="utf-8")
        difference = meant.misread(text)
    except OSError:
        found.append(f"{path.name} is missing")
        return 0
    except ModelError as problem:
        found.append(f"{path.name}: {problem}")
        return 0
    needed = ["sat" if meant.possible else "unsat", *["unsat"] * len(meant.goals)]
    if difference or text != "\n".join(meant.lines) + "\n":
        found.append(f"{path.name} is not the condition that is asked for: {difference or 'it is written otherwise'}")
        return 0
    if listed != needed:
        found.append(f"{path.name} states other answers than the manifest")
    answers = _z3(text, seconds)
    if answers != needed:
        number = next((n for n, (a, b) in enumerate(zip(answers, needed, strict=False), 1) if a != b), len(answers) + 1)
        found.append(f"{path.name}, question {number}: z3 says {[*answers, 'nothing'][number - 1]}")
    return len(answers)


def _z3(text: str, seconds: float) -> list[str]:
    """z3's answers to a script, as it reads the text."""
    import z3

    limit = f"(set-option :timeout {max(1, int(seconds * 1000))})\n"
    context = z3.Context()  # has to outlive the call
    try:
        return str(z3.Z3_eval_smtlib2_string(context.ref(), limit + text)).split()
    except z3.Z3Exception:
        return ["another answer than the file states"]


def _against_the_design(manifest: Mapping[str, Any], design: str, files: Mapping[str, Any], found: list[str]) -> None:
    """The design generates this protocol, and closing its views again gives this table."""
    from model.designs.catalogue import find_property, load
    from model.errors import UsageError
    from model.instance.problem import Problem
    from model.parametric.views.decide import prove
    from model.parametric.views.table import Safe
    from model.program.design import record

    loaded = load(design)
    if not manifest["properties"]:
        raise UsageError("the manifest names no property")
    asked = Problem.of(record(loaded), *(find_property(name, loaded) for name in manifest["properties"]))
    if asked.program.digest != manifest["digest"]:
        found.append(f"{design} is not the design that was proved: its digest is {asked.program.digest[:12]}…")
    safe = prove(asked, sizes=manifest["sizes"]).detail
    if not isinstance(safe, Safe):
        found.append(f"{design} is not proved by views any more")
        return
    for name, made in certificate.data(safe).items():
        if _canonical(made) != _canonical(files[name]):
            found.append(f"{name} is not what the design generates")


def _canonical(value: Any) -> Any:
    return json.dumps(value, sort_keys=True)
