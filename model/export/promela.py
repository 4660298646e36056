"""Promela: one process that takes the moves of a finite instance, each in one d_step, so that Spin stores our states.

Fields are `unsigned x : bits`. The property is asserted in a move of its own that is possible where it fails, so that
the initial state is checked too and a safe design gets no transition more.

Source: Holzmann, "The SPIN Model Checker", 2003, chapter 3; spinroot.com/spin/Man/d_step.html, hidden.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from model.errors import TooWide
from model.export.identifiers import field_word, place_word, step_word, thread_word, unique
from model.export.problem import Claim, header, paragraphs, plain
from model.export.reserved import PROMELA, PROMELA_LIKE, C
from model.expr import Expr, walk
from model.expr.algebra import fold, promela
from model.instance.ground_step import GroundStep
from model.instance.instance import Instance

WIDEST, MOST = 31, 20_000  # bits of an `unsigned`; moves that the compiler of `pan` still takes
RESERVED = (*PROMELA, *C)
TOLD = 400  # characters that a move prints; Spin 6.5 overflows a buffer where a string has a few thousand


def text(claim: Claim) -> str:
    """The claim as a Promela model.

    Raises:
        TooWide: more pages than an `unsigned` has bits, or more moves than `pan` can be compiled with.
        CannotSay: the design uses an operator that has no row in the table.
    """
    fits(claim)
    return "\n".join(Model(claim).lines()) + "\n"


def fits(claim: Claim) -> None:
    """Refuse what Spin cannot take.

    Raises:
        TooWide: more pages than an `unsigned` has bits, or more moves than `pan` can be compiled with.
    """
    instance = claim.instance
    widest = max(f.width for f in instance.fields)
    if widest > WIDEST:
        raise TooWide(f"Promela's unsigned has at most {WIDEST} bits, and a field of {claim.design} has {widest}.")
    if instance.pages > 12 or len(instance.moves) > MOST:
        raise TooWide(f"{claim.design} has more than {MOST:,} moves at {instance.pages} pages: too many for Spin.")


class Model:
    """The text of a claim, part by part; `model.export.ltl` writes other parts around the same moves."""

    def __init__(self, claim: Claim) -> None:
        self.claim, self.instance = claim, claim.instance
        self.table = promela(self.instance.pages)

    def lines(self) -> Iterator[str]:
        yield from paragraphs(
            self._header(),
            [*self._places(), *self._variables()],
            [*self._property(), *self._saved()],
            *self._inlines(),
            self._process(),
        )

    @cached_property
    def orders(self) -> list[Order]:
        """Of each step, in which order it assigns."""
        return [ordered(self.instance, ground) for ground in self.instance.steps]

    def _inlines(self) -> Iterator[Iterable[str]]:
        for number, (ground, order) in enumerate(zip(self.instance.steps, self.orders, strict=True)):
            yield self._inline(number, ground, order)

    # -- names

    @cached_property
    def names(self) -> dict[object, str]:
        """Identifiers: of fields by their key, of locations by (sort, code), of ground steps by number, and others."""
        return unique(self._wanted(), RESERVED, like=PROMELA_LIKE)

    def _wanted(self) -> dict[object, str]:
        instance = self.instance
        wanted: dict[object, str] = {f.key: field_word(instance, f) for f in instance.fields}
        places = [(s, c) for s, codes in instance.codes.items() for c in range(1, len(codes))]
        wanted |= {("place", s, c): place_word(instance, s, c) for s, c in places}
        wanted |= {i: step_word(instance, g) for i, g in enumerate(instance.steps)}
        wanted |= {("param", p.name): p.name for g in instance.steps for p in g.params}
        numbers = [n for n, _ in self.claim.cases if n is not None]
        wanted |= {("case", n): f"{self.claim.rule.name} {self._whose(n)}" for n in numbers}
        wanted["holds"] = self.claim.rule.name
        return wanted | {("was", f.key): f"was_{field_word(instance, f)}" for f in instance.fields}

    def _whose(self, number: int | None) -> str:
        each = self.claim.invariant.each
        return self.instance.program.sorts[each.sort].call(number or 0) if each else ""

    def place(self, sort: str, code: int) -> str:
        return self.names["place", sort, code] if code else "idle"

    # -- parts of the text

    def _header(self) -> Iterator[str]:
        claim, file = self.claim, "model.pml"
        commands = [
            f"spin -o2 -a {file} && gcc -O2 -DSAFETY -o pan pan.c && ./pan -m2000000",
            f"spin -t {file}                 # tells the run that was found; gcc -DBFS finds a shortest one",
        ]
        remarks = (
            "pan exits 0 also where it finds a violation: read its line `errors:`.",
            "-o2 keeps variables that nothing reads, so that states are counted as we count them.",
        )
        yield "/*"
        yield from (f" * {line}".rstrip() for line in header(claim, commands, *remarks))
        yield " */"

    def _places(self) -> Iterator[str]:
        if any(len(codes) > 1 for codes in self.instance.codes.values()):
            yield "#define idle 0"
        for sort, codes in self.instance.codes.items():
            yield from (f"#define {self.place(sort, code)} {code}" for code in range(1, len(codes)))

    def _variables(self) -> Iterator[str]:
        for field in self.instance.fields:
            start = f" = {field.initial}" if field.initial else ""
            declared = f"unsigned {self.names[field.key]} : {field.width}{start};"
            doc = self.instance.program.variable[field.name].doc if field.role != "location" else ""
            yield f"{declared:<40} /* {plain(doc)} */" if doc and not field.number else declared

    def _property(self) -> Iterator[str]:
        cases = self.claim.cases
        for number, case in cases:
            if number is not None:
                yield f"#define {self.names['case', number]} {self.text(case)}"
        whole = [self.names["case", n] if n is not None else self.text(case) for n, case in cases]
        yield f"#define {self.names['holds']} ({' && '.join(whole) or '1'})"

    def _saved(self) -> Iterator[str]:
        """What some step has to remember while it overwrites it; not part of the state."""
        for i in sorted({i for order in self.orders for i in order.saved}):
            yield f"hidden unsigned {self.was(i)} : {self.instance.fields[i].width};"

    def _inline(self, number: int, ground: GroundStep, order: Order) -> Iterator[str]:
        params = [self.names["param", p.name] for p in ground.params]
        guards = [*self._permits(ground), *(self.text(g) for g in ground.guards)]
        new = dict(ground.updates)
        yield f"inline {self.names[number]}({', '.join(params)}) {{"
        yield f"  d_step {{ {' && '.join(guards) or 'true'} ->"
        yield from (f"    {self.was(i)} = {self.name(i)};" for i in order.saved)
        yield from (f"    {self.name(i)} = {self._value(new[i], i, order)};" for i in order.updates)
        yield "    " + ";\n    ".join([self._told(ground, params), *self._after(ground)])
        yield "  }"
        yield "}"

    def _value(self, new: Expr, position: int, order: Order) -> str:
        """A new value; only a conditional expression needs parentheses around the whole of it."""
        said = self.text(new, position, order.saved)
        return said if new.op == "choose" else bare(said)

    def _permits(self, ground: GroundStep) -> list[str]:
        """What else a step waits for."""
        return []

    def _after(self, ground: GroundStep) -> list[str]:
        """What else happens at the end of a step."""
        return []

    def _told(self, ground: GroundStep, params: list[str]) -> str:
        """What `spin -t` prints for the move."""
        told = plain(f"{ground.step.label} by {thread_word(self.instance, ground)}")[:TOLD].replace("%", "%%")
        if not params:
            return f'printf("{told}\\n")'
        return f'printf("{told}: {", ".join(f"{p} %d" for p in params)}\\n", {", ".join(params)})'

    def _process(self) -> Iterator[str]:
        holds = self.names["holds"]
        yield "active proctype next() {"
        yield "end:"
        yield "  do"
        yield f"  :: d_step {{ !{holds} -> assert({holds}) }}"
        yield from self._moves()
        yield "  od"
        yield "}"

    def _moves(self) -> Iterator[str]:
        numbers = {id(g): i for i, g in enumerate(self.instance.steps)}
        for move in self.instance.moves:
            values = ", ".join(str(move.arguments[p.name]) for p in move.ground.params)
            yield f"  :: {self.names[numbers[id(move.ground)]]}({values})"

    # -- expressions

    def name(self, position: int) -> str:
        return self.names[self.instance.fields[position].key]

    def was(self, position: int) -> str:
        return self.names["was", self.instance.fields[position].key]

    def text(self, expr: Expr, position: int | None = None, saved: tuple[int, ...] = ()) -> str:
        if expr.op == "place" and position is not None:
            return self.place(str(self.instance.fields[position].per), expr.args[0])
        return str(fold(expr, self.table, self.leaf(saved)))

    def leaf(
        self, saved: tuple[int, ...] = (), arguments: Mapping[str, int] | None = None
    ) -> Callable[[Expr], str | None]:
        """What is no operator; `arguments` gives parameters their values, else they stand by name."""
        kept = {self.instance.fields[i].key for i in saved}

        def leaf(e: Expr) -> str | None:
            match e.op:
                case "field":
                    return self.names["was", e.args] if e.args in kept else self.names[e.args]
                case "located":
                    field = self.instance.fields[self.instance.position[e.args[:2]]]
                    was = self.names["was", field.key] if field.key in kept else self.names[field.key]
                    places = [f"{was} == {self.place(str(field.per), c)}" for c in sorted(e.args[2])]
                    return f"({' || '.join(places)})"
                case "param":
                    name = e.args[0]
                    return self.names["param", name] if arguments is None else str(arguments[name])
            return None

        return leaf


def bare(text: str) -> str:
    """`text` without the parentheses around the whole of it."""
    depth = 0
    for i, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return text[1:-1] if sign == ")" and i == len(text) - 1 else text
    return text


# ---------------------------------------------------------------- simultaneous updates, one after another


@dataclass(frozen=True)
class Order:
    """In which order fields can be assigned, and which old values must be saved first.

    Attributes:
        updates: positions in the order of assignment.
        saved: positions whose value before the step is read after they are assigned.
    """

    updates: tuple[int, ...]
    saved: tuple[int, ...]


def ordered(instance: Instance, ground: GroundStep) -> Order:
    """Assign first what no other new value reads; where all are read, save one of them."""
    reads = {
        i: {instance.position[e.args] for e in walk(value) if e.op == "field"}
        | {instance.position[e.args[:2]] for e in walk(value) if e.op == "located"}
        for i, value in ground.updates
    }
    left, updates, saved = [i for i, _ in ground.updates], [], []  # type: ignore[var-annotated]
    while left:
        unread = [i for i in left if not any(i in reads[j] for j in left if j != i)]
        chosen = (unread or left)[0]
        if not unread:
            saved.append(chosen)
        left.remove(chosen)
        updates.append(chosen)
    return Order(tuple(updates), tuple(saved))
