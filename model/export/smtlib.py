"""SMT-LIB 2: can the finite instance violate the property within so many moves? `sat` is a counterexample.

A state is one bit-vector or Bool a field; `move` relates a state to the next for one of the recorded steps. One more
choice lets time pass without a move, so that "within k moves" is exact also where a run ends early.

Source: Barrett, Fontaine, Tinelli: "The SMT-LIB Standard, Version 2.6"; logic QF_BV.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

from model.export.identifiers import field_word, step_word, unique
from model.export.problem import Claim, header
from model.export.reserved import SMT, SMT_LIKE
from model.expr import TRUTH, Expr
from model.expr.algebra import fold, smtlib
from model.instance.ground_step import GroundStep
from model.instance.state import Field
from model.verdict import Proved, Refuted

DEPTH = 10  # moves where nobody says how many and no counterexample is known


def text(claim: Claim) -> str:
    """The bounded query as SMT-LIB 2, for `claim.depth` moves, else for those of the known counterexample.

    Raises:
        CannotSay: the design uses an operator that has no row in the table.
    """
    return "\n".join(_Query(claim).lines()) + "\n"


def bound(claim: Claim) -> int:
    """Moves that the query speaks of."""
    if claim.depth is not None:
        return claim.depth
    return claim.expected.depth if isinstance(claim.expected, Refuted) else DEPTH


class _Query:
    def __init__(self, claim: Claim) -> None:
        self.claim, self.instance, self.bound = claim, claim.instance, bound(claim)
        self.table = smtlib(claim.instance.pages)
        self.most = max((len(g.params) for g in self.instance.steps), default=0)
        self.chooser = max(1, len(self.instance.steps).bit_length())

    def lines(self) -> Iterator[str]:
        commands = ["z3 query.smt2", "cvc5 query.smt2"]
        remark = f"sat: violated within {self.bound} moves; unsat: not within {self.bound} moves, which proves no more."
        yield from (f"; {line}".rstrip() for line in header(self.claim, commands, remark))
        yield "(set-logic QF_BV)"
        yield f"(set-info :status {self.status()})"
        yield ""
        yield from self._init()
        yield ""
        yield from self._holds()
        for number, ground in enumerate(self.instance.steps):
            yield ""
            yield from self._step(number, ground)
        yield ""
        yield from self._move()
        yield ""
        yield from self._unrolled()
        yield "(check-sat)"

    def status(self) -> str:
        """What is known of the answer already."""
        expected = self.claim.expected
        if isinstance(expected, Refuted):
            return "sat" if self.bound >= expected.depth else "unsat"
        return "unsat" if isinstance(expected, Proved) else "unknown"

    # -- names and sorts

    @cached_property
    def names(self) -> dict[object, str]:
        wanted: dict[object, str] = {f.key: field_word(self.instance, f) for f in self.instance.fields}
        wanted |= {i: step_word(self.instance, g) for i, g in enumerate(self.instance.steps)}
        return unique(wanted, SMT, like=SMT_LIKE)

    def sort(self, field: Field) -> str:
        return "Bool" if field.sort == TRUTH else f"(_ BitVec {field.width})"

    def _state(self, mark: str = "") -> str:
        return " ".join(f"({self.names[f.key]}{mark} {self.sort(f)})" for f in self.instance.fields)

    def _arguments(self) -> str:
        return " ".join(f"(set{i} (_ BitVec {self.instance.pages}))" for i in range(self.most))

    def constant(self, value: int, field: Field) -> str:
        return ("true" if value else "false") if field.sort == TRUTH else bits(value, field.width)

    # -- definitions

    def _init(self) -> Iterator[str]:
        yield f"(define-fun init ({self._state()}) Bool (and true"
        for field in self.instance.fields:
            yield f"  (= {self.names[field.key]} {self.constant(field.initial, field)})"
        yield "))"

    def _holds(self) -> Iterator[str]:
        yield f"; {self.claim.rule.name if self.claim.rule.name.isascii() else 'the property'}"
        yield f"(define-fun holds ({self._state()}) Bool (and true"
        yield from (f"  {self.text(case)}" for _, case in self.claim.cases)
        yield "))"

    def _step(self, number: int, ground: GroundStep) -> Iterator[str]:
        """The step as a relation: its guards, and every field of the next state."""
        chosen = {p.name: f"set{i}" for i, p in enumerate(ground.params)}
        new = dict(ground.updates)
        signature = f"{self._state()} {self._state('!')} {self._arguments()}"
        yield f"(define-fun {self.names[number]} ({signature}) Bool (and true"
        yield from (f"  {DOMAIN[p.kind](chosen[p.name], self.instance.pages)}" for p in ground.params)
        yield from (f"  {self.text(g, chosen)}" for g in ground.guards)
        for i, field in enumerate(self.instance.fields):
            word = self.names[field.key]
            yield f"  (= {word}! {self.text(new[i], chosen, field) if i in new else word})"
        yield "))"

    def _move(self) -> Iterator[str]:
        fields = [self.names[f.key] for f in self.instance.fields]
        now, then = " ".join(fields), " ".join(f"{f}!" for f in fields)
        sets = "".join(f" set{i}" for i in range(self.most))
        choice = f"(choice (_ BitVec {self.chooser}))"
        yield f"(define-fun move ({self._state()} {self._state('!')} {choice} {self._arguments()}) Bool (or false"
        for number in range(len(self.instance.steps)):
            yield f"  (and (= choice {bits(number, self.chooser)}) ({self.names[number]} {now} {then}{sets}))"
        unchanged = " ".join(f"(= {f}! {f})" for f in fields)
        yield f"  (and (= choice {bits(len(self.instance.steps), self.chooser)}) {unchanged})"
        yield "))"

    def _unrolled(self) -> Iterator[str]:
        for time in range(self.bound + 1):
            yield from (f"(declare-const {self.at(f, time)} {self.sort(f)})" for f in self.instance.fields)
            if time == 0:
                yield f"(assert (init {self._all(0)}))"
                continue
            yield f"(declare-const choice@{time} (_ BitVec {self.chooser}))"
            sets = [f"set{i}@{time}" for i in range(self.most)]
            yield from (f"(declare-const {s} (_ BitVec {self.instance.pages}))" for s in sets)
            yield f"(assert (move {self._all(time - 1)} {self._all(time)} {' '.join([f'choice@{time}', *sets])}))"
        yield f"(assert (not (holds {self._all(self.bound)})))"

    def at(self, field: Field, time: int) -> str:
        return f"{self.names[field.key]}@{time}"

    def _all(self, time: int) -> str:
        return " ".join(self.at(f, time) for f in self.instance.fields)

    # -- expressions

    def text(self, expr: Expr, chosen: dict[str, str] | None = None, field: Field | None = None) -> str:
        if expr.op == "place" and field is not None:
            return bits(expr.args[0], field.width)
        return str(fold(expr, self.table, self._leaf(chosen or {})))

    def _leaf(self, chosen: dict[str, str]) -> Callable[[Expr], str | None]:
        def leaf(e: Expr) -> str | None:
            match e.op:
                case "field":
                    return self.names[e.args]
                case "located":
                    field = self.instance.fields[self.instance.position[e.args[:2]]]
                    places = [f"(= {self.names[field.key]} {bits(c, field.width)})" for c in sorted(e.args[2])]
                    return places[0] if len(places) == 1 else f"(or {' '.join(places)})"
                case "param":
                    return chosen.get(e.args[0])
            return None

        return leaf


def bits(value: int, width: int) -> str:
    """A number as a bit-vector constant."""
    return f"#b{value:0{width}b}"


def _one(word: str, pages: int) -> str:
    return f"(and {_some(word, pages)} (= (bvand {word} (bvsub {word} {bits(1, pages)})) {bits(0, pages)}))"


def _some(word: str, pages: int) -> str:
    return f"(not (= {word} {bits(0, pages)}))"


DOMAIN: dict[str, Callable[[str, int], str]] = {"some": _some, "page": _one, "any": lambda word, pages: "true"}
