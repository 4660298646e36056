"""Promela with fairness: the moves of `promela`, a monitor of fairness beside them, and the property as LTL for Spin.

Strong fairness of a dozen steps written as LTL has an automaton too large for Spin, so the model carries it. At some
moment, once, it *commits*: from then on no write begins (unless the property lets writes go on), and for each step
that is owed strong fairness it is guessed whether the step is never possible again (`gone`). A wrong guess ends the
run: where a `gone` step is possible no move is. Each other owed step waits for its turn, round and round; `fair` is
true after a move that completes a round. A turn is over

- for strong fairness, when the step is `gone`, or is the move just made;
- for weak fairness, when the step is not possible after the move, or is the move just made.

A step that waits for nothing but its own thread's place cannot be made impossible by another step, so that for it
strong fairness is weak fairness, and it needs no guess.

That is exact. A fair run with finitely many beginnings of writes can commit where the last one lies behind it and
where the steps that are possible finitely often are not possible any more, and guess just these; the others have
their turns again and again, so `[]<>fair`. Conversely a run with `[]<>fair` has committed, never met a `gone` step
again, and has done for each other step, infinitely often, what ends its turn: without the monitor's own moves, which
change no part of the design and which the formula, having no `X`, does not see, it is a fair run. Where nothing is
possible except that a write begins, a move that changes nothing lets the run stay.

Source: Gerth, Peled, Vardi, Wolper, "Simple on-the-fly automatic verification of linear temporal logic", 1995, for
the formula; the guess is the usual way from Streett to Büchi acceptance (Safra, "On the complexity of omega-automata",
1988).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from textwrap import wrap

from model.export.problem import Claim, first_line, paragraphs, plain, sizes_text
from model.export.promela import Model, fits
from model.expr import TRUE, Expr
from model.expr.algebra import fold
from model.instance.ground_step import GroundStep
from model.instance.instance import Instance, Move
from model.liveness.goal import Asked, Case
from model.liveness.lasso import Action, Fairness, action, begins_a_write
from model.program.program import Invariant
from model.verdict import Proved, Refuted, Verdict

RUN = "gcc -O2 -DNOREDUCE -o pan pan.c && ./pan -a -m2000000"


def text(asked: Asked, instance: Instance, fairness: Fairness, expected: Verdict | None = None) -> str:
    """The question about infinite runs as a Promela model with one LTL formula.

    Args:
        instance: of `asked.observed` at given sizes.
        expected: the verdict of an engine of ours, or None.

    Raises:
        TooWide: the instance is larger than Spin takes.
        CannotSay: the design uses an operator that has no row in the table.
    """
    rule = asked.rule
    claim = Claim(instance.program.name, rule, asked.observed, instance, Invariant(rule.name, TRUE), expected)
    fits(claim)
    return "\n".join(_Live(claim, asked, fairness).lines()) + "\n"


class _Live(Model):
    def __init__(self, claim: Claim, asked: Asked, fairness: Fairness) -> None:
        super().__init__(claim)
        self.asked, self.fairness = asked, fairness
        self.formulas: list[Case] = asked.formulas(self.instance)

    # -- what is owed

    @cached_property
    def actions(self) -> dict[Action, list[GroundStep]]:
        """The ground steps of each action that begins no write."""
        found: dict[Action, list[GroundStep]] = {}
        for ground in self.instance.steps:
            if not begins_a_write(self.instance.program, ground.step):
                found.setdefault(action(ground), []).append(ground)
        return found

    @cached_property
    def owed(self) -> dict[Action, str]:
        """`strong` or `weak` for each action to which something is owed, weak where that is the same."""
        kinds = {a: k for a, k in self.fairness.owed(self.instance).items() if k != "none"}
        held = {a for a, grounds in self.actions.items() if all(map(_only_waits_for_its_place, grounds))}
        return {a: "weak" if a in held else kind for a, kind in kinds.items()}

    @property
    def guessed(self) -> list[Action]:
        return [a for a, kind in self.owed.items() if kind == "strong"]

    # -- the text

    def lines(self) -> Iterator[str]:
        yield from paragraphs(
            self._header(),
            [*self._places(), *self._variables(), *self._monitor(), *self._property()],
            self._possible(),
            [*self._settle(), *self._saved()],
            *self._inlines(),
            self._process(),
            self._formula(),
        )

    def _wanted(self) -> dict[object, str]:
        words = ("committed", "fair", "turn", "who", "settle", "sure", "nobody", "formula")
        wanted: dict[object, str] = {("monitor", w): w for w in words}
        wanted |= {("goal", i): f"goal {c.label}".strip() for i, c in enumerate(self.formulas)}
        wanted |= {("premise", i): f"premise {c.label}".strip() for i, c in enumerate(self.formulas)}
        for word in ("can", "gone"):
            wanted |= {(word, a): f"{word} {self._called(a)}" for a in self.actions}
        return super()._wanted() | wanted

    def _called(self, each: Action) -> str:
        ground = self.actions[each][0]
        return f"{each[0]} by {self.instance.program.sorts[ground.sort].call(ground.thread)}"

    def word(self, name: str) -> str:
        return self.names["monitor", name]

    def _header(self) -> Iterator[str]:
        claim, rule = self.claim, self.asked.rule
        but = "".join(f", {o}: {k}" for o, k in (self.fairness.but or {}).items())
        told = [
            f"{claim.design}: {first_line(claim.program.doc)}",
            f"{rule.name}: {rule.summary}",
            f"At {sizes_text(self.instance)}, fairness of each step of each thread: {self.fairness.kind}{but}. "
            f"Expected: {_expectation(claim.expected)}.",
            "Committing guesses which steps are never possible again; fair is true once every step has had its due.",
        ]
        yield "/*"
        for line in told:
            yield from (f" * {piece}" for piece in wrap(plain(line), 100, subsequent_indent="  "))
        yield " * Run:"
        yield f" *   spin -a model.pml && {RUN}"
        yield " *   pan says `acceptance cycle` and `errors: 1` where a fair run breaks it, and exits 0 then too."
        yield f" * Design: sha256 {claim.program.digest}"
        yield " */"

    def _monitor(self) -> Iterator[str]:
        yield f"bit {self.word('committed')};   /* nobody takes back what is guessed from here on */"
        yield f"bit {self.word('fair')};   /* the move just made has completed a round */"
        yield f"unsigned {self.word('turn')} : {max(1, len(self.owed).bit_length())};"
        yield from (f"bit {self.names['gone', a]};" for a in self.guessed)

    def _possible(self) -> Iterator[str]:
        for each, grounds in self.actions.items():
            cases = [self._enabled(ground, move.arguments) for ground in grounds for move in self._moves_of(ground)]
            yield f"#define {self.names['can', each]} ({' || '.join(dict.fromkeys(cases))})"
        pairs = [f"!({self.names['gone', a]} && {self.names['can', a]})" for a in self.guessed]
        yield f"#define {self.word('sure')} ({' && '.join(pairs) or '1'})"
        yield f"#define {self.word('nobody')} {len(self.owed)}"

    def _moves_of(self, ground: GroundStep) -> Iterator[Move]:
        return (m for m in self.instance.moves if m.ground is ground)

    def _enabled(self, ground: GroundStep, arguments: Mapping[str, int]) -> str:
        leaf = self.leaf(arguments=arguments)
        return f"({' && '.join(str(fold(g, self.table, leaf)) for g in ground.guards) or '1'})"

    def _property(self) -> Iterator[str]:
        """What the formula speaks of, as bits: Spin takes no conditional expression inside a formula."""
        for name, said in self._said():
            yield f"bit {name} = {int(self.instance.value(said, self.instance.initial))};"

    def _said(self) -> Iterator[tuple[str, Expr]]:
        for number, case in enumerate(self.formulas):
            yield self.names["goal", number], case.goal
            if case.premise is not None:
                yield self.names["premise", number], case.premise

    def _settle(self) -> Iterator[str]:
        """What holds after a move of `who`, and whose turn is over."""
        committed, fair, turn, who = (self.word(w) for w in ("committed", "fair", "turn", "who"))
        yield f"inline {self.word('settle')}({who}) {{"
        yield from (f"    {name} = {self.text(said)};" for name, said in self._said())
        yield f"    {fair} = 0;"
        yield "    if"
        yield f"    :: {committed} && {self.word('sure')} ->"
        yield "      do"
        for number, (each, kind) in enumerate(self.owed.items()):
            over = self.names["gone", each] if kind == "strong" else f"!{self.names['can', each]}"
            yield f"      :: {turn} == {number} && ({over} || {who} == {number}) -> {turn}++"
        yield "      :: else -> break"
        yield "      od;"
        yield "      if"
        yield f"      :: {turn} == {len(self.owed)} -> {turn} = 0; {fair} = 1"
        yield "      :: else -> skip"
        yield "      fi"
        yield "    :: else -> skip"
        yield "    fi"
        yield "}"

    def _permits(self, ground: GroundStep) -> list[str]:
        stops = self.asked.quiet and begins_a_write(self.instance.program, ground.step)
        return [f"!{self.word('committed')}"] if stops else [self.word("sure")]

    def _after(self, ground: GroundStep) -> list[str]:
        numbers = {a: str(i) for i, a in enumerate(self.owed)}
        return [f"{self.word('settle')}({numbers.get(action(ground), self.word('nobody'))})"]

    def _process(self) -> Iterator[str]:
        committed, sure = self.word("committed"), self.word("sure")
        possible = " || ".join(self.names["can", a] for a in self.actions) or "0"
        yield "active proctype next() {"
        yield "  do"
        yield from self._moves()
        yield "  :: atomic {"
        yield f"    !{committed} -> {committed} = 1;"
        yield '    printf("commits\\n");'
        for each in self.guessed:
            gone = self.names["gone", each]
            yield f"    if :: skip :: !{self.names['can', each]} -> {gone} = 1 fi;"
        yield "    }"
        yield f"  :: d_step {{ {committed} && {sure} && !({possible}) ->"
        yield '    printf("stays as it is\\n");'
        yield f"    {self.word('settle')}({self.word('nobody')})"
        yield "    }"
        yield f"  :: !{sure} -> skip   /* the guess was wrong: fair is false for ever */"
        yield "  od"
        yield "}"

    def _formula(self) -> Iterator[str]:
        goals = [self.names["goal", i] for i in range(len(self.formulas))]
        if self.asked.premise is None:
            says = f"<>[] ({' && '.join(goals)})"
        else:
            premises = [self.names["premise", i] for i in range(len(self.formulas))]
            says = " && ".join(f"[] ({p} -> <> {g})" for p, g in zip(premises, goals, strict=True))
        yield f"ltl {self.word('formula')} {{ ([]<> {self.word('fair')}) -> ({says}) }}"


def _only_waits_for_its_place(ground: GroundStep) -> bool:
    """Nothing but this step makes it impossible: its thread is inside the operation, and that is all it waits for."""
    return not ground.step.first and [g.op for g in ground.guards] == ["located"]


def _expectation(verdict: Verdict | None) -> str:
    if isinstance(verdict, Proved):
        return "the formula holds"
    return "a fair run breaks it" if isinstance(verdict, Refuted) else "not known"
