"""Results as text for a terminal: the table of verdicts, the counterexamples, the recorded steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.text import Text

from model.expr import Client, Guest, is_register, show
from model.printing.lines import wrapped
from model.printing.tables import Row, table
from model.program.program import Program
from model.program.step import Step
from model.verdict import Proved
from model.verify.narration import Story
from model.verify.result import Result
from model.verify.result_text import scope, story
from model.verify.taken import Taken, steps_taken
from reports.clauses import glossary, plain


def results(
    found: Sequence[Result],
    *,
    width: int,
    verbose: bool = False,
    quiet: bool = False,
    stories: Iterable[Result] = (),
) -> Iterator[Text]:
    """The table of verdicts, then the stories of those results that are asked for.

    Args:
        width: columns of the terminal.
        verbose: also what every engine said, with seconds, and the lines of the design below each move.
        quiet: verdicts and notes only.
    """
    yield from verdicts(found, width=width, verbose=verbose, quiet=quiet)
    if verbose and not quiet:
        yield from counts(found, width=width)
    told: list[tuple[Result, Story]] = []
    for result in stories:
        if not result.story:
            continue
        yield Text()
        same = next((r for r, s in told if r.design == result.design and _same_run(s, result.story)), None)
        if same:
            text = f"{result.story.title}: the run above, after move {len(result.story.lines)}."
            yield from wrapped(Text(text, "bold"), width, 2)
            continue
        told.append((result, result.story))
        yield from story(result.story, width=width, code=verbose)


def counts(found: Sequence[Result], *, width: int) -> Iterator[Text]:
    """How often each step was taken, a table for each result; one for the questions that have the same counts."""
    alike: list[tuple[str, list[str], Taken]] = []
    for result in found:
        counted = steps_taken(result)
        if counted is None:
            continue
        same = [names for design, names, taken in alike if (design, taken) == (result.design, counted)]
        if same:
            same[0].append(result.property)
        else:
            alike.append((result.design, [result.property], counted))
    for design, names, taken in alike:
        yield Text()
        yield from wrapped(Text(f"Steps of {design}, for {' and '.join(names)}: {taken.sentence()}", "bold"), width, 2)
        rows = [Row((label, _count(times))) for label, times in taken.counts.items()]
        yield from table(("step", "taken"), rows, width, 2) if rows else ()


def _count(times: int) -> Text:
    """A step that is never taken is not overlooked."""
    return Text(f"{times:,}", "" if times else "bold yellow")


def _same_run(told: Story, other: Story) -> bool:
    """The moves of the other story, with what follows a broken promise, are those of the first."""
    return [m.text for m in told.lines] == [m.text for m in (*other.lines, *other.tail)]


def verdicts(found: Sequence[Result], *, width: int, verbose: bool, quiet: bool) -> Iterator[Text]:
    """One row per result: design, property, verdict and its scope; below it what was searched, and notes."""
    first = max((len(r.design) for r in found), default=0) + 2
    second = max((len(r.property) for r in found), default=0) + 2
    third = max((len(r.verdict.word) for r in found), default=0) + 2
    last = ""
    for result in found:
        name = "" if result.design == last else result.design
        last = result.design
        begin = f"{name:{first}}{result.property:{second}}"
        yield from result.verdict_lines(begin, width=width, verbose=verbose, quiet=quiet, column=third)


# ---------------------------------------------------------------- proofs


def explanations(found: Iterable[tuple[Result, Program]], *, width: int) -> Iterator[Text]:
    """The invariant of each proof for any number: one clause per line, with the steps that need it, and its words.

    Args:
        found: each result with the program that was asked, what its property adds included.
    """
    for result, program in found:
        if not isinstance(result.verdict, Proved):
            continue
        yield Text()
        yield Text(f"Why {result.design} keeps {result.property}, for {scope(result.scope)}:", "bold")
        clauses = getattr(result.proof, "conjuncts", None)
        if clauses is None:
            yield from wrapped("  no invariant: every state of this size was visited.", width, 2)
            continue
        yield from wrapped("  At the start, and after every step of every thread:", width, 2)
        for number, clause in enumerate(clauses, 1):
            yield from wrapped(f"  {number:2}. {plain(clause.text)}", width, 6)
            yield from wrapped(f"      needed for {', '.join(clause.needed_by)}", width, 8)
        yield from wrapped("  The words:", width, 2)
        for word, meaning in glossary(program, [clause.text for clause in clauses]):
            yield from wrapped(f"    {word}: {meaning}", width, 6)


def cutoffs(found: Iterable[tuple[Result, str, int]], *, width: int) -> Iterator[Text]:
    """Whether one page decides for any number of pages, question by question (docs/proofs.md has the theorem)."""
    for result, reason, conditions in found:
        yield Text()
        about = f"Pages in {result.design}, for {result.property}"
        if reason:
            yield from wrapped(f"{about}: one page does not decide for all: {reason}.", width, 2)
        else:
            told = f"they are independent, by {conditions} side conditions that z3 proved: where one page of a design "
            told += "that may also leave it out of every choice is safe, any number of pages is (docs/proofs.md)"
            yield from wrapped(f"{about}: {told}.", width, 2)


# ---------------------------------------------------------------- --show and --list


def steps(program: Program, *, width: int) -> Iterator[Text]:
    """The recorded atomic steps of a design: what each waits for and what it changes."""
    yield from wrapped(Text(f"{program.name}: {first_sentence(program.doc)}", "bold"), width, 2)
    for variable in program.variables:
        if variable.role == "part":
            per = f" per {variable.per.name}" if variable.per else ""
            starts = show(variable.initial)
            start = "" if starts in ("NONE", "FALSE") else f"; starts {starts}"
            yield from wrapped(Text(f"  {variable.name}{per}: {variable.doc}{start}"), width, 6)
    for lock in program.locks:
        yield from wrapped(Text(f"  {lock.name} (lock): {lock.doc}"), width, 6)
    for step in program.steps:
        yield Text()
        by = program.sorts[step.by].call(0) if step.by == Guest.name else step.by
        who = "" if step.by == Client.name else f" by {by}"
        params = f"({', '.join(_param(p) for p in step.params)})" if step.params else ""
        yield Text(f"{step.label}{params}{who}", "bold")
        for row in formulas(step):
            yield from wrapped(Text(f"  {row}"), width, 6)


def _param(param: object) -> str:
    kinds = {"some": "some pages", "any": "any pages", "page": "one page", "truth": "yes or no"}
    return f"{param.name}: {kinds.get(param.kind) or param.sort}"  # type: ignore[attr-defined]


def formulas(step: Step) -> list[str]:
    """A step in plain formulas: locks, guards, new values."""
    rows = [f"takes  {held}" for held in step.takes]
    rows += [f"waits  {show(guard)}" for guard in step.guards]
    for update in step.updates:
        target = update.variable
        if update.index is not None and not is_register(target):
            target += f"[{update.index}]"
        rows.append(f"{target} := {show(update.value)}")
    return rows + [f"frees  {held}" for held in step.frees]


def first_sentence(doc: str) -> str:
    """The first line of a docstring, without its full stop."""
    return doc.strip().split("\n")[0].rstrip(".") if doc.strip() else ""


def listing(groups: Mapping[str, Mapping[str, str]], *, width: int) -> Iterator[Text]:
    """What each group has, one per line with what is said of it; a group without entries is left out."""
    fresh = True
    for title, entries in groups.items():
        if not entries:
            continue
        yield from [Text()] * (not fresh)
        fresh = False
        yield from wrapped(title, width, style="bold")
        yield from table((), list(entries.items()), width, 2)
