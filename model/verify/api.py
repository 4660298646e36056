"""Asking about a design from a Python program: a test, a notebook, a script."""

from __future__ import annotations

from collections.abc import Mapping

from model.designs.catalogue import built_in_designs, built_in_properties, find_property, gallery_designs, load
from model.errors import UsageError
from model.expr import Property
from model.limits import Limits
from model.program.design import Design, record
from model.verify.portfolio import answer
from model.verify.question import Question, asked_sizes
from model.verify.result import Result


def verify(
    design: type[Design] | str,
    property: Property | str = "no_lost_write",
    *,
    pages: int = 2,
    clients: int = 2,
    sizes: Mapping[str, int] | None = None,
    engine: str = "auto",
    limits: Limits | None = None,
) -> Result:
    """Ask whether every reachable state of a design satisfies a property.

    Args:
        design: a class that derives from `Design`, the name of a built-in design (`designs()`), or a file:
            "my_design.py", "my_design.py:MyDesign".
        property: a property, the name of a built-in one (`properties()`) or of one in the design's file, or
            "rules.py:name".
        pages: guest pages of the finite instance, at least 1.
        clients: clients of the finite instance, at least 1; ignored where the design has none.
        sizes: elements of further index sorts, {"Slot": 2, "Vcpu": 1}; 2 where nothing is said.
        engine: "auto" searches the finite instance and, where it is safe, tries to prove the property for any number
            of pages and clients; "explicit", "lanes", "bounded", "induction" or "inductive" asks that engine alone.
        limits: when to give up (states, seconds, moves, bytes); no limit by default, except that the proof for any
            number ends after 60 seconds.

    Returns:
        The verdict with its scope, the engines' evidence, and the counterexample where there is one.

    Raises:
        DesignError: the design is not well formed; the message has file and line.
        UsageError: there is no such design, property, engine or index sort; the property does not apply to the
            design or speaks of infinite runs; a size is not a whole number of at least 1.
        TooWide: one state of this size does not fit what the engine can hold.

    >>> result = verify("per-slot-cache", "promise_kept", pages=1)
    >>> result.verdict.word, dict(result.scope)
    ('proved', {'pages': 'any', 'clients': 'any'})
    >>> verify("naive", clients=1, engine="explicit").assert_refuted(moves=8)
    """
    asked = load(design) if isinstance(design, str) else design
    program = record(asked)
    about = find_property(property, asked) if isinstance(property, str) else property
    if not isinstance(about, Property):
        raise UsageError(
            f"{property!r} is not a property; write @always or @sometimes above it (model.expr), or give the name of "
            f"a built-in one."
        )
    for what, number in (("pages", pages), ("clients", clients), *(sizes or {}).items()):
        _check_size(what, number)
    free = asked_sizes(program, clients, sizes or {})
    spec = design if isinstance(design, str) else ""
    return answer(Question(asked, about, pages, free, engine, limits or Limits(), spec=spec))


def designs() -> tuple[str, ...]:
    """Names of the built-in designs: those of the discussion of 2019 first, then the gallery's.

    >>> designs()[:3]
    ('naive', 'top-layer', 'per-slot-cache')
    """
    return (*built_in_designs(), *gallery_designs())


def properties() -> tuple[str, ...]:
    """Names of the built-in properties, the two that are asked by default first.

    >>> properties()[:2]
    ('no_lost_write', 'promise_kept')
    """
    return tuple(built_in_properties())


def _check_size(what: str, number: object) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise UsageError(f"{what} is {number!r}; write a whole number of at least 1.")
