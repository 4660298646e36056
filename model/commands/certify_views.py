"""A certificate of views checked again: from its files alone, and against the design."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.errors import ModelError
from model.parametric.views import certificate
from model.parametric.views.checker import wrong


def check(directory: Path, manifest: Mapping[str, Any], design: str, found: list[str]) -> str:
    """Adds what is wrong to `found`; returns in few words what a confirmation rests on."""
    files = {}
    for name in (certificate.PROTOCOL, certificate.VIEWS):
        try:
            files[name] = json.loads((directory / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found.append(f"{name} is missing or cannot be read")
    if len(files) < 2:
        return ""
    found += list(wrong(files[certificate.PROTOCOL], files[certificate.VIEWS]))[:20]
    try:
        _against_the_design(manifest, design, files, found)
    except ModelError as refused:
        found.append(f"the views cannot be made again: {refused}")
    count = len(files[certificate.VIEWS]["rows"]) if not found else 0
    return (
        f"{count:,} rows of views: each rule was tried on each with plain integers, and the design closes the same set"
    )


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
    made = certificate.contents(safe, asked.program.digest, design, manifest["properties"])
    for name, content in files.items():
        if _canonical(json.loads(made[name])) != _canonical(content):
            found.append(f"{name} is not what the design generates")


def _canonical(value: Any) -> Any:
    return json.dumps(value, sort_keys=True)
