"""A certificate of views checked again: on two roads from its files alone, and against the design."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from model.errors import ModelError
from model.parametric.views import certificate
from model.parametric.views.checker import NO_TABLE, wrong
from model.parametric.views.conditions import Condition, conditions, of_json
from model.parametric.views.situations import Situations

DATA = (certificate.PROTOCOL, certificate.VIEWS, certificate.CLAUSES)
MOST = 20  # sentences about one table
AGAIN = 300.0  # seconds to close the views of the design again
BROKEN = (KeyError, IndexError, TypeError, ValueError, AttributeError)  # what files that are no certificate raise


def check(directory: Path, manifest: Mapping[str, Any], design: str, seconds: float, found: list[str]) -> str:
    """Adds what is wrong to `found`; returns in few words what a confirmation rests on."""
    most, whole = manifest.get("pages", 1), manifest.get("all_pages", False)
    rows = clauses = answers = 0
    made: dict[str, Any] = {}
    meant: dict[str, Condition] = {}
    for pages in [most] if whole else range(1, most + 1):
        end = certificate.ending(pages, most)
        data = _read(directory, end, found)
        if len(data) < len(DATA):
            return ""
        found += list(islice(wrong(data[certificate.PROTOCOL], data[certificate.VIEWS]), MOST))
        if any(problem.startswith(NO_TABLE) for problem in found):
            return ""
        meant |= _meant(manifest, data, end, found)
        made |= {certificate.named(name, end): content for name, content in data.items()}
        rows += len(data[certificate.VIEWS].get("rows", ()))
        clauses += len(data[certificate.CLAUSES].get("clauses", ()))
    listed = manifest["files"].keys()
    found += [f"{name} is not listed: the design has this condition" for name in sorted(meant.keys() - listed)]
    found += [f"{name} is listed, and the design has no such condition" for name in sorted(listed - meant.keys())]
    for name, condition in meant.items():
        answers += _one_file(directory / name, condition, manifest["files"].get(name), seconds, found)
    try:
        _against_the_design(manifest, design, made, found)
    except ModelError as refused:
        found.append(f"the views cannot be made again: {refused}")
    if found:
        return ""
    return (
        f"{rows:,} rows of views, on each of which every rule was tried with plain integers; by {clauses:,} clauses, "
        f"for whose conditions z3 gave all {answers:,} answers; and by the design, which generates the same files"
    )


def _read(directory: Path, end: str, found: list[str]) -> dict[str, Any]:
    """The data about so many pages, by the name that a file has where there is one of its kind."""
    files = {}
    for name in DATA:
        path = directory / certificate.named(name, end)
        try:
            files[name] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found.append(f"{path.name} is missing or cannot be read")
    return files


def _meant(manifest: Mapping[str, Any], files: Mapping[str, Any], end: str, found: list[str]) -> dict[str, Condition]:
    """name of the file -> condition, of all that the protocol asks for."""
    try:
        situations = Situations.of_views(files[certificate.PROTOCOL], files[certificate.VIEWS])
        clauses = of_json(files[certificate.CLAUSES]["clauses"])
        impossible = {name.replace(f"{end}.smt2", ".smt2") for name in manifest["impossible"] if f"{end}." in name}
        meant = conditions(situations, clauses, impossible)
    except (*BROKEN, ModelError) as problem:
        found.append(f"the conditions cannot be made again ({type(problem).__name__}: {problem})")
        return {}
    return {certificate.named(name, end): condition for name, condition in meant.items()}


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
    from model.designs.catalogue import find_property
    from model.designs.environment import load_in
    from model.errors import UsageError
    from model.instance.problem import Problem
    from model.limits import Limits
    from model.parametric.views.decide import prove
    from model.parametric.views.table import Safe
    from model.program.design import record
    from model.program.store_buffer import SIZE

    loaded, sizes = load_in(design, manifest["environment"]), dict(manifest["sizes"])
    if not manifest["properties"]:
        raise UsageError("the manifest names no property")
    program = record(loaded, buffer=sizes.pop(SIZE, None))
    asked = Problem.of(program, *(find_property(name, loaded) for name in manifest["properties"]))
    if asked.program.digest != manifest["digest"]:
        found.append(f"{design} is not the design that was proved: its digest is {asked.program.digest[:12]}…")
        return
    pages = manifest["pages"] if manifest.get("all_pages") else None
    safe = prove(asked, Limits(seconds=AGAIN), sizes, pages).detail
    if not isinstance(safe, Safe):
        found.append(f"{design} is not proved by views any more")
        return
    parts = (*safe.fewer, safe)
    made = {
        certificate.named(name, certificate.ending(part.pages, safe.pages)): content
        for part in parts
        for name, content in certificate.data_of(part).items()
    }
    for name, content in made.items():
        if name not in files or _canonical(content) != _canonical(files[name]):
            found.append(f"{name} is not what the design generates")


def _canonical(value: Any) -> Any:
    return json.dumps(value, sort_keys=True)
