"""One rule of a protocol in one situation: what is known before it, and who is who after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from model.errors import CannotSay
from model.parametric.logic import FALSE, TRUE, Formula, atom, conj, iff, neg
from model.parametric.views.formulas import Bits, Words, meanings, value
from model.parametric.views.scene import Fields, Group, Person, Scene, Shape, Situation


class Made:
    """One rule in one situation.

    Args:
        shapes: sorts of those who may hold locks together.
        slots: for each role the holder that plays it, or None.
        others: sorts of free processes that stand by.
    """

    def __init__(
        self,
        words: Words,
        shapes: Sequence[Shape],
        rule: Mapping[str, Any],
        shape: Shape,
        slots: Sequence[int | None],
        others: Group,
    ) -> None:
        self.words, self.shapes, self.rule, self.slots = words, shapes, rule, slots
        self.means = meanings(self.words.pages)
        self.used: dict[str, None] = {}
        self.equations: dict[str, Formula] = {}
        self.shared = self._new(None, "shared")
        self.holders = [self._person(s, f"holder{n}") for n, s in enumerate(shape)]
        self.roles = [
            self._person(s, f"role{n}") if slots[n] is None else self.holders[slots[n]]  # type: ignore[index]
            for n, s in enumerate(rule["roles"])
        ]
        self.others = [self._person(s, f"other{n}") for n, s in enumerate(others)]
        self.chosen = [self._chosen(n) for n in range(len(rule["choices"]))]

    # -- words

    def _new(self, sort: str | None, who: str) -> Fields:
        fields = self.words.atoms(sort, who)
        self.used |= {f.args[0]: None for bits in fields for f in bits}
        return fields

    def _person(self, sort: str, who: str) -> Person:
        return Person(sort, self._new(sort, who), who)

    def _chosen(self, number: int) -> Bits:
        many = self.words.pages
        names = [f"chosen{number}" + (f".{page}" if many > 1 else "") for page in range(many)]
        self.used |= dict.fromkeys(names)
        return tuple(map(atom, names))

    def _value(self, tree: Any, other: Person | None) -> Bits:
        def leaf(tree: Any) -> Bits:
            match tree:
                case ["S", field]:
                    return self.shared[field]
                case ["R", role, field]:
                    return self.roles[role].fields[field]
                case ["O", _, field] if other is not None:
                    return other.fields[field]
                case ["chosen", number]:
                    return self.chosen[number]
            raise CannotSay(f"{self.rule['label']} has a leaf that is no field: {tree}")

        return value(tree, leaf, self.means)

    # -- before

    def situation(self, bad: bool) -> Situation:
        free = [p for p, slot in zip(self.roles, self.slots, strict=True) if slot is None]
        free += self.others
        known = dict(self._nature(free))
        before = Scene(self.shared, tuple(self.holders), self._seen(free))
        after, also = (None, FALSE) if bad else self._after()
        known |= self.equations
        return Situation(self.rule["label"], known, before, after, tuple(self.used), also)

    def _seen(self, free: Sequence[Person]) -> tuple[Person, ...]:
        """Free processes of which clauses speak."""
        return tuple(free)

    def _nature(self, free: Sequence[Person]) -> Iterator[tuple[str, Formula]]:
        words = self.words
        everyone = [*self.holders, *free]
        yield (
            "each is at one place",
            conj(words.one_place(None, self.shared), *(words.one_place(p.sort, p.fields) for p in everyone)),
        )
        holds = [words.holds(p.sort, p.fields) for p in self.holders]
        frees = [neg(words.holds(p.sort, p.fields)) for p in free]
        yield "who holds a lock", conj(*holds, *frees)
        for n, values in enumerate(self.rule["choices"]):
            yield f"what is chosen, {n}", words.within("pages", self.chosen[n], values)
        yield "guard", conj(*(self._value(g, None)[0] for g in self.rule["guards"]))
        asked = [self._asked(p) for p in (*self._still(), *self.others)]
        yield "nobody stands in the way", conj(*asked)

    def _still(self) -> list[Person]:
        """Those who hold a lock and play no role."""
        return [h for n, h in enumerate(self.holders) if n not in self.slots]

    def _asked(self, other: Person) -> Formula:
        tree = self.rule["others"].get(other.sort)
        return conj() if tree is None else self._value(tree, other)[0]

    # -- after

    def _after(self) -> tuple[Scene, Formula]:
        """Where clauses must hold afterwards, and what else must."""
        everyone = [self._moved(p, ("R", n), None) for n, p in enumerate(self.roles)]
        everyone += [self._moved(p, ("O", p.sort), p) for p in (*self._still(), *self.others)]
        shared = self._changed(None, self.shared, "shared", ("S",), None)
        holding = sorted((p for p, holds in everyone if holds), key=lambda p: p.sort)
        free = [p for p, holds in everyone if not holds]
        shape = tuple(p.sort for p in holding)
        scene = Scene(shared, tuple(holding), self._seen(free))
        return self._gathered(scene, free) if shape in self.shapes else (scene, FALSE)

    def _gathered(self, scene: Scene, free: Sequence[Person]) -> tuple[Scene, Formula]:
        """The scene after a rule, with what it says of those who are free."""
        return scene, TRUE

    def _moved(self, person: Person, whose: tuple[Any, ...], other: Person | None) -> tuple[Person, bool]:
        """The process after the rule, and whether it then holds a lock."""
        fields = self._changed(person.sort, person.fields, person.name, whose, other)
        place, codes = self.words.protocol["holding"][person.sort]
        holds = person in self.holders
        if place is not None and fields[place] != person.fields[place]:
            known = [n for n, f in enumerate(fields[place]) if f is not FALSE]
            if len(known) != 1:
                raise CannotSay(f"{self.rule['label']} does not say to which place a thread comes")
            holds = known[0] in codes
        return Person(person.sort, fields, person.name), holds

    def _changed(self, sort: str | None, old: Fields, who: str, whose: tuple[Any, ...], other: Person | None) -> Fields:
        new = list(old)
        for where, tree in self.rule["updates"]:
            if tuple(where[:-1]) != whose:
                continue
            name, kind = self.words.of(sort)[where[-1]]
            if isinstance(kind, list):
                new[where[-1]] = self._placed(kind, tree)
            else:
                new[where[-1]] = self._named(f"{who}.{name}", self._value(tree, other))
        return tuple(new)

    def _placed(self, kind: Sequence[str], tree: Any) -> Bits:
        if tree[0] != "is":
            raise CannotSay(f"{self.rule['label']} does not say to which place a thread comes")
        return self.words.constant(kind, tree[1])

    def _named(self, name: str, bits: Bits) -> Bits:
        """New words for a field after the rule, each defined by what is known before."""
        found = []
        for n, f in enumerate(bits):
            word = f"{name}'" + (f".{n}" if len(bits) > 1 else "")
            self.used[word] = None
            self.equations[f"{word} after it"] = iff(atom(word), f)
            found.append(atom(word))
        return tuple(found)
