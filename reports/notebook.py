"""One result as a notebook draws it: the trace table and the bitmaps after each move, styled for itself alone."""

from __future__ import annotations

from dataclasses import dataclass

from model.verify.result import Result
from reports.formats.html import section, verdict_table

STYLE = """
.clearorder-result table { border-collapse: collapse; }
.clearorder-result th, .clearorder-result td { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top; }
.clearorder-result .wide { overflow-x: auto; }
.clearorder-result .broken { font-weight: bold; }
.clearorder-result .tail { font-style: italic; }
""".strip()


@dataclass(frozen=True, repr=False)
class Shown:
    """A result that a notebook draws; as a string it is what the command prints."""

    result: Result

    def _repr_html_(self) -> str:
        body = [*verdict_table([self.result]), *section(self.result, heading="h3")]
        return "\n".join([f'<div class="clearorder-result"><style>{STYLE}</style>', *body, "</div>"])

    def __repr__(self) -> str:
        return str(self.result)
