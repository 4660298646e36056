"""KTAP: the kernel's test format, one test a property; diagnostics stand before the line that they explain.

An undetermined property is `not ok … # ERROR`, never SKIP: a question without an answer is no success.

Source: Linux Documentation/dev-tools/ktap.rst.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from model.verdict import Proved, Refuted
from model.verify.result import Result
from reports.formats import phrases as words
from reports.formats.mail import document as mail


def document(results: Sequence[Result]) -> str:
    """Every result, in ASCII."""
    return "\n".join(["KTAP version 1", f"1..{len(results)}", *_tests(results)]) + "\n"


def _tests(results: Sequence[Result]) -> Iterator[str]:
    for number, result in enumerate(results, 1):
        told = mail([result]).splitlines() if result.story else [words.ascii_line(words.headline(result))]
        yield from (f"# {line}".rstrip() for line in told)
        # a `#` would begin a directive
        test = words.ascii_line(f"{result.design}.{result.property}").replace("#", "_")
        yield f"{'ok' if isinstance(result.verdict, Proved) else 'not ok'} {number} {test}{_directive(result)}"


def _directive(result: Result) -> str:
    if isinstance(result.verdict, Proved | Refuted):
        return ""
    return f" # ERROR undetermined: {words.ascii_line(words.reason(result)).replace('#', '_')}"
