"""The protocol of a certificate as propositional formulas: its fields, its trees, and literals of clauses.

Everything is read from the data of `protocol.json`, so that a condition can be made again from the files alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from typing import Any

from model.parametric.logic import FALSE, TRUE, Formula, atom, conj, disj, iff, ite, neg

Bits = tuple[Formula, ...]  # of a set one formula a page, of a truth value one, of a place one for each place
Local = tuple[str, tuple[int, ...]]  # a sort, and the values of a process of it
Literal = tuple[tuple[Any, ...], tuple[int, ...]]  # where a value stands, and which values it may have there


COUNTS = ["nobody", "one", "several"]


@dataclass(frozen=True)
class Clause:
    """One of its literals holds, wherever holders of locks of these sorts stand with the shared part.

    Attributes:
        shape: sorts of the processes that hold locks, sorted.
        about: sorts of the free processes that it speaks of: none, one or two.
        literals: (where, values): ("S", field), ("H", holder, field) or ("O", free process, field).
    """

    shape: tuple[str, ...]
    about: tuple[str, ...]
    literals: tuple[Literal, ...]

    @property
    def key(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return self.shape, self.about


@dataclass(frozen=True)
class Words:
    """The fields of a protocol: what they are called, and what they can hold.

    Attributes:
        counted: locals of which the shared part says how many have them, up to `many`; the last of its fields.
    """

    protocol: Mapping[str, Any]
    counted: tuple[Local, ...] = ()
    many: int = 0

    @classmethod
    def of_views(cls, protocol: Mapping[str, Any], views: Mapping[str, Any]) -> Words:
        """The words of a table: where it counts, those of the locals of free processes as well."""
        many = {"present": 1, "counts": 2}.get(views["kind"], 0)
        used = sorted({group[0] for _, beside in views["rows"] for group in beside}) if many else []
        return cls(protocol, tuple((views["locals"][m][0], tuple(views["locals"][m][1])) for m in used), many)

    @property
    def pages(self) -> int:
        return int(self.protocol["pages"])

    @cached_property
    def shared(self) -> tuple[tuple[str, Any], ...]:
        """(name, sort) of each field of the shared part; the sort is "pages", "truth" or a list of places."""
        own = [(n if k is None else f"{n}[{k}]", sort) for n, k, _, sort in self.protocol["shared"]]
        kind = "truth" if self.many == 1 else COUNTS
        return (*own, *((self.call(m), kind) for m in self.counted))

    def call(self, local: Local) -> str:
        """A local in words: where it is, and what is set in it."""
        sort, values = local
        told = [
            kind[v] if isinstance(kind, list) else name if v == 1 else f"{name} {v:b}"
            for (name, kind), v in zip(self.local[sort], values, strict=True)
            if v or isinstance(kind, list)
        ]
        return f"some {sort} ({', '.join(told)})"

    def count_field(self, local: Local) -> int:
        """Where the shared part counts that local."""
        return len(self.protocol["shared"]) + self.counted.index(local)

    def fresh_counts(self, fresh: Mapping[str, tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
        """How many have each local at the start: at least one of a sort, or none where the design names some."""
        ranges = [range(0 if self.protocol["named"][s] else 1, self.many + 1) for s in fresh if self.many]
        for counts in product(*ranges):
            known = {(s, values): n for (s, values), n in zip(fresh.items(), counts, strict=False)}
            yield tuple(known.get(m, 0) for m in self.counted)

    @cached_property
    def local(self) -> Mapping[str, tuple[tuple[str, Any], ...]]:
        """The same of a process of each open sort."""
        return {s: tuple((n, sort) for n, _, sort in fields) for s, fields in self.protocol["local"].items()}

    def of(self, sort: str | None) -> tuple[tuple[str, Any], ...]:
        return self.shared if sort is None else self.local[sort]

    def values(self, sort: Any) -> range:
        """What a field of this sort can hold."""
        return range(len(sort) if isinstance(sort, list) else 2**self.pages if sort == "pages" else 2)

    def atoms(self, sort: str | None, who: str) -> tuple[Bits, ...]:
        """Someone's fields, each as words of its own."""
        return tuple(self._atoms(name, kind, f"{who}.") for name, kind in self.of(sort))

    def _atoms(self, name: str, kind: Any, who: str) -> Bits:
        if isinstance(kind, list):
            return tuple(atom(f"{who}{name} {place}") for place in kind)
        many = self.pages if kind == "pages" else 1
        return tuple(atom(f"{who}{name}" + (f".{page}" if many > 1 else "")) for page in range(many))

    def constants(self, sort: str | None, values: Sequence[int]) -> tuple[Bits, ...]:
        """Fields that hold these values."""
        return tuple(self.constant(kind, v) for (_, kind), v in zip(self.of(sort), values, strict=True))

    def constant(self, kind: Any, value: int) -> Bits:
        if isinstance(kind, list):
            return tuple(TRUE if n == value else FALSE for n in range(len(kind)))
        return bits(value, self.pages if kind == "pages" else 1)

    def within(self, kind: Any, field: Bits, values: Collection[int]) -> Formula:
        """The field holds one of these values."""
        if len(values) == len(self.values(kind)):
            return TRUE
        if isinstance(kind, list):
            return disj(*(field[v] for v in sorted(values)))
        return disj(*(conj(*map(iff, field, bits(v, len(field)))) for v in sorted(values)))

    def one_place(self, sort: str | None, fields: Sequence[Bits]) -> Formula:
        """Each thread among these fields is at exactly one of its places."""
        places = [f for (_, kind), f in zip(self.of(sort), fields, strict=True) if isinstance(kind, list)]
        return conj(*(conj(disj(*f), *(neg(conj(a, b)) for a, b in combinations(f, 2))) for f in places))

    def holding(self, sort: str) -> frozenset[int]:
        """Places of a process of this sort at which it holds a lock that others want."""
        place, codes = self.protocol["holding"][sort]
        return frozenset(codes) if place is not None else frozenset()

    def holds(self, sort: str, fields: Sequence[Bits]) -> Formula:
        place, codes = self.protocol["holding"][sort]
        return disj(*(fields[place][c] for c in codes)) if place is not None else FALSE


