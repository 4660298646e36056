"""Cubicle: the protocol that views decide, for any number of pages and processes, as an array-based transition system.

Each process is a `proc`. What it has of its own is an array over them, the rest are global variables; a transition is
one rule with one choice of pages. Where several kinds of thread may be any number, an array that nothing constrains at
the start says which kind each process is.

Source: Conchon, Goel, Krstic, Mebsout, Zaidi: "Cubicle: A Parallel SMT-Based Model Checker for Parameterized Systems",
CAV 2012; lexer.mll and parser.mly of github.com/cubicle-model-checker/cubicle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from textwrap import wrap

from model.errors import CannotSay, TooWide
from model.export.cubicle_words import Words, sort_of
from model.export.diagram import FALSE, TRUE, Cube, Diagrams, Node
from model.export.problem import Claim, first_line, plain
from model.expr import TRUE as ALWAYS
from model.expr import Expr
from model.expr.algebra import fold
from model.instance.state import Field
from model.parametric.views import scenes
from model.parametric.views.codegen import roles
from model.parametric.views.one_page import one_page
from model.parametric.views.protocol import Protocol, protocol
from model.parametric.views.registers import forgetful
from model.parametric.views.rule import Key, Rule
from model.parametric.views.table import Safe
from model.verdict import Proved, Refuted

MOST = 5_000  # transitions
BYSTANDER = "z"


def text(claim: Claim) -> str:
    """The claim as a Cubicle model; the number of pages and of processes is any.

    Raises:
        CannotSay: the design is outside of the fragment; the message says what would have to change.
        TooWide: it has more transitions than a file should.
    """
    single = one_page(claim.instance.program, [claim.invariant])
    if single.larger:
        raise CannotSay(
            f"{single.larger[0]}, and a Cubicle model has one page, which then could do what no number of pages can; "
            "--format promela and tla write whole pages"
        )
    program = forgetful(single.program, [claim.invariant])
    return "\n".join(_Model(claim, protocol(program, [claim.invariant])).lines()) + "\n"


@dataclass(frozen=True)
class _Choice:
    """A rule with its pages chosen, and the words for what it speaks of.

    Attributes:
        procs: the variable of each role.
        guards: what it asks for.
    """

    rule: Rule
    pages: dict[str, int]
    procs: tuple[str, ...]
    where: dict[Key, str]
    guards: Node


class _Model(Words):
    def __init__(self, claim: Claim, made: Protocol) -> None:
        super().__init__(made)
        self.claim = claim
        self.diagrams = Diagrams()
        self.refuse()

    def refuse(self) -> None:
        """Raises CannotSay where some field is no bit of the one page and no place."""
        wide = [f for f in self.fields if f.width > 1 and f.role != "location"]
        if wide or self.instance.pages != 1:
            what = f"{wide[0].name} has several bits" if wide else "its pages belong together in groups"
            raise CannotSay(f"{self.claim.design}: {what}; Cubicle is given one page, of which each set is one bit")

    def kind_of(self, who: str, sort: str) -> list[str]:
        """That a process is of that kind, where there are several."""
        return [f"{self.large['kind']}[{who}] = {self.large['kind', sort]}"] if len(self.sorts) > 1 else []

    # -- rules

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        found = scenes.rules(self.made)
        asking = [r for r in found if any(e is not ALWAYS for e in r.others.values())]
        if asking:
            raise CannotSay(
                f"{asking[0].label} asks something of every {'/'.join(asking[0].others).lower()} at once, and Cubicle "
                "lets those who stand in the way of such a guard vanish; keep what it asks for in a shared part"
            )
        return found

    @cached_property
    def violations(self) -> tuple[Rule, ...]:
        return scenes.violations(self.made)

    @cached_property
    def choices(self) -> list[_Choice]:
        """Every rule with every choice of pages that it allows."""
        return [c for r in self.rules for c in self._chosen(r) if c.guards != FALSE]

    def _chosen(self, rule: Rule) -> Iterator[_Choice]:
        procs = tuple(f"p{n}" if n else "me" for n in range(len(rule.roles)))
        where = self._where(rule, procs)
        for bits in product((0, 1), repeat=len(rule.pages)):
            pages = dict(zip(rule.pages, bits, strict=True))
            yield _Choice(rule, pages, procs, where, self._guards(rule, where, pages))

    def _where(self, rule: Rule, procs: Sequence[str]) -> dict[Key, str]:
        """How each value is written: `Cache`, `User[me]`, and `User[z]` of a bystander."""
        where = {f.key: self.large["global", f.key] for f in self.made.layout.shared}
        who = [(s, self.made.cast.other(s), BYSTANDER) for s in self.sorts]
        who += [(s, number, procs[n]) for n, s, number in roles(self.made, rule)]
        for sort, number, proc in who:
            where |= {(f.name, number): self._own(sort, f.name, proc) for f in self.made.layout.local[sort]}
        return where

    def _own(self, sort: str, name: str, proc: str) -> str:
        return f"{self.large['array', sort, name]}[{proc}]"

    def _guards(self, rule: Rule, where: dict[Key, str], pages: dict[str, int]) -> Node:
        found = TRUE
        if rule.source is not None:
            found = self._is_at(rule.source[0], where, [rule.source[1]])
        for guard in rule.guards:
            found = self.diagrams.both(found, self._value(guard, where, pages))
        return found

    def _value(self, e: Expr, where: dict[Key, str], pages: dict[str, int]) -> Node:
        def leaf(x: Expr) -> Node | None:
            match x.op:
                case "field":
                    return self.diagrams.question((where[x.args], "True"))
                case "located":
                    return self._is_at(x.args[:2], where, x.args[2])
                case "param":
                    return pages.get(x.args[0])
            return None

        return int(fold(e, self.diagrams.table, leaf))

    def _is_at(self, key: Key, where: dict[Key, str], codes: Sequence[int]) -> Node:
        sort, found = sort_of(key[0]), FALSE
        for code in sorted(codes):
            here = self.diagrams.question((where[key], self.large["place", sort, code]))
            found = self.diagrams.either(found, here)
        return found

    # -- text

    def cubes(self, a: Node) -> list[str]:
        """Conjunctions one of which holds where `a` does."""
        return [said for cube in self.diagrams.cubes(a) if (said := _conjunction(cube)) is not None]

    def lines(self) -> Iterator[str]:
        yield "(*"
        yield from (f"  {line}".rstrip() for line in self._header())
        yield "*)"
        yield ""
        yield from self._declared()
        yield ""
        yield f"init{f' ({BYSTANDER})' if self.sorts else ''} {{ {' && '.join(self._start())} }}"
        unsafe = list(self._unsafe())
        if not unsafe:
            raise CannotSay(
                f"{self.claim.rule.name} holds of every state there could be: nothing for Cubicle to look for"
            )
        yield from unsafe
        made = [t for choice in self.choices for t in self._transitions(choice)]
        if len(made) > MOST:
            raise TooWide(f"{self.claim.design} has {len(made):,} transitions for Cubicle; more than {MOST:,}.")
        for name, (choice, asked, updates) in zip(self.transitions([c.rule for c, *_ in made]), made, strict=True):
            yield from ("", f"transition {name} ({' '.join(choice.procs)})")
            if asked:
                yield f"requires {{ {asked} }}"
            yield from ("{", *(f"  {update};" for update in updates), "}")

    def _header(self) -> Iterator[str]:
        claim = self.claim
        claims = [
            f"{claim.design}: {first_line(claim.program.doc)}",
            f"{claim.rule.name}: {claim.rule.summary}",
            f"For any number of pages and {_listed([s.lower() for s in self.sorts])}; one page is looked at. "
            f"Expected: {self._expected()}.",
            "SAFE is a proof. UNSAFE is a violation on the one page; where a choice leaves it out, a run of the design "
            "needs another page to choose.",
        ]
        yield from (line for c in claims for line in wrap(plain(c), 100, subsequent_indent="  "))
        yield from ("Run:", "  cubicle model.cub", f"Design: sha256 {claim.program.digest}")

    def _expected(self) -> str:
        """SAFE only where what was proved is for any number, as what Cubicle is asked."""
        found = self.claim.expected
        any_number = (
            isinstance(found, Proved)
            and isinstance(found.detail, Safe)
            and not (found.detail.sizes or found.detail.whole)
        )
        return "SAFE" if any_number else "UNSAFE" if isinstance(found, Refuted) else "not known"

    def _declared(self) -> Iterator[str]:
        for sort in self.placed:
            places = [self.large["place", sort, c] for c in range(self.places(sort))]
            yield f"type {self.types[sort]} = {' | '.join(places)}"
        if len(self.sorts) > 1:
            yield f"type {self.types['kind']} = {' | '.join(self.large['kind', s] for s in self.sorts)}"
        yield from (f"var {self.large['global', f.key]} : {self.type_of(f)}" for f in self.made.layout.shared)
        if len(self.sorts) > 1:
            yield f"array {self.large['kind']}[proc] : {self.types['kind']}"
        for sort in self.sorts:
            for f in self.made.layout.local[sort]:
                yield f"array {self.large['array', sort, f.name]}[proc] : {self.type_of(f)}"

    def _start(self) -> Iterator[str]:
        """Each value; which kind a process is stays open."""
        shared = [(self.large["global", f.key], f) for f in self.made.layout.shared]
        own = [(self._own(s, f.name, BYSTANDER), f) for s in self.sorts for f in self.made.layout.local[s]]
        yield from (f"{word} = {self.constant(f, f.initial)}" for word, f in (*shared, *own))

    def _unsafe(self) -> Iterator[str]:
        for rule in self.violations:
            (choice,) = self._chosen(rule)  # nobody chooses pages
            kinds = [k for p, s in zip(choice.procs, rule.roles, strict=True) for k in self.kind_of(p, s)]
            for cube in self.cubes(choice.guards):
                procs = f" ({' '.join(choice.procs)})" if choice.procs else ""
                yield f"unsafe{procs} {{ {' && '.join([*kinds, cube] if cube else kinds) or 'true'} }}"

    def _transitions(self, choice: _Choice) -> Iterator[tuple[_Choice, str, list[str]]]:
        """(choice, what is required, updates) for each way to meet the guards; nothing where nothing is changed."""
        kinds = [k for p, s in zip(choice.procs, choice.rule.roles, strict=True) for k in self.kind_of(p, s)]
        updates = [*self._globals(choice), *(u for s in self.sorts for u in self._arrays(choice, s))]
        if updates:
            for cube in self.cubes(choice.guards):
                yield choice, " && ".join([*kinds, cube] if cube else kinds), updates

    def _globals(self, choice: _Choice) -> Iterator[str]:
        for f in self.made.layout.shared:
            word = self.large["global", f.key]
            cases = self._cases(choice, f, f.key, [])
            if cases is not None:
                only = cases[0].removeprefix(_case([], ""))
                yield f"{word} := {only}" if len(cases) == 1 else f"{word} := case {' '.join(cases)}"

    def _arrays(self, choice: _Choice, sort: str) -> Iterator[str]:
        """New values of what processes of that kind have: of those that take part, and of all others."""
        mine = [(number, choice.procs[n]) for n, s, number in roles(self.made, choice.rule) if s == sort]
        for f in self.made.layout.local[sort]:
            cases, changed = [], False
            for number, proc in (*mine, (self.made.cast.other(sort), None)):
                own = [f"{BYSTANDER} = {proc}"] if proc else []
                found = self._cases(choice, f, (f.name, number), own)
                changed |= found is not None
                kept = _case(own, self._own(sort, f.name, BYSTANDER))
                cases += [kept] if found is None else found
            if changed:
                yield f"{self._own(sort, f.name, BYSTANDER)} := case {' '.join(cases)}"

    def _cases(self, choice: _Choice, f: Field, key: Key, own: list[str]) -> list[str] | None:
        """What the value becomes, as cases of which the first that holds counts; None where it stays."""
        new = choice.rule.updates.get(key)
        if new is None:
            return None
        if f.role == "location":
            if new.op != "place":
                raise CannotSay(f"{choice.rule.label} goes to a place that depends on the state: {new!r}")
            return [_case(own, self.constant(f, new.args[0]))]
        value = self._value(new, choice.where, choice.pages)
        if value == self.diagrams.question((choice.where[key], "True")):
            return None
        if value <= TRUE:
            return [_case(own, str(bool(value)))]
        return [*(_case([*own, cube], "True") for cube in self.cubes(value)), _case(own, "False")]


def _case(conditions: Sequence[str], value: str) -> str:
    return f"| {' && '.join(conditions) or '_'} : {value}"


def _conjunction(cube: Cube) -> str | None:
    """The literals of it; None where a process would be at two places."""
    asked: list[tuple[str, str, bool]] = [(*name, yes) for name, yes in cube.items()]  # type: ignore[misc]
    places = {left: right for left, right, yes in asked if yes and right != "True"}
    if any(yes and places.get(left, right) != right for left, right, yes in asked):
        return None
    said = [(left, right, yes) for left, right, yes in asked if yes or left not in places]
    return " && ".join(_literal(*literal) for literal in said)


def _literal(left: str, right: str, yes: bool) -> str:
    if right == "True":
        return f"{left} = {yes}"
    return f"{left} {'=' if yes else '<>'} {right}"


def _listed(words: Sequence[str]) -> str:
    return "no other kind of thread" if not words else f"{' and '.join(words)} threads"


__all__ = ["text"]
