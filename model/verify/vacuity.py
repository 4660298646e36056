"""What never happens in a design, so that a pass says less than it seems."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from model.designs.catalogue import DEFAULT_PROPERTIES, OWN_END
from model.errors import refusal
from model.expr import PAGES, TRUE, Expr, Property
from model.instance.problem import Problem
from model.program.observers import goals
from model.program.program import Program
from model.verdict import Undetermined
from model.verify.clauses import Clause, Literal, clauses, nobody_but
from model.verify.coverage import UNREAD, Coverage, Fact, coverage
from model.verify.never import at_any_size, says_nothing
from model.verify.result import Result, finite_scope
from model.verify.unused import unused_parts

SMALL = 300_000  # states up to which a happening is searched on the reference


@dataclass(frozen=True)
class Vacuity:
    """One thing that never happens.

    Attributes:
        text: a sentence.
        step: of steps, not of the property.
        label: what a note about it begins with.
        sure: the scope for which views exclude it; empty where a search of one size has not seen it.
        whole: nothing of the property is left without it: it would hold whatever else the design does.
    """

    text: str
    whole: bool = False
    step: bool = False
    sure: str = ""
    label: str = "vacuous"


@dataclass(frozen=True)
class Seen:
    """What never happens, and where it was looked for: with views for any size, or by a search at some."""

    never: tuple[Vacuity, ...] = ()
    where: str = ""


def looked(problem: Problem, any_size: bool = False) -> Seen:
    """What never happens, of the steps and of what the property is about, on a small instance and on the one asked for.

    A property is cut into clauses about one page. A clause holds vacuously where one of its literals always does (no
    flag `finished` is ever set), or where the rest of it always does, so that what is at stake (`unread`) is never
    asked for, or only before anything was read. Antecedent failure, in the words of the field.

    What was seen in a small instance is seen at any size. Of a proof for any number (`any_size`), what was not seen is
    put to views: what happens at a larger size is left out, and where views cannot say, the search is named.

    Source: I. Beer, S. Ben-David, C. Eisner, Y. Rodeh, "Efficient Detection of Vacuity in Temporal Model Checking",
    FMSD 18(2), 2001; O. Kupferman, M. Vardi, "Vacuity detection in temporal model checking", STTT 4(2), 2003.
    """
    from model.verify.result_text import scope

    idle = tuple(Vacuity(text, label="unused") for text in unused_parts(problem))
    free = problem.instance.free_sizes
    if not any(clauses(check.holds) for check in problem.checks) and says_nothing(problem):
        return Seen(
            (
                *idle,
                Vacuity("it holds of every state there could be, whatever the design does", whole=True),
            )
        )
    small = Pieces(problem.at(1, {s: min(n, 2) for s, n in free.items()}))
    if names := small.unwritten:
        return Seen(
            (
                *idle,
                Vacuity(f"no step changes {names}, and it speaks of nothing else", whole=True),
            )
        )
    missing, searched = small.missing, small.problem
    if missing.whole and not missing.nothing and (problem.pages, free) != (1, small.problem.free_sizes):
        large = Pieces(problem.at(problem.pages, free)).missing
        missing, searched = _in_both(missing, large), problem if large.whole else searched
    sure: Mapping[Hashable, str] = {}
    if any_size and not missing.nothing:
        found = at_any_size(small.problem, missing, small.together)
        missing, sure = found.missing, found.sure
    if not missing.whole:
        return Seen(idle)
    told = tuple(small.told(missing, sure))
    places = [
        f"views, for {v.sure}" if v.sure else f"a search at {scope(finite_scope(searched.instance))}" for v in told
    ]
    return Seen((*idle, *told), " and ".join(dict.fromkeys(places)))


def vacuous(problem: Problem) -> str:
    """Why nothing is left of what is asked, though it holds; empty where something is."""
    return "; ".join(v.text for v in looked(problem).never if v.whole)


def _in_both(small: Coverage, large: Coverage) -> Coverage:
    """What neither has seen; the small one alone decides where the large one has too many states."""
    if not large.whole:
        large = replace(large, whole=True)
    pairs = ((small.steps, large.steps), (small.flags, large.flags), (small.shrinks, large.shrinks))
    steps, flags, shrinks = (tuple(x for x in a if x in b) for a, b in pairs)
    return Coverage(steps, small.facts & large.facts, flags, small.whole, shrinks)


ORDER = ("always", "asked", "reads", "unread", "read")  # the plainest reason first
NOBODY_READS = "{who} can never read a page that was written, so nothing can be lost"
SENTENCES = {
    "asked": "no state is reached that it asks anything of for {who}",
    "reads": NOBODY_READS,
    "unread": NOBODY_READS,  # of a property of every state, which says something all the same
    "read": "{who} can never read a page that was written and then come to the end that it asks about",
}
Key = tuple[int | None, str, str]  # the element that the property speaks of, what it is about, the literal in question


class Pieces:
    """A property of an instance as clauses about one page, and what should be seen of each."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.instance = problem, problem.instance
        self.cases = {n: clauses(holds) for i in problem.invariants for n, holds in self.instance.cases(i)}

    @cached_property
    def together(self) -> Mapping[Hashable, tuple[Literal, ...]]:
        """Of the facts that speak of nothing but literals: those that come to hold together."""
        found: dict[Hashable, tuple[Literal, ...]] = {}
        for case, clause in ((case, c) for case, several in self.cases.items() for c in several if len(c) > 1):
            fails = {x: Literal(x.leaf, not x.positive) for x in clause}
            for literal in clause:
                found[case, "always", self.named(literal)] = (fails[literal],)
                found[case, "asked", self.named(literal)] = tuple(fails[x] for x in clause - {literal})
        return found

    @cached_property
    def facts(self) -> Mapping[Key, Fact]:
        """What should come to hold somewhere, by element and what it shows."""
        found: dict[Key, Fact] = {}
        for case, several in self.cases.items():
            for clause in several:
                found |= dict(self._of(case, clause))
        return found

    def _of(self, case: int | None, clause: Clause) -> Iterator[tuple[Key, Fact]]:
        """Each literal fails somewhere; what is unread is asked for, and is so after a page was read."""
        if len(clause) == 1:
            return  # `~blind`: what never happens is the claim itself
        for literal in clause:
            yield (case, "always", self.named(literal)), Fact(Literal(literal.leaf, not literal.positive).truth)
        for literal in clause:
            if literal.leaf.op == "field" and literal.leaf.args[0] == UNREAD and not literal.positive:
                rest = nobody_but(clause, literal)
                yield (case, "asked", self.named(literal)), Fact(rest)
                ends = any(other.leaf.sort != PAGES for other in clause)  # it speaks of an end, not of every state
                yield (case, "reads" if ends else "unread", self.named(literal)), Fact(TRUE, literal.leaf.args[1])
                if ends:
                    yield (case, "read", self.named(literal)), Fact(rest, literal.leaf.args[1])

    @cached_property
    def spoken_of(self) -> set[object]:
        """What the property itself is about: told apart, or the claim itself (`~aborted`)."""
        return {literal.leaf.args[0] for several in self.cases.values() for clause in several for literal in clause}

    @property
    def unwritten(self) -> str:
        """What the property speaks of, where no step writes any of it; empty where one does."""
        written = {name for step in self.problem.program.steps for name in step.writes}
        literals = [x for several in self.cases.values() for clause in several for x in clause]
        if not literals or any(x.leaf.op != "field" or x.leaf.args[0] in written for x in literals):
            return ""
        return " and ".join(sorted({str(x.leaf.args[0]) for x in literals}))

    @cached_property
    def missing(self) -> Coverage:
        return coverage(self.instance, self.facts)

    def told(self, missing: Coverage, sure: Mapping[Hashable, str]) -> Iterator[Vacuity]:
        """The sentences: of the property, whole where every element's clauses are idle; then of steps."""
        if missing.steps:
            where = "" if all(x in sure for x in missing.steps) else "at 1 page "
            text = f"{where}{', '.join(missing.steps)} can never be taken"
            yield Vacuity(text, step=True, sure=_common(sure, missing.steps))
        idle = {case: self._idle(case, missing) for case in self.cases if self.cases[case]}
        whole = bool(idle) and all(any(k[1] != "unread" for k in keys) for keys in idle.values())
        told: dict[str, list[Key]] = {}
        for keys in idle.values():
            for key in keys:
                told.setdefault(key[2] if key[1] == "always" else SENTENCES[key[1]], []).append(key)
        kept = [flag for flag in missing.flags if flag not in self.spoken_of]
        yield from (Vacuity(self._kept(flag), sure=_common(sure, [flag])) for flag in kept)
        if missing.shrinks and UNREAD in self.spoken_of:
            yield Vacuity("nothing that is done makes a page unread, so it asks only for what is unread at the start")
        for text, keys in told.items():
            who = " and ".join(dict.fromkeys(self._element(case) for case, _, _ in keys))
            said = text.format(who=who).replace("anybody can never", "nobody can ever")
            yield Vacuity(said, whole, sure=_common(sure, keys))

    def _idle(self, case: int | None, missing: Coverage) -> list[Key]:
        """Why the clauses of this element say nothing; nothing where one of them says something."""
        found = []
        for clause in self.cases[case]:
            keys = [key for key in dict(self._of(case, clause)) if key in missing.facts]
            if not keys:
                return []
            first = min((k[1] for k in keys), key=ORDER.index)
            found += [k for k in keys if k[1] == first]
        return found

    def _element(self, case: int | None) -> str:
        each = self.problem.invariants[0].each
        return self.problem.program.sorts[each.sort].call(case) if each and case is not None else "anybody"

    def _kept(self, flag: str) -> str:
        """What some step reads and never changes: its other side is dead, though no step is."""
        fields = [f for f in self.instance.fields if f.name == flag]
        full = bool(fields[0].initial)
        if fields[0].sort == PAGES:
            return f"{flag} is always {'full' if full else 'empty'}"
        return f"{flag} is {'always' if full else 'never'} set"

    def named(self, literal: Literal) -> str:
        """`finished is never set`: the literal as a sentence that says that it always holds."""
        name, always = self._leaf(literal.leaf), literal.positive
        if literal.leaf.op == "located":
            return f"{name} is {'always' if always else 'never'} at the place that the property speaks of"
        if literal.leaf.sort == PAGES:
            return f"{name} is always {'full' if always else 'empty'}"
        return f"{name} is {'always' if always else 'never'} set"

    def _leaf(self, leaf: Expr) -> str:
        name, number = leaf.args[:2]
        field = self.instance.fields[self.instance.position[name, number]]
        owner = self.problem.program.sorts[field.per].call(number) if field.per and number is not None else ""
        if leaf.op == "located":
            return owner
        return f"{name}[{owner}]" if owner else str(name)


