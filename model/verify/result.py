"""What is said of one property of one design: the verdict, its scope, and what each engine that was asked said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from model.instance.instance import Instance
from model.instance.sizes import used_sorts
from model.instance.trace import Trace
from model.program.program import Program
from model.program.store_buffer import SIZE
from model.verdict import Proved, Refuted, Undetermined, Verdict
from model.verify.narration import Story
from model.verify.wording import plural

if TYPE_CHECKING:
    from rich.text import Text

    from model.instance.problem import Problem

WIDTH = 80  # columns of a result as text, where nobody says how wide it is shown


@dataclass(frozen=True)
class Evidence:
    """What one engine that was asked said, and of which scope ("any" where it holds for every size)."""

    engine: str
    verdict: Verdict
    scope: Mapping[str, int | str]

    def sentence(self, *, why: bool = False) -> str:
        """`lanes: 1,403,799 states, depth 40 at 2 pages, 2 clients`; with `why`, also why a search did not finish."""
        from model.verify.result_text import scope

        verdict = self.verdict
        parts = [plural(verdict.states, "state")] if verdict.states else [verdict.word]
        if verdict.states != verdict.orbits > 0:
            parts[0] += f" in {plural(verdict.orbits, 'orbit')}"
        if why and isinstance(verdict, Undetermined):
            parts[0] += f" ({verdict.reason})"
        if verdict.depth:
            parts.append(f"depth {verdict.depth}")
        return f"{self.engine}: {', '.join(parts)} at {scope(self.scope)}"


@dataclass(frozen=True)
class Result:
    """The answer to one question; as a string, what `python -m model.check` prints of it.

    Attributes:
        verdict: Proved, Refuted or Undetermined; `verdict.word` is that in lower case.
        scope: {"pages": 2 or "any", "clients": 2 or "any", …} of the verdict.
        evidence: one entry for each engine that was asked, the deciding one first.
        trace: the counterexample on the size where it is shown, replayed; `whole` adds what follows it.
        notes: what a reader should know besides the verdict, one sentence each.
        vacuous: what never happens in the design, so that a pass says less than it seems, one sentence each.
        one_sided: what the guards of steps ask for and always get, or never: information.
        lemmas: invariants of the user that the proof rests on, and proves, as `rules.py:name`.
        meaning: what the property says, its docstring.
        proof: what a parametric proof left behind (an invariant), or None.
        problem: what was asked, at the size of the search; None where it was no question about one design's states.
    """

    design: str
    property: str
    verdict: Verdict
    scope: Mapping[str, int | str]
    program: Program
    evidence: tuple[Evidence, ...] = ()
    story: Story | None = None
    trace: Trace | None = None
    whole: Trace | None = None
    notes: tuple[str, ...] = ()
    vacuous: tuple[str, ...] = ()
    one_sided: tuple[str, ...] = ()
    proof: Any = None
    spec: str = ""
    lemmas: tuple[str, ...] = ()
    meaning: str = ""
    problem: Problem | None = field(default=None, compare=False)

    def assert_proved(self) -> None:
        """Return where the property was proved for the stated scope.

        Raises:
            AssertionError: it was refuted, and the message has the counterexample; or it is undetermined, and the
                message has the reason. The message is what the command prints.
        """
        __tracebackhide__ = True  # pytest shows the line of the test, not this one
        if not isinstance(self.verdict, Proved):
            raise AssertionError(self._not_as("proved"))

    def assert_refuted(self, moves: int | None = None) -> None:
        """Return where a run violates the property.

        Args:
            moves: how many moves the counterexample has; None accepts any number.

        Raises:
            AssertionError: it was proved or is undetermined, or its counterexample has another number of moves. The
                message is what the command prints.
        """
        __tracebackhide__ = True
        if not isinstance(self.verdict, Refuted):
            raise AssertionError(self._not_as("refuted"))
        if moves not in (None, self._moves()):
            raise AssertionError(self._not_as(f"refuted in {plural(moves, 'move')}"))

    def _moves(self) -> int | None:
        """The length of the counterexample; None where there is none, as of what never happens."""
        return len(self.trace) if self.trace else None

    def _not_as(self, expected: str) -> str:
        moves = self._moves()
        found = self.verdict.word if moves is None else f"{self.verdict.word} in {plural(moves, 'move')}"
        return f"{self.design} {self.property}: {found}, expected {expected}\n\n{self}"

    def __str__(self) -> str:
        begin = f"{self.design}  {self.property}  "
        lines = [line.plain for line in self.verdict_lines(begin)]
        return "\n".join([*lines, *self._story()])

    def __repr__(self) -> str:
        return f"<Result {self.design} {self.property}: {self.verdict.word}, {self.claim()}>"

    def claim(self) -> str:
        """What the verdict speaks of: `any number of pages and clients`, `10 moves, 1 page, 2 clients`."""
        from model.verify.result_text import scope

        if isinstance(self.verdict, Refuted) and self.story:
            return self.story.size
        said = scope(self.scope)
        return f"{said}: {self.verdict.reason}" if isinstance(self.verdict, Undetermined) else said

    def told(self) -> list[str]:
        """The claim, and the size that was searched where it is another: `shortest: 8 moves, …;`, `searched: 2 pages`.

        What was searched in part only is not said here.
        """
        from model.verify.result_text import scope

        claim = f"shortest: {self.claim()}" if self.trace is not None else self.claim()
        searched = [scope(e.scope) for e in self.evidence if e.verdict.conclusive and "any" not in e.scope.values()]
        if not searched or isinstance(self.verdict, Undetermined) or claim.endswith(searched[0]):
            return [claim]
        return [f"{claim};", f"searched: {searched[0]}"]

    def verdict_lines(
        self, begin: str, *, width: int = WIDTH, verbose: bool = False, quiet: bool = False, column: int = 0
    ) -> Iterator[Text]:
        """The verdict behind `begin`, which names the question; below it what was searched, and notes.

        Args:
            width: columns to break lines at.
            verbose: also what every engine did, with seconds, and what guards ask for in vain.
            quiet: the verdict and the notes only.
            column: how wide the column of verdicts is, where there are several.
        """
        from rich.text import Text

        from model.printing.lines import packed, verdict, wrapped
        from model.verify.result_text import LOUD

        line = Text(begin) + verdict(self.verdict.word, f"{self.verdict.word}  ".ljust(column))
        yield from packed(self.told(), width, line, len(line), gap=1)
        covered = not quiet and (verbose or isinstance(self.verdict, Undetermined))
        for searched in self._searched(verbose) if covered else ():
            yield from wrapped(Text(" " * 6 + searched), width, 8)
        for note in self.notes:
            yield from wrapped(Text(" " * 6 + note, "bold yellow" if note.startswith(LOUD) else ""), width, 8)
        for sentence in self.one_sided if verbose else ():
            yield from wrapped(Text(" " * 6 + f"guard: {sentence}"), width, 8)

    def _searched(self, verbose: bool) -> Iterator[str]:
        for evidence in self.evidence:
            if evidence.verdict.states or verbose:
                time = f" [{evidence.verdict.seconds:.2f} s]" if verbose else ""
                yield evidence.sentence(why=evidence is not self.evidence[0]) + time

    def _story(self) -> Iterator[str]:
        from model.verify.result_text import story

        if self.story:
            yield ""
            yield from (line.plain for line in story(self.story, width=WIDTH))


def sizes_for(program: Program, given: Mapping[str, int]) -> dict[str, int]:
    """The given sizes that the design has a sort for; the guest is always one."""
    used = used_sorts(program)
    return {s: n for s, n in given.items() if s in used or (s == SIZE and program.buffer)}


def finite_scope(instance: Instance) -> dict[str, int | str]:
    """{"pages": 2, "clients": 2}"""
    counts: dict[str, int | str] = {"pages": instance.pages}
    return counts | {counted(s): n for s, n in (instance.scope_sizes | instance.buffer_size).items()}


def any_scope(instance: Instance, fixed: Mapping[str, int] | None = None) -> dict[str, int | str]:
    """{"pages": "any", "clients": "any", "markers": 1}: what a proof speaks of.

    Sorts with a size of their own keep it, as do store buffers, and `fixed` ones of this proof.
    """
    found: dict[str, int | str] = dict.fromkeys(finite_scope(instance), "any")
    held = {**instance.fixed_sizes, **instance.buffer_size, **(fixed or {})}
    return found | {counted(s): n for s, n in held.items()}


def counted(sort: str) -> str:
    """What a scope calls the number of elements of a sort: `clients`, `mainloops`."""
    return f"{sort.lower()}s"
