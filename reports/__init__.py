"""Reports: handed verdicts and traces, they never call an engine. In a notebook: `reports.show(result)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.verify.result import Result
    from reports.notebook import Shown

__all__ = ["show"]


def show(result: Result) -> Shown:
    """A result for a notebook: the verdict, the moves of the counterexample, and every bitmap after each of them.

    Args:
        result: what `model.verify.verify` returned.

    Returns:
        A value that a notebook draws (`_repr_html_`), and that is the command's text everywhere else.

    >>> from model.verify import verify
    >>> show(verify("per-slot-cache", "promise_kept", pages=1, engine="explicit"))
    per-slot-cache  promise_kept  proved  1 page, 2 clients
    """
    from reports.notebook import Shown

    return Shown(result)
