"""A program of one page as a protocol of identical processes: who they are, and where each value stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from model.expr import FALSE, TRUTH, Expr, Index, make, node, rewrite
from model.instance.instance import Instance
from model.instance.locations import at
from model.instance.state import Field
from model.parametric.views.fragment import cast_of, refuse_pointers
from model.parametric.views.rule import Cast, Key, Layout
from model.program.program import Invariant, Program

LOCK = "lock "


def lock_field(lock: str) -> str:
    """The name of the field that says whether a lock is taken."""
    return f"{LOCK}{lock}"


@dataclass(frozen=True)
class Protocol:
    """A program of so many pages and what must hold of it, for any number of processes.

    Attributes:
        fixed: sorts of which there are exactly so many.
        pages: usually one, which stands for any (`one_page`).

    Raises:
        CannotSay: something in it is not of the fragment; the message says what would have to change.
    """

    program: Program
    invariants: tuple[Invariant, ...]
    fixed: Mapping[str, int] = field(default_factory=dict)
    pages: int = 1

    @cached_property
    def cast(self) -> Cast:
        refuse_pointers(self.program, self.fixed)
        return cast_of(self.program, self.invariants, self.fixed)

    @cached_property
    def instance(self) -> Instance:
        """Of each open sort the named elements, one for each role, and a bystander."""
        return Instance(self.program, self.pages, {**self.cast.sizes, **self.fixed})

    @cached_property
    def locks(self) -> tuple[Key, ...]:
        """Every lock that some thread can hold, as the field that says so."""
        held = {
            (lock_field(lock), number)
            for sort, codes in self.instance.codes.items()
            for k in range(self.instance.sizes.get(sort, 1))
            for code in range(len(codes))
            for lock, number in self.instance.held(sort, k, code)
        }
        return tuple(sorted(held, key=str))

    def owner(self, lock: str) -> str | None:
        """The open sort that has one such lock for each of its elements, or None."""
        per = self.program.parts[lock].per if lock in self.program.parts else None
        return per.name if per and per.name in self.cast.named else None

    @cached_property
    def layout(self) -> Layout:
        cast = self.cast
        fields = list(self.instance.fields)
        for name, number in self.locks:
            fields.append(Field(name, number, TRUTH, 1, 0, self.owner(name.removeprefix("lock ")), "lock"))
        shared = tuple(f for f in fields if cast.is_named(f.per, f.number))
        local = {s: tuple(f for f in fields if f.per == s and f.number == cast.role(s, 0)) for s in cast.sorts}
        return Layout(shared, local)

    def holds_shared_lock(self, sort: str, code: int) -> bool:
        """A process of this open sort at this place holds a lock that is not its own."""
        number = self.cast.role(sort, 0)
        held = self.instance.held(sort, number, code)
        return any(self.cast.is_named(self.owner(lock), k) for lock, k in held)

    def place_of(self, sort: str) -> int | None:
        """Where its location stands in a process of this sort; None where it has one place only."""
        return next((i for i, f in enumerate(self.layout.local[sort]) if f.name == at(sort)), None)

    def plain(self, expr: Expr) -> Expr:
        """With each `lock.free` as the field that says so."""
        return rewrite(expr, _lock_bit)

    def ground(self, expr: Expr, env: Mapping[Index, int]) -> Expr:
        """With every element a number, over fields of the layout."""
        return self.settled(self.instance.ground(self.plain(expr), env))

    def settled(self, expr: Expr) -> Expr:
        """With each lock that nobody ever holds as free."""
        known = set(self.locks)

        def never(e: Expr) -> Expr | None:
            return FALSE if e.op == "field" and str(e.args[0]).startswith("lock ") and e.args not in known else None

        return rewrite(expr, never)


def _lock_bit(e: Expr) -> Expr | None:
    if e.op != "free":
        return None
    return make("negate", node("var", (lock_field(e.args[0]), e.args[1]), TRUTH))


def protocol(
    program: Program, invariants: Sequence[Invariant], sizes: Mapping[str, int] | None = None, pages: int = 1
) -> Protocol:
    """The protocol of a program; sorts in `sizes` have exactly so many elements, all other open ones any."""
    return Protocol(program, tuple(invariants), sizes or {}, pages)
