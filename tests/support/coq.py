"""The recorded steps of a design as constructors of an inductive relation in Coq, for the theorem in docs/coq.

Only what the per-slot cache needs; anything else is a KeyError, not a guess.
"""

from collections.abc import Iterator

from model.expr import Expr
from model.program.program import Program
from model.program.step import Step, Update

INFIX = {"union": "∪", "meet": "∩", "minus": "∖", "both": "&&", "either": "||"}
WORDS = {"none": "none", "true": "true", "false": "false"}


def steps(program: Program) -> str:
    """The relation `step`, a constructor for each step, in the order of the program."""
    places = {(s.by, s.target): f"at_{_word(s.label)}" for s in program.steps if s.target}
    return "\n".join(["Inductive step : State -> Prop :=", *(_constructor(s, places) for s in program.steps)]) + "."


def _constructor(step: Step, places: dict[tuple[str, int], str]) -> str:
    client = step.by == "Client"
    sets = [f"({p.name} : {'Client' if p.kind == 'index' else 'Pages'})" for p in step.params]
    given = " ".join([*(["(me : Client)"] if client else []), *sets])
    asked = [_guard(g) for g in step.guards] + [f"{held} s = None" for held in step.takes]
    changed = [_update(u) for u in step.updates]
    if client:
        asked.insert(0, f"at_ s me = {places.get((step.by, step.source), 'idle')}")
        if step.source != step.target:
            changed.append(f"at_ := put (at_ s) me {places.get((step.by, step.target), 'idle')}")
    changed += [f"{held} := Some me" for held in step.takes] + [f"{held} := None" for held in step.frees]
    premises = "".join(f"      {a} ->\n" for a in asked)
    after = "s" + "".join(f"\n        |> set_{c.replace(' := ', ' (', 1)})" for c in changed)
    return f"  | {_word(step.label)} {given} :\n{premises}      step ({after})"


def _update(update: Update) -> str:
    name, value = update.variable.replace("me.", "my_"), _value(update.value)
    if update.index is None:
        return f"{name} := {value}"
    if update.index.kind == "each":
        return f"{name} := (fun c => {value})"
    return f"{name} := put ({name} s) {_index(update.index)} {_argument(value)}"


def _guard(guard: Expr) -> str:
    if guard.op == "subset":
        return " ⊆ ".join(_value(a) for a in guard.args)
    if guard.op == "negate":
        return f"{_value(guard.args[0])} = false"
    raise KeyError(guard.op)


def _value(expr: Expr) -> str:
    if expr.op in INFIX:
        return f" {INFIX[expr.op]} ".join(_argument(_value(a)) if a.op in INFIX else _value(a) for a in expr.args)
    if expr.op == "param":
        return str(expr.args[0])
    if expr.op == "var":
        name, index = expr.args
        return f"{name.replace('me.', 'my_')} s" + (f" {_index(index)}" if index is not None else "")
    return WORDS[expr.op]


def _index(index: object) -> str:
    kind = getattr(index, "kind")  # noqa: B009 - an Index of the language
    return {"me": "me", "each": "c"}.get(kind) or str(getattr(index, "name"))  # noqa: B009


def _argument(text: str) -> str:
    return f"({text})" if " " in text else text


def _word(label: str) -> str:
    return label.replace(".", "_")


def between(text: str, begin: str, end: str) -> Iterator[str]:
    """The lines between two marks."""
    inside = False
    for line in text.splitlines():
        if inside and end in line:
            return
        if inside:
            yield line
        inside = inside or begin in line
