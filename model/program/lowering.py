"""From drafts to steps: locations, and parameters kept in registers where later steps need them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from model.expr import PAGES, TRUTH, Element, Expr, Index, indices, is_register, lift, node, register, rewrite, walk
from model.program.builder import Recorder
from model.program.step import Param, Step, Update


def steps_of(recorder: Recorder, location: Callable[[int], int]) -> list[Step]:
    """The recorded steps with their locations, parameters kept in registers where later steps need them.

    Args:
        recorder: a finished recording.
        location: the number of the thread's location after the operation's i-th step, i from 0.
    """
    drafts = recorder.steps
    kept = _read_later(recorder)
    made = []
    for i, draft in enumerate(drafts):
        last = i == len(drafts) - 1
        resolve = _resolver(recorder, later=i > 0)
        updates = [replace(u, value=resolve(u.value)) for u in draft.updates]
        updates = [u for u in updates if not is_register(u.variable) or (u.variable in kept and not last)]
        me = Index("me", recorder.by.name)
        if i == 0 and not last:
            chosen = [p for p in recorder.params.values() if register(p.name) in kept]
            updates += [Update(register(p.name), me, argument_of(p)) for p in chosen]  # type: ignore[arg-type]
        if last and i:
            updates += [Update(name, me, lift(False) if sort == TRUTH else lift_none()) for name, sort in kept.items()]
        made.append(
            Step(
                operation=recorder.operation,
                name=draft.name,
                by=recorder.by.name,
                source=0 if i == 0 else location(i - 1),
                target=0 if last else location(i),
                params=tuple(recorder.params.values()) if i == 0 else (),
                guards=tuple(resolve(g) for g in draft.guards),
                updates=tuple(updates),
                takes=tuple(draft.takes),
                frees=tuple(draft.frees),
                place=draft.place,
                code=tuple(draft.code),
            )
        )
    return made


def lift_none() -> Expr:
    return node("none", (), PAGES)


def _read_later(recorder: Recorder) -> dict[str, str]:
    """Registers (and parameters) that a later step reads; the others need no state."""
    kept: dict[str, str] = {}
    for draft in recorder.steps[1:]:
        resolve = _resolver(recorder, later=True)
        for expr in [*draft.guards, *(u.value for u in draft.updates)]:
            for leaf in walk(resolve(expr)):
                if leaf.op == "var" and is_register(leaf.args[0]):
                    kept[leaf.args[0]] = leaf.sort
    return kept


def _resolver(recorder: Recorder, later: bool) -> Callable[[Expr], Expr]:
    """Forget in which step a node was read; in later steps a parameter is what its register kept."""
    me = Index("me", recorder.by.name)

    def leaf(expr: Expr) -> Expr | None:
        if later and expr.op == "param":
            return node("var", (register(expr.args[0]), me), expr.sort)
        return None

    def resolve(expr: Expr) -> Expr:
        return rewrite(expr, leaf)

    return resolve


def carried(recorder: Recorder) -> tuple[str, ...]:
    """Index parameters that a later step uses: the thread's location remembers their value."""
    later = [e for d in recorder.steps[1:] for e in [*d.guards, *(u.value for u in d.updates)]]
    terms = {i for e in later for i in indices(e)}
    terms |= {u.index for d in recorder.steps[1:] for u in d.updates if u.index}
    terms |= {h.index for d in recorder.steps for h in d.takes + d.frees if h.index}
    return tuple(p for p in recorder.params if any(i.kind == "param" and i.name == p for i in terms))


def argument_of(param: Param) -> object:
    """A parameter as an operation is handed it: an element, a truth value or a set of pages."""
    if param.kind == "index":
        return Element(Index("param", param.sort, param.name))
    return node("param", (param.name,), TRUTH if param.kind == "truth" else PAGES)
