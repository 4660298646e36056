"""Workflow commands of GitHub Actions: an annotation a result, at the line of the design to look at.

Source: docs.github.com, "Workflow commands for GitHub Actions"; escaping as in actions/toolkit, core/src/command.ts.
"""

from __future__ import annotations

from collections.abc import Sequence

from model.verdict import Proved, Refuted
from model.verify.result import Result
from reports.formats import phrases as words
from reports.formats.mail import document as mail


def document(results: Sequence[Result]) -> str:
    """`::error` for what is refuted, `::warning` for what is undetermined, `::notice` for what is proved."""
    return "".join(f"{_command(result)}\n" for result in results)


def _command(result: Result) -> str:
    kind = (
        "notice"
        if isinstance(result.verdict, Proved)
        else "error"
        if isinstance(result.verdict, Refuted)
        else "warning"
    )
    place = words.place_of(result)
    where = {"file": place.file, "line": str(place.line)} if place else {}
    properties = {**where, "title": words.title(result)}
    message = mail([result]).rstrip() if result.story else words.headline(result)
    given = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{kind} {given}::{_data(message)}"


def _data(said: str) -> str:
    """A message: what could end the command is written by its number."""
    return said.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(said: str) -> str:
    """A value between commas."""
    return _data(words.one_line(said)).replace(":", "%3A").replace(",", "%2C")
