"""The same recorded steps in the languages of other tools; `EXPORTS` says which."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.export.problem import Claim

EXPORTS: Mapping[str, tuple[str, str]] = {  # name -> (module, function from a Claim to text or bytes)
    "promela": ("promela", "text"),
    "tla": ("tla", "text"),
    "cubicle": ("cubicle", "text"),
    "smt2": ("smtlib", "text"),
    "aiger": ("aiger", "binary"),
    "aag": ("aiger", "text"),
}


def written(name: str, claim: Claim) -> bytes:
    """The claim in the language `name` of EXPORTS, as the bytes of a file.

    Raises:
        CannotSay: the language has no exact word for something that the design uses.
        TooWide: the instance is larger than the tool takes.
    """
    module, function = EXPORTS[name]
    found = getattr(import_module(f"model.export.{module}"), function)(claim)
    return found if isinstance(found, bytes) else found.encode()