def bits(value: int, many: int) -> Bits:
    """A number as so many truth values, the lowest first."""
    return tuple(TRUE if value >> n & 1 else FALSE for n in range(many))


def _each(one: Callable[[Formula, Formula], Formula]) -> Callable[..., Bits]:
    return lambda a, b: tuple(map(one, a, b))


def meanings(pages: int) -> Mapping[str, Callable[..., Bits]]:
    """What the operators of a tree mean."""
    return {
        "none": lambda: (FALSE,) * pages,
        "all": lambda: (TRUE,) * pages,
        "union": _each(disj),
        "meet": _each(conj),
        "minus": _each(lambda a, b: conj(a, neg(b))),
        "subset": lambda a, b: (conj(*(disj(neg(x), y) for x, y in zip(a, b, strict=True))),),
        "equal": lambda a, b: (conj(*map(iff, a, b)),),
        "true": lambda: (TRUE,),
        "false": lambda: (FALSE,),
        "both": _each(conj),
        "either": _each(disj),
        "negate": lambda a: (neg(a[0]),),
        "choose": lambda c, a, b: tuple(ite(c[0], x, y) for x, y in zip(a, b, strict=True)),
        "these": lambda value: bits(value, pages),
    }


def value(tree: Any, leaf: Callable[[Any], Bits], means: Mapping[str, Callable[..., Bits]]) -> Bits:
    """A tree as formulas; `leaf` says what fields and choices are."""
    if tree[0] == "in":
        field = leaf(tree[1])
        return (disj(*(field[code] for code in tree[2])),)
    if tree[0] in ("S", "R", "O", "chosen"):
        return leaf(tree)
    return means[tree[0]](*(a if isinstance(a, int) else value(a, leaf, means) for a in tree[1:]))
