"""A question beyond the size of a finite search, asked in a second process while the search goes on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from time import monotonic

from model.engines.worker import Aside
from model.instance.problem import Problem
from model.limits import Limits, Progress
from model.verify.beyond import PROOF_SECONDS, beyond
from model.verify.result import Evidence

ALONE = 1.0  # seconds after which a finite search that still runs gets company
PATIENCE = 20.0  # seconds after which a proof that was found ends a finite search that still runs


class Meanwhile:
    """What is asked beyond the size of a search, in a second process from the moment that the search takes long.

    Used as a context manager; the process does not outlive the block.
    """

    def __init__(self, problem: Problem, limits: Limits) -> None:
        self.problem, self.limits = problem, limits
        self.begin, self.stack = monotonic(), ExitStack()
        self.process: Aside | None = None
        self.found: list[Evidence] = []

    def __enter__(self) -> Meanwhile:
        return self

    def __exit__(self, *failed: object) -> None:
        self.stack.close()

    @property
    def left(self) -> float:
        """Seconds that remain for it: of the limit, which is for the search as well; else as many as a proof gets."""
        left = self.limits.left(self.begin)
        return PROOF_SECONDS if left is None else left

    @property
    def done(self) -> bool:
        """There is an answer to be had without waiting."""
        return bool(self.found) or (self.process is not None and self.process.done)

    def cancels(self) -> str:
        """Why the search is no longer needed, or an empty string; asked by it now and then."""
        took = monotonic() - self.begin
        if self.process is None and took > ALONE:
            self.process = self.stack.enter_context(Aside(beyond, self.problem, self.left, None))
        if took < PATIENCE or not self.done:
            return ""
        return "the proof for any number was there first" if self.answer(None)[0].verdict.conclusive else ""

    def answer(self, report: Callable[[Progress], None] | None) -> list[Evidence]:
        """What is known beyond the size: waited for, or asked here where no process was begun."""
        if not self.found and self.process is None:
            self.found = beyond(self.problem, self.left, report)
        elif not self.found and self.process is not None:
            if report:
                report(Progress("inductive", 0, 0))
            self.found = self.process.result()
        return self.found
