"""A property on a program: its ghosts and its observer in every step, and what it says of a state."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from functools import partial

from model.errors import DesignError, Place, UsageError, focus, shown_path
from model.expr import (
    TRUTH,
    Client,
    Element,
    Expr,
    Index,
    Part,
    Property,
    every,
    idle,
    lift,
    node,
    recorders,
    replace_index,
    rewrite,
    show,
)
from model.program import source
from model.program.builder import Recorder, loose_each
from model.program.layout import locations_of, variable_of
from model.program.lowering import steps_of
from model.program.program import Invariant, Location, Program
from model.program.proxies import StateView
from model.program.step import Step, Update
from model.program.tracing import last_place, of_python, record_operation
from model.program.words import shown_to


def invariant(program: Program, property: Property) -> Invariant:
    """What `property` says of every state of `program` (which has the property's ghosts, see `observed`).

    Raises:
        UsageError: the design lacks a part that the property is about.
    """
    recorder = Recorder(program.title, dict(program.parts) | _ghosts_in(program, property), property.name, Client)
    recorder.serial = None
    view = StateView(recorder, direct=True)  # memory as everyone sees it: a property has no store buffer
    arguments = [p for p in inspect.signature(property.holds).parameters.values() if p.default is p.empty]
    each = Index("bound", Client.name, "client") if len(arguments) > 1 else None
    given = [Element(each)] if each else []
    with asked_of(program, property, property.holds):
        holds = said_by(property.holds, view, *given)
        if holds.sort != TRUTH:
            raise DesignError(f"it gives a set of pages ({show(holds)}); compare it: return ... <= NONE.")
    return Invariant(property.name, rewrite(holds, lambda e: None), each)


def said_by(function: Callable[..., object], *given: object) -> Expr:
    """What a property's function says of a state: read for lost lines, run, and checked to speak of the state."""
    source.read(function, DesignError, operation=False)
    said = function(*given)
    if said is None:
        raise DesignError("it returns nothing; it returns what must hold: return s.cache <= s.kernel.")
    if isinstance(said, bool):
        raise DesignError(
            f"it returns Python's {said}, whatever the state is, so it says nothing of the design. Return a truth "
            f"value over s: return s.cache <= s.kernel."
        )
    if wrong := loose_each(found := lift(said)):
        raise DesignError(wrong)
    return found


@contextmanager
def asked_of(program: Program, property: Property, function: Callable[..., object]) -> Iterator[None]:
    """What goes wrong while a property's `function` runs is said of the property, with file and line."""
    found = source.underlying(function)
    own = found is None or found.__module__.startswith("properties.")  # the mistake is not in the property then
    code = None if own or found is None else found.__code__
    start = Place(shown_path(code.co_filename), code.co_firstlineno) if code else None
    focus.append(code.co_filename if code else "")
    try:
        yield
    except DesignError as wrong:
        place = wrong.place if code and wrong.place else start
        message = wrong.message.removeprefix(f"{program.title}.{property.name}: ")
        raise UsageError(f"{property.name} cannot be asked of {program.name}: {message}", place) from None
    except (Exception, SystemExit) as wrong:
        raise UsageError(f"{property.name}: {of_python(wrong)}", last_place(wrong) or start) from wrong
    finally:
        focus.pop()


def observed(program: Program, property: Property) -> Program:
    """`program` with the property's ghost parts, its operations, and its observer in every atomic step.

    The observer may change ghosts only, so whatever the observed program does, the design does too; guards that it
    adds (a guest that has stopped writes no more) only take behaviour away.
    """
    _speaks_of(program, property)
    names = _own_names(program, property)
    return _joined(program, property, names, _own_parts(property, names), "ghost", {})


def inhabited(program: Program, mixins: tuple[Property, ...], environment: str) -> Program:
    """`program` in an environment: each mixin's parts, operations and guards, which are then the program's own.

    A mixin may name parts of those before it. In the program a part is called `Mixin.part`, as no design's is.

    Raises:
        UsageError: the program has an operation of a mixin's name.
    """
    earlier: dict[str, Part] = {}
    for mixin in mixins:
        if taken := sorted(set(mixin.operations) & set(program.operations)):
            raise UsageError(
                f"{program.name} cannot be put into the environment {environment}: {mixin.name} adds the operation "
                f"{taken[0]}, and {program.title} has one of that name; rename yours."
            )
        own = _own_parts(mixin, {n: f"{mixin.name}.{n}" for n in mixin.parts})
        program = _joined(program, mixin, {n: n for n in mixin.operations}, own, "part", earlier)
        earlier |= own
    note = f"in the environment {environment}: {', '.join(m.name for m in mixins)}"
    return replace(program, environment=environment, notes=(*program.notes, note))


def _joined(
    program: Program,
    property: Property,
    names: Mapping[str, str],
    own: Mapping[str, Part],
    role: str,
    earlier: Mapping[str, Part],
) -> Program:
    """`program` with the property's `own` parts in that role, its operations, and its observer in every step.

    Args:
        names: what each operation of the property is called in the program.
        earlier: parts of the program by other words than their names, which the property uses.
    """
    if not (property.parts or property.operations or property.observe):
        return program
    parts = dict(program.parts) | dict(earlier) | dict(own)
    ghosts = [variable_of(p, role, program.variable) for p in own.values()]
    steps = [_paused(program, property, own, _watched(program, property, parts, s)) for s in program.steps]
    threads = dict(program.threads)
    for name, op in property.operations.items():
        recorder = record_operation(property.name, names[name], op, parts, program.sorts, False)
        base = len(threads.setdefault(op.by.name, (Location("", ""),)))
        new = steps_of(recorder, lambda i, base=base: base + i)  # type: ignore[misc]
        threads[op.by.name] += tuple(locations_of(recorder, new))
        steps += [_between_writes(program, property, own, s) for s in new]
    return replace(
        program,
        parts=dict(program.parts) | {p.name: p for p in own.values()},
        variables=(*program.variables, *ghosts),
        sorts={p.per.name: p.per for p in own.values() if p.per} | dict(program.sorts),
        threads=threads,
        operations=(*program.operations, *(names[n] for n in property.operations)),
        steps=tuple(steps),
    )


# ---------------------------------------------------------------- names that no design can have


def _own_names(program: Program, property: Property) -> dict[str, str]:
    """What the property's words are called in the program: as it calls them, or `property.word`.

    A word with a full stop is none that a design can declare, so a design may have any word of a property.
    """
    taken = {*program.parts, *program.operations}
    return {n: f"{property.name}.{n}" if n in taken else n for n in (*property.parts, *property.operations)}


def _own_parts(property: Property, names: Mapping[str, str]) -> dict[str, Part]:
    """The property's parts by the property's words, each with the name that it has in the program."""
    found = {}
    for word, part in property.parts.items():
        found[word] = copy(part)
        found[word].name = names[word]
    return found


def _ghosts_in(program: Program, property: Property) -> dict[str, Part]:
    """The same of a program that has them already."""
    full = {word: f"{property.name}.{word}" for word in property.parts}
    return {word: program.parts[name if name in program.parts else word] for word, name in full.items()}


# ---------------------------------------------------------------- a guest that is stopped


def _paused(program: Program, property: Property, own: Mapping[str, Part], step: Step) -> Step:
    """No write begins while the property has stopped the writers."""
    if not (property.pauses and step.first and step.operation in program.writing):
        return step
    stopped = node("var", (own[property.pauses].name, None), TRUTH)
    return replace(step, guards=(*step.guards, ~stopped))


def _between_writes(program: Program, property: Property, own: Mapping[str, Part], step: Step) -> Step:
    """The writers are stopped between two operations, as pause_all_vcpus() does: no write is half done."""
    if not (property.pauses and own[property.pauses].name in step.writes):
        return step
    writing = program.writing
    long = {s.by for s in program.steps if s.operation in writing and not s.last}
    idle_ones = [every(program.sorts[sort], idle) for sort in sorted(long - {step.by})]
    return replace(step, guards=(*step.guards, *idle_ones))


def _speaks_of(program: Program, property: Property) -> None:
    known = {*program.parts, *program.operations}
    for name in property.needs:
        if name not in known:
            raise UsageError(
                f"{property.name} cannot be asked of {program.name}: it is about '{name}', which {program.title} "
                f"lacks; it has {', '.join(sorted(known))}."
            )
    for name in property.lacks:
        if name in known:
            raise UsageError(f"{property.name} cannot be asked of {program.name}: it is not for designs with '{name}'.")


def _watched(program: Program, property: Property, parts: Mapping[str, Part], step: Step) -> Step:
    if property.observe is None:
        return step
    by = program.sorts[step.by]
    now = Recorder(program.title, parts, f"{property.name} at {step.label}", by)
    then = Recorder(program.title, parts, f"{property.name} before {step.label}", by)
    then.serial = now.serial
    now.draft.updates = list(step.updates)
    recorders.append(now)
    try:
        with asked_of(program, property, property.observe):
            source.read(property.observe, DesignError)
            seen = shown_to(property.observe, property, program, step)
            property.observe(seen, StateView(then), StateView(now), Element(Index("me", step.by)))
    finally:
        recorders.pop()
    added = now.draft.updates[len(step.updates) :]
    ghosts = {parts[word].name for word in property.parts}
    for update in added:
        if update.variable not in ghosts:
            raise UsageError(f"{property.name} changes {update.variable}, which is the design's; it may only watch.")
    plain = [Update(u.variable, u.index, rewrite(u.value, lambda e: None)) for u in added]
    guards = [rewrite(g, lambda e: None) for g in now.draft.guards]
    return replace(step, updates=(*step.updates, *plain), guards=(*step.guards, *guards))


def goals(program: Program, property: Property, sizes: Mapping[str, int]) -> list[tuple[str, Program, Invariant]]:
    """What a `sometimes` property wants to see happen: (label, observed program, "it has not happened").

    A search that refutes the invariant has found the happening; one that proves it has shown a vacuity.
    """
    found = []
    for case in property.cases(program) if property.cases else [None]:
        given = {"case": case} if property.cases else {}
        bound = replace(
            property,
            holds=partial(property.holds, **given),
            observe=partial(property.observe, **given) if property.observe else None,
        )
        watched = observed(program, bound)
        wanted = invariant(watched, bound)
        if wanted.each is None:
            found.append((str(case or property.name), watched, Invariant(property.name, ~wanted.holds)))
            continue
        for k in range(sizes.get(wanted.each.sort, 1)):
            name = program.sorts[wanted.each.sort].call(k)
            one = replace_index(wanted.holds, wanted.each, Index("const", wanted.each.sort, name, k))
            found.append((f"{name} {case}" if case else name, watched, Invariant(property.name, ~one)))
    return found
