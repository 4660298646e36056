"""Functions out of text that was made from recorded trees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any


def function(lines: Sequence[str], name: str, scope: Mapping[str, Any] | None = None) -> Any:
    """The function of that name that the lines define; they may use what is in the scope."""
    own = dict(scope or {})
    exec(_compiled("\n".join(lines), "exec"), own)  # noqa: S102 - our own text, made from the recorded tree
    return own[name]


def expression(text: str) -> Any:
    """What the text stands for."""
    return eval(_compiled(text, "eval"), {})  # noqa: S307 - our own text, made from the recorded tree


@lru_cache(maxsize=1024)  # one design is asked several things, and its text is the same each time
def _compiled(text: str, mode: str) -> CodeType:
    return compile(text, "<generated>", mode)
