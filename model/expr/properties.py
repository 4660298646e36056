"""What must hold of a design: the marks in front of a property, and what they make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from model.errors import DesignError, here
from model.expr.declarations import Part
from model.expr.names import identifier
from model.expr.operations import Operation


@dataclass(frozen=True)
class Property:
    """Something that must hold of a design, with the ghost state that is needed to say it.

    Attributes:
        kind: "always" (in every reachable state), "sometimes" (in some reachable state: a check against vacuity), or
            of infinite runs, "eventually" and "leads_to" (see those).
        holds: `holds(s)` or `holds(s, client)`: a truth value; with a second argument it must hold for each client.
        cases: of kind "sometimes": `cases(program)` lists what has to happen, one search each; `observe` and `holds`
            are then handed the case as their argument `case`. Of kind "eventually": what must hold for each case.
        parts: ghost parts that the property adds to the design.
        operations: operations it adds, such as `stop`.
        needs, lacks: parts and operations that a design must have, or must not have, for the property to say anything
            of it; without them it would hold because what it is about never happens.
        observe: `observe(step, before, s, me)`, called for every step of the design: changes the ghosts in the same
            atomic step; `before` is the state before the step and `s` the state after it. It may add guards.
        pauses: the name of a flag of its own, or nothing: while it is set no write begins, and it is set only while
            no write is half done. A write is an operation, not a client's, that makes something unread.
        goal, premise: of infinite runs, in place of `holds`: truth values, or sets of pages, which are asked of every
            page.
        writers: of infinite runs: "stop", the runs in which writes begin finitely often, or "go on", all runs.
    """

    name: str
    kind: str
    doc: str
    holds: Callable[..., Any]
    parts: dict[str, Part] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    observe: Callable[..., None] | None = None
    cases: Callable[[Any], list[str]] | None = None
    needs: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    goal: Callable[..., Any] | None = None
    premise: Callable[..., Any] | None = None
    writers: str = "stop"
    pauses: str = ""

    @property
    def summary(self) -> str:
        """The first sentence of the docstring."""
        return self.doc.strip().split("\n\n")[0].replace("\n", " ")


def always(body: Any) -> Property:
    """A property that must hold in every reachable state; stands in front of a function or of a class with ghosts."""
    return _property(body, "always")


def sometimes(body: Any) -> Property:
    """A property that must hold in some reachable state, so that nothing passes because nothing happens."""
    return _property(body, "sometimes")


def eventually(body: Any) -> Property:
    """A property that holds for ever in the end, once nobody begins a write: F & <>[]quiet -> <>[]goal.

    Over infinite runs. F: the run is fair (`liveness.lasso.Fairness`); quiet: this move begins no write; goal: what the
    function, or `holds` of the class, says, for all clients, cases and pages at once. With `writers = "go on"` the
    runs on which writes begin for ever count too, and the formula is F -> <>[]goal.
    """
    return _of_runs(body, "eventually", ("holds",))


def leads_to(body: Any) -> Property:
    """A property of infinite runs, a class with `premise` and `goal`: F & <>[]quiet -> [](premise -> <>goal).

    F and quiet as in `eventually`; each time the premise holds, the goal holds then or later, for each client and,
    where the two are sets, for each page by itself. With `writers = "go on"`: F -> [](premise -> <>goal).
    """
    return _of_runs(body, "leads_to", ("premise", "goal"))


INFINITE = ("eventually", "leads_to")  # kinds that speak of infinite runs
WRITERS = ("stop", "go on")


def _of_runs(body: Any, kind: str, needed: tuple[str, ...]) -> Property:
    own = vars(body).items() if isinstance(body, type) else [("holds", body)]
    words = {n: w for n, w in own if not n.startswith("__")}
    for word in needed:
        if word not in words:
            raise DesignError(f"property {body.__name__} has no `def {word}(s, client): ...`; @{kind} asks it.", here())
    if kind == "leads_to" and "cases" in words:
        raise DesignError(f"property {body.__name__}: @leads_to has one premise and one goal and no cases.", here())
    writers = words.get("writers", "stop")
    if writers not in WRITERS:
        raise DesignError(f'property {body.__name__}: writers = "stop" or "go on", not {writers!r}.', here())

    def holds(s: Any) -> Any:
        raise DesignError(
            f"it speaks of infinite runs, not of states; `clearorder liveness DESIGN --property {body.__name__}` "
            f"asks it."
        )

    made = _property(type(body.__name__, (), {**words, "__doc__": body.__doc__, "holds": holds}), kind)
    return replace(made, goal=words[needed[-1]], premise=words.get("premise"), writers=writers)


def _property(body: Any, kind: str) -> Property:
    identifier(body.__name__, "a property", here())
    doc = (body.__doc__ or "").strip()
    if not doc:
        raise DesignError(f"property {body.__name__} has no docstring; say in one sentence what must hold.", here())
    if not isinstance(body, type):
        return Property(body.__name__, kind, doc, body)
    words = vars(body)
    for name, word in words.items():
        if isinstance(word, Part | Operation):
            identifier(name, f"a part or an operation of property {body.__name__}", here())
    if "holds" not in words:
        raise DesignError(f"property {body.__name__} has no `def holds(s, client): ...` that says what holds.", here())
    return Property(
        name=body.__name__,
        kind=kind,
        doc=doc,
        holds=words["holds"],
        parts={n: p for n, p in words.items() if isinstance(p, Part)},
        operations={n: o for n, o in words.items() if isinstance(o, Operation)},
        observe=words.get("observe"),
        cases=words.get("cases"),
        needs=tuple(words.get("needs", ())),
        lacks=tuple(words.get("lacks", ())),
        pauses=words.get("pauses", ""),
    )