def _common(sure: Mapping[Hashable, str], keys: Sequence[Hashable]) -> str:
    """The scope for which all of them are excluded."""
    return next(iter({sure.get(key, "") for key in keys})) if all(key in sure for key in keys) else ""


def applies_to(program: Program, property: Property) -> str:
    """Why the property cannot be asked of the recorded design, or an empty string."""
    return refusal(lambda: watches(program, property))


def watches(program: Program, property: Property) -> None:
    """Record the property; raises UsageError where it cannot be asked of the design."""
    if property.kind == "sometimes":
        goals(program, property, {})
    else:
        Problem.of(program, property)


def passed(proved: Result, seen: Seen, guards: tuple[str, ...] = ()) -> Result:
    """A pass with what never happens; of a question that is asked by default, no pass where nothing is left of it."""
    never = seen.never
    whole = "; ".join(v.text for v in never if v.whole)
    default = proved.property in (*DEFAULT_PROPERTIES, OWN_END)
    notes = [_note(v) for v in never if not (v.whole and default)]
    notes += [f"what never happens was looked for with {seen.where}"] * bool(seen.where)
    texts = tuple(v.text for v in never)
    found = replace(proved, vacuous=texts, one_sided=guards, notes=(*proved.notes, *notes))
    if not (whole and default):
        return found
    verdict = proved.verdict
    counts: dict[str, Any] = {"states": verdict.states, "depth": verdict.depth, "transitions": verdict.transitions}
    reason = f"holds vacuously: {whole}"
    return replace(found, verdict=Undetermined(**counts, engine=verdict.engine, seconds=verdict.seconds, reason=reason))


def _note(never: Vacuity) -> str:
    if never.whole:
        return f"vacuous: it holds vacuously: {never.text}"
    return f"{never.label}{' in part' if never.step else ''}: {never.text}"
