"""The conditions of a certificate of views in SMT-LIB: for each rule and each situation, what holds before and after.

Each file is propositional and stands for itself. Premises come first, then one goal after another, negated and
unsatisfiable. Where the premises contradict each other the situation cannot be, and there is no goal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model.errors import CannotSay
from model.parametric.inference.certificate import file_word
from model.parametric.logic import TRUE, Formula, alike, conj, neg
from model.parametric.smtlib import comment, declarations, read, text
from model.parametric.solver import Question
from model.parametric.views.clauses import instances
from model.parametric.views.formulas import Clause
from model.parametric.views.scene import Situation
from model.parametric.views.situations import Situations


@dataclass(frozen=True)
class Condition:
    """Premises, and goals each of which follows from them.

    Attributes:
        possible: the premises can hold together.
    """

    name: str
    words: tuple[str, ...]
    premises: Mapping[str, Formula]
    goals: Mapping[str, Formula]
    possible: bool

    @property
    def lines(self) -> Iterator[str]:
        """The SMT-LIB 2 script."""
        yield comment(self.name)
        yield "(set-logic QF_UF)"
        yield from declarations((), dict.fromkeys(self.words, ()), ())
        for name, formula in self.premises.items():
            yield from (comment(name), f"(assert {text(formula)})")
        yield comment("the premises do not contradict each other" if self.possible else "this cannot be")
        yield from (f"(set-info :status {'sat' if self.possible else 'unsat'})", "(check-sat)")
        for name, goal in self.goals.items():
            yield comment(name)
            yield from ("(push 1)", f"(assert {text(neg(goal))})", "(set-info :status unsat)", "(check-sat)", "(pop 1)")

    def misread(self, script: str) -> str:
        """What a script says that this condition does not, or the other way round; nothing where they agree."""
        said = read(script)
        meant = [*self.premises.values(), *map(neg, self.goals.values())]
        if said.sorts or said.terms or tuple(said.relations) != self.words:
            return "it declares other words"
        if len(said.asserted) != len(meant):
            return f"it has {len(said.asserted)} assertions in place of {len(meant)}"
        names = [*self.premises, *self.goals]
        return next((n for n, f, g in zip(names, said.asserted, meant, strict=True) if not alike(f, g)), "")


def conditions(
    situations: Situations, clauses: Sequence[Clause], impossible: Collection[str] | None = None
) -> dict[str, Condition]:
    """name of the file -> condition, for the start, every rule and every violation.

    Args:
        impossible: files whose premises contradict each other; None to ask z3 which these are.
    """
    found: dict[str, Condition] = {}
    seen: Counter[str] = Counter()
    for situation in situations.all():
        seen[situation.name] += 1
        name = f"{len(found):03}-{file_word(situation.name)}-{seen[situation.name]}.smt2"
        possible = name not in impossible if impossible is not None else _possible(situations, situation, clauses)
        found[name] = _condition(situations, situation, clauses, possible)
    return found


def scripts(found: Mapping[str, Condition]) -> dict[str, str]:
    """name of the file -> SMT-LIB 2 script; each is read back and compared with what it should say."""
    texts = {name: "\n".join(c.lines) + "\n" for name, c in found.items()}
    for name, condition in found.items():
        if wrong := condition.misread(texts[name]):
            raise CannotSay(f"{condition.name}: the text of this condition does not say what is meant: {wrong}.")
    return texts


def _premises(situations: Situations, situation: Situation, clauses: Sequence[Clause]) -> dict[str, Formula]:
    own = {name: f for name, f in situation.known.items() if f is not TRUE}
    for n, clause in enumerate(clauses, 1):
        said = conj(*instances(situations.words, situations.size, clause, situation.before))
        if said is not TRUE:
            own[f"before, clause {n}"] = said
    return own


def _condition(situations: Situations, situation: Situation, clauses: Sequence[Clause], possible: bool) -> Condition:
    goals: dict[str, Formula] = {}
    if possible and situation.after is not None:
        goals = {
            f"after, clause {n}": conj(*instances(situations.words, situations.size, clause, situation.after))
            for n, clause in enumerate(clauses, 1)
        }
    if possible:
        goals["what else must hold"] = situation.also
    goals = {name: goal for name, goal in goals.items() if goal is not TRUE}
    return Condition(situation.name, situation.words, _premises(situations, situation, clauses), goals, possible)


def _possible(situations: Situations, situation: Situation, clauses: Sequence[Clause]) -> bool:
    question = Question((), dict.fromkeys(situation.words, ()), ())
    for formula in _premises(situations, situation, clauses).values():
        question.suppose(formula)
    answer = question.ask(60.0)
    if answer not in ("sat", "unsat"):
        raise CannotSay(f"{situation.name}: z3 cannot tell whether this can be ({answer})")
    return answer == "sat"


def of_json(clauses: Sequence[Mapping[str, Any]]) -> tuple[Clause, ...]:
    """Clauses as `as_json` wrote them."""

    def literal(where: Sequence[Any], values: Sequence[int]) -> tuple[tuple[Any, ...], tuple[int, ...]]:
        return tuple(where), tuple(values)

    return tuple(
        Clause(tuple(c["holders"]), tuple(c["about"]), tuple(literal(*given) for given in c["literals"]))
        for c in clauses
    )


def as_json(clauses: Sequence[Clause]) -> list[dict[str, Any]]:
    """Clauses as plain data."""
    return [
        {
            "holders": list(c.shape),
            "about": list(c.about),
            "literals": [[list(where), list(values)] for where, values in c.literals],
        }
        for c in clauses
    ]
