"""Results as text for a terminal: the table of verdicts, the counterexamples, the recorded steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap

from rich.text import Text

from model.expr import Property, show
from model.program.program import Program
from model.program.step import Step
from model.verdict import Proved, Refuted, Undetermined
from model.verify.narration import Line, Story, page_set, plural
from model.verify.result import Evidence, Result

LOUD = ("vacuous", "not asked", "deadlock")  # first words of notes that nobody may overlook
STYLE = {"proved": "bold green", "refuted": "bold red", "undetermined": "bold yellow"}


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
        verbose: also what every engine said, with seconds.
        quiet: verdicts and notes only.
    """
    yield from verdicts(found, width=width, verbose=verbose, quiet=quiet)
    told: list[tuple[Result, Story]] = []
    for result in stories:
        if not result.story:
            continue
        yield Text()
        same = next((r for r, s in told if r.design == result.design and _same_run(s, result.story)), None)
        if same:
            text = f"{result.story.title}: the run above, after move {len(result.story.lines)}."
            yield from _wrapped(Text(text, "bold"), width, 2)
            continue
        told.append((result, result.story))
        yield from story(result.story, width=width)


def _same_run(told: Story, other: Story) -> bool:
    """The moves of the other story, with what follows a broken promise, are those of the first."""
    return [m.text for m in told.lines] == [m.text for m in (*other.lines, *other.tail)]


def verdicts(found: Sequence[Result], *, width: int, verbose: bool, quiet: bool) -> Iterator[Text]:
    """One row a result: design, property, verdict and its scope; below it what was searched, and notes."""
    first = max((len(r.design) for r in found), default=0) + 2
    second = max((len(r.property) for r in found), default=0) + 2
    last = ""
    for result in found:
        name = "" if result.design == last else result.design
        last = result.design
        line = Text(f"{name:{first}}{result.property:{second}}")
        line.append(f"{result.verdict.word:14}", STYLE[result.verdict.word])
        line.append(claim(result))
        yield from _wrapped(line, width, first + second + 14)
        searched = () if quiet else _searched(result, verbose)
        for more in searched:
            yield from _wrapped(Text(" " * 6 + more), width, 8)
        for note in result.notes:
            yield from _wrapped(Text(" " * 6 + note, "bold yellow" if note.startswith(LOUD) else ""), width, 8)


def claim(result: Result) -> str:
    """What the verdict speaks of: `any number of pages and clients`, `10 moves, 1 page, 2 clients`."""
    if isinstance(result.verdict, Refuted):
        return result.story.size if result.story else scope(result.scope)
    if isinstance(result.verdict, Undetermined):
        return f"{scope(result.scope)}: {result.verdict.reason}"
    return scope(result.scope)


def scope(sizes: Mapping[str, int | str]) -> str:
    """`2 pages, 2 clients`, `any number of pages and clients`."""
    if "any" in sizes.values():
        fixed = [plural(int(n), s[:-1]) for s, n in sizes.items() if n != "any"]
        free = [s for s, n in sizes.items() if n == "any"]
        return ", ".join(["any number of " + " and ".join(free), *fixed])
    return ", ".join(plural(int(n), s[:-1]) for s, n in sizes.items())


def _searched(result: Result, verbose: bool) -> Iterator[str]:
    for evidence in result.evidence:
        if evidence.verdict.states or verbose:
            time = f" [{evidence.verdict.seconds:.2f} s]" if verbose else ""
            yield counted(evidence, why=evidence is not result.evidence[0]) + time


def counted(evidence: Evidence, *, why: bool = False) -> str:
    """`lanes: 1,403,799 states, depth 40 at 2 pages, 2 clients`; with `why`, also why a search was not finished."""
    verdict = evidence.verdict
    parts = [plural(verdict.states, "state")] if verdict.states else [verdict.word]
    if why and isinstance(verdict, Undetermined):
        parts[0] += f" ({verdict.reason})"
    if verdict.depth:
        parts.append(f"depth {verdict.depth}")
    return f"{evidence.engine}: {', '.join(parts)} at {scope(evidence.scope)}"


def _wrapped(line: Text, width: int, indent: int) -> Iterator[Text]:
    """The line, broken at spaces to the width, its continuation indented."""
    plain = line.plain
    if len(plain) <= width:
        yield line
        return
    start = len(plain) - len(plain.lstrip())
    pieces = wrap(plain.strip(), max(width - start, 30), subsequent_indent=" " * max(indent - start, 0))
    for i, piece in enumerate(pieces):
        text = Text(" " * start + piece)
        if i == 0:
            text.spans = [s for s in line.spans if s.end <= len(text)]
        yield text


# ---------------------------------------------------------------- counterexamples


def story(told: Story, *, width: int) -> Iterator[Text]:
    """Title, numbered moves with what they changed, and why."""
    if len(told.title) + len(told.size) + 4 <= width:
        yield Text(f"{told.title}{told.size:>{width - len(told.title)}}", "bold")
    else:
        yield from _wrapped(Text(told.title, "bold"), width, 2)
        yield Text(f"{told.size:>{width}}", "bold")
    everything = [*told.lines, *told.tail]
    left = max((len(line.text) for line in everything), default=0) + 2
    for line in told.lines:
        yield from _move(line, left, width)
    if told.tail:
        yield Text("    … and the write is lost:", "italic")
        for line in told.tail:
            yield from _move(line, left, width)
    if told.aftermath:
        yield from _paragraph(f"Then: {told.aftermath}.", width, 6)
    yield from _paragraph(why(told), width, 5)


