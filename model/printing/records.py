"""JSON records: attributes under their own names, and whole documents."""

from __future__ import annotations

import json
from typing import Any


def named(thing: object, names: str) -> dict[str, Any]:
    """These attributes by name, in this order: `named(finding, "vm slot")` has `vm` and `slot`."""
    return {name: getattr(thing, name) for name in names.split()}


def json_document(**parts: Any) -> str:
    """The text of a JSON document of version 1 with these parts, in this order."""
    return json.dumps({"version": 1, **parts}, indent=1) + "\n"
