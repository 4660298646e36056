"""What the page asks: where a run leads, the nearest bad state from there, a counterexample; it keeps nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from threading import Lock
from typing import Any

from model.errors import UsageError
from model.expr import Property
from model.instance.problem import Problem
from model.instance.state import State
from model.instance.trace import Continuation, Trace, onward
from model.program.design import Design, record
from model.program.program import Invariant
from model.program.store_buffer import SIZE
from model.verify.portfolio import applies
from reports.pages import positions

MOST_PAGES, MOST_MOVES, NEAR = 4, 400, 100_000


class Session:
    """A design at given sizes, with the ghosts of the properties that are asked of it.

    Args:
        properties: what must hold; those of kind "sometimes" are refused.
        pages: at most 4; every choice of pages is a button.
        limit: distinct states to look at in search of a bad one.

    Raises:
        UsageError: a size does not fit, or a property cannot be asked of the design.
    """

    def __init__(
        self,
        design: type[Design],
        properties: Sequence[Property],
        pages: int,
        sizes: Mapping[str, int],
        limit: int = NEAR,
    ) -> None:
        if pages > MOST_PAGES:
            raise UsageError(
                f"every choice of pages is a button; with more than {MOST_PAGES} pages there are too many."
            )
        self.program, self.limit, self.searching = record(design, buffer=sizes.get(SIZE)), limit, Lock()
        for rule in properties:
            if rule.kind != "always":
                raise UsageError(f"{rule.name} asks that something happens; explore properties that must always hold.")
        problem = Problem.of(self.program, *properties, pages=pages, sizes=sizes)
        self.rules, self.instance = problem.invariants, problem.instance

    @cached_property
    def digest(self) -> str:
        """What a link was made for: the design, the properties, the sizes."""
        sizes = ".".join(str(n) for n in (self.instance.pages, *self.instance.sizes.values()))
        return f"{self.instance.program.digest[:12]}-{sizes}"

    @cached_property
    def start(self) -> Invariant:
        return self.rules[0]

    def walk(self, moves: Sequence[int]) -> Trace:
        """The run that takes these moves.

        Raises:
            ValueError: a move does not exist or is not possible, or there are more than 400.
        """
        if len(moves) > MOST_MOVES:
            raise ValueError(f"a run has at most {MOST_MOVES} moves here, not {len(moves)}")
        return positions.walked(self.instance, moves, self.start)

    def position(self, moves: Sequence[int]) -> dict[str, Any]:
        """The state after these moves, what it violates, and what can happen next."""
        return positions.position(self.walk(moves), self.rules)

    def nearest(self, moves: Sequence[int], rule: str | None = None) -> dict[str, Any]:
        """A shortest run from here to a state that violates a property (any, unless one is named).

        Returns:
            {"moves": the whole run, "history": its lines, "text": what was found}; "moves" is None where none was.
        """
        here = self.walk(moves)
        with self.searching:
            run = onward(self.instance, here.states[-1], self._bad(rule), limit=self.limit)
        what = rule or "any property that is asked"
        if run is None:
            return {"moves": None, "history": [], "text": f"No state that violates {what} can be reached from here."}
        if not run.complete:
            text = f"None of the nearest {self.limit:,} states violates {what}; those further away were not looked at."
            return {"moves": None, "history": [], "text": text}
        return self._found(here, run)

    def counterexample(self, rule: str) -> dict[str, Any]:
        """A shortest run from the start to a state that violates the property.

        Raises:
            ValueError: no such property is asked here.
        """
        if rule not in {r.name for r in self.rules}:
            raise ValueError(f"the property '{rule}' is not asked here")
        found = self.nearest([], rule)
        if found["moves"]:
            count = f"{len(found['moves'])} moves" if len(found["moves"]) > 1 else "1 move"
            found["text"] = f"A shortest run to a violation of {rule} has {count}; it is listed as the run."
        return found

    def _found(self, here: Trace, run: Continuation) -> dict[str, Any]:
        whole = Trace(self.instance, here.moves + run.moves, here.states + run.states[1:], self.start, None)
        away = len(run.moves)
        violated = ", ".join(dict.fromkeys(rule.name for rule, _ in positions.failures(whole, self.rules)))
        told = positions.judged(whole, self.rules)
        distance = "here" if not away else "1 move away" if away == 1 else f"{away} moves away"
        text = f"The nearest bad state is {distance}; it violates {violated}."
        return {"moves": [m.number for m in whole.moves], "history": positions.history(told), "text": text}

    def _bad(self, name: str | None) -> Callable[[State], bool]:
        holds = [p for rule in self.rules if name in (None, rule.name) for p in self._predicates(rule)]
        return lambda state: not all(p(state) for p in holds)

    def _predicates(self, rule: Invariant) -> Iterator[Callable[[State], bool]]:
        return (self.instance.predicate(case) for _, case in self.instance.cases(rule))

    def page(self) -> str:
        """The page itself."""
        from model.verify.result_text import scope
        from reports.formats.text import first_sentence
        from reports.pages.render import page

        return page(
            "explore.html",
            connect="'self'",
            name=self.program.name,
            summary=first_sentence(self.program.doc) or self.program.title,
            size=scope(self._sizes()),
            data={"kind": "served", "digest": self.digest, "properties": [r.name for r in self.rules]},
        )

    def _sizes(self) -> dict[str, int]:
        named = self.instance.scope_sizes | self.instance.buffer_size
        return {"pages": self.instance.pages} | {f"{s.lower()}s": n for s, n in named.items()}


def askable(design: type[Design], properties: Sequence[Property]) -> list[Property]:
    """The properties that the design has the parts for.

    Raises:
        UsageError: it has the parts for none of them.
    """
    reasons = {p.name: applies(design, p) for p in properties}
    found = [p for p in properties if not reasons[p.name]]
    if not found:
        raise UsageError("; ".join(reasons.values()))
    return found