def _move(line: Line, left: int, width: int) -> Iterator[Text]:
    head = f"{line.number:3} {line.text:{left}}"
    right = [*changes(line.changes), *line.notes]
    rows: list[str] = [""]
    for item in right:
        joined = f"{rows[-1]}  {item}" if rows[-1] else item
        if len(head) + len(joined) > width and rows[-1]:
            rows.append(item)
        else:
            rows[-1] = joined
    marked = any("is broken here" in note for note in line.notes)
    for i, row in enumerate(rows):
        yield Text(((head if i == 0 else " " * len(head)) + row).rstrip(), "red" if marked else "")


def changes(changed: Mapping[str, object]) -> list[str]:
    """`kernel {0}`, `unread MIGRATION {0}, VGA {0}`: one entry a part."""
    grouped: dict[str, list[str]] = {}
    for name, value in changed.items():
        part, _, owner = name.partition("[")
        shown = page_set(sum(1 << p for p in value)) if isinstance(value, list) else ("on" if value else "off")
        grouped.setdefault(part, []).append(f"{owner.rstrip(']')} {shown}".strip())
    return [f"{part} {', '.join(values)}" for part, values in grouped.items()]


def why(told: Story) -> str:
    """`Why: … ; …, because ….`"""
    return f"Why: {'; '.join(told.because)}." if told.because else ""


def _paragraph(text: str, width: int, indent: int) -> Iterator[Text]:
    for piece in wrap(text, width, subsequent_indent=" " * indent):
        yield Text(piece)


def explanations(found: Sequence[Result], *, width: int) -> Iterator[Text]:
    """The invariant of each proof for any number, a clause a line with the steps that need it."""
    for result in found:
        if not isinstance(result.verdict, Proved):
            continue
        yield Text()
        yield Text(f"Why {result.design} keeps {result.property}, for {scope(result.scope)}:", "bold")
        clauses = getattr(result.proof, "conjuncts", None)
        if clauses is None:
            yield from _paragraph("  no invariant: every state of this size was visited.", width, 2)
            continue
        yield from _paragraph("  At the start, and after every step of every thread:", width, 2)
        for number, clause in enumerate(clauses, 1):
            yield from _paragraph(f"  {number:2}. {clause.text}", width, 6)
            yield from _paragraph(f"      needed for {', '.join(clause.needed_by)}", width, 8)


def cutoffs(found: Iterable[tuple[Result, str, int]], *, width: int) -> Iterator[Text]:
    """Whether one page decides for any number of pages, question by question (docs/proofs.md has the theorem)."""
    for result, reason, conditions in found:
        yield Text()
        about = f"Pages in {result.design}, for {result.property}"
        if reason:
            yield from _paragraph(f"{about}: one page does not decide for all: {reason}.", width, 2)
        else:
            told = f"they are independent, by {conditions} side conditions that z3 proved: where one page of a design "
            told += "that may also leave it out of every choice is safe, any number of pages is (docs/proofs.md)"
            yield from _paragraph(f"{about}: {told}.", width, 2)


# ---------------------------------------------------------------- --show and --list


def steps(program: Program, *, width: int) -> Iterator[Text]:
    """The recorded atomic steps of a design: what each waits for and what it changes."""
    yield from _wrapped(Text(f"{program.name}: {first_sentence(program.doc)}", "bold"), width, 2)
    for variable in program.variables:
        if variable.role == "part":
            per = f" per {variable.per.name}" if variable.per else ""
            starts = show(variable.initial)
            start = "" if starts in ("NONE", "FALSE") else f"; starts {starts}"
            yield from _wrapped(Text(f"  {variable.name}{per}: {variable.doc}{start}"), width, 6)
    for lock in program.locks:
        yield from _wrapped(Text(f"  {lock.name} (lock): {lock.doc}"), width, 6)
    for step in program.steps:
        yield Text()
        who = "" if step.by == "Client" else f" by {program.sorts[step.by].call(0) if step.by == 'Guest' else step.by}"
        params = f"({', '.join(_param(p) for p in step.params)})" if step.params else ""
        yield Text(f"{step.label}{params}{who}", "bold")
        for row in formulas(step):
            yield from _wrapped(Text(f"  {row}"), width, 6)


def _param(param: object) -> str:
    kinds = {"some": "some pages", "any": "any pages", "page": "one page", "truth": "yes or no"}
    return f"{param.name}: {kinds.get(param.kind) or param.sort}"  # type: ignore[attr-defined]


def formulas(step: Step) -> list[str]:
    """A step in plain formulas: locks, guards, new values."""
    rows = [f"takes  {held}" for held in step.takes]
    rows += [f"waits  {show(guard)}" for guard in step.guards]
    for update in step.updates:
        target = update.variable
        if update.index is not None and not target.startswith("me."):
            target += f"[{update.index}]"
        rows.append(f"{target} := {show(update.value)}")
    return rows + [f"frees  {held}" for held in step.frees]


def first_sentence(doc: str) -> str:
    """The first line of a docstring, without its full stop."""
    return doc.strip().split("\n")[0].rstrip(".") if doc.strip() else ""


def listing(designs: Mapping[str, str], properties: Mapping[str, Property], *, width: int) -> Iterator[Text]:
    """Designs and properties, a line each."""
    rows = [("Designs", designs), ("Properties", {n: first_sentence(p.doc) for n, p in properties.items()})]
    for title, entries in rows:
        yield Text(title, "bold")
        left = max(len(n) for n in entries) + 4
        for name, doc in entries.items():
            yield from _wrapped(Text(f"  {name:{left - 2}}{doc}"), width, left)


__all__ = ["Proved", "results", "story", "verdicts"]
