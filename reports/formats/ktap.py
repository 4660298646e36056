"""KTAP: the kernel's test format, one test a property; diagnostics stand before the line that they explain.

An undetermined property is `not ok … # ERROR`, never SKIP: a question without an answer is no success.

Source: Linux Documentation/dev-tools/ktap.rst.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from model.verdict import Proved, Refuted
from model.verify.result import Result
from reports.formats import phrases as words
from reports.formats.mail import document as mail


@dataclass(frozen=True)
class Test:
    """A line of the test plan.

    Attributes:
        told: diagnostics, in ASCII.
        error: why there is no answer; a test without an answer is not ok.
    """

    name: str
    ok: bool
    told: Sequence[str] = ()
    error: str = ""

    def lines(self, number: int) -> Iterator[str]:
        yield from (f"# {line}".rstrip() for line in self.told)
        # a `#` would begin a directive
        name, error = (words.ascii_line(text).replace("#", "_") for text in (self.name, self.error))
        yield f"{'ok' if self.ok else 'not ok'} {number} {name}{f' # ERROR {error}' if error else ''}"


def plan(tests: Sequence[Test]) -> str:
    """A whole document."""
    lines = [line for number, test in enumerate(tests, 1) for line in test.lines(number)]
    return "\n".join(["KTAP version 1", f"1..{len(tests)}", *lines]) + "\n"


def document(results: Sequence[Result]) -> str:
    """Every result, in ASCII."""
    return plan([_test(result) for result in results])


def _test(result: Result) -> Test:
    told = mail([result]).splitlines() if result.story else [words.ascii_line(words.headline(result))]
    known = isinstance(result.verdict, Proved | Refuted)
    error = "" if known else f"undetermined: {words.reason(result)}"
    return Test(f"{result.design}.{result.property}", isinstance(result.verdict, Proved), told, error)
