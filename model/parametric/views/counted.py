"""A rule in a situation where processes are counted: of each local, whether nobody, somebody, or several have it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from model.parametric.logic import FALSE, TRUE, Formula, atom, conj, disj, neg
from model.parametric.views.formulas import Bits, Local
from model.parametric.views.scene import Person, Scene
from model.parametric.views.situation import Made


class Counted(Made):
    """The same where the shared part says of each local whether nobody, somebody, or several have it."""

    def _seen(self, free: Sequence[Person]) -> tuple[Person, ...]:
        return ()

    def _nature(self, free: Sequence[Person]) -> Iterator[tuple[str, Formula]]:
        yield from super()._nature(free)
        yield "who is free is somebody", conj(*(self._found(p) for p in free))
        if self.words.many > 1:
            yield "nobody plays two roles", conj(*(self._several(a, b) for a, b in combinations(free, 2)))
        self.rest = {local: self._rest(local, free) for local in self.words.counted}
        yield "nobody stands in the way of what is heard", conj(*map(self._allowed, self.words.counted))

    def _count(self, local: Local, least: int) -> Formula:
        """So many have that local before."""
        counts = self.shared[self.words.count_field(local)]
        return counts[0] if self.words.many == 1 else disj(*counts[least:])

    def _is(self, person: Person, local: Local) -> Formula:
        sort, values = local
        if person.sort != sort:
            return FALSE
        kinds = self.words.local[sort]
        return conj(*(self.words.within(k, f, (v,)) for (_, k), f, v in zip(kinds, person.fields, values, strict=True)))

    def _found(self, person: Person) -> Formula:
        return disj(*(conj(self._is(person, m), self._count(m, 1)) for m in self.words.counted))

    def _several(self, a: Person, b: Person) -> Formula:
        both = ((m, conj(self._is(a, m), self._is(b, m))) for m in self.words.counted)
        return conj(*(disj(neg(same), self._count(m, 2)) for m, same in both if same is not FALSE))

    def _rest(self, local: Local, free: Sequence[Person]) -> tuple[Formula, Formula]:
        """(somebody, several) have the local and play no role: of several, less some, any number that there may be."""
        playing = [self._is(p, local) for p in free]
        some, more = disj(*playing), disj(*(conj(a, b) for a, b in combinations(playing, 2)))
        stays = [self._new_word(f"left.{self.words.call(local)} {n}") for n in (1, 2)]
        if self.words.many == 1:
            return conj(self._count(local, 1), disj(neg(some), stays[0])), FALSE
        one, two = self._count(local, 1), self._count(local, 2)
        at_least = disj(conj(one, neg(some)), conj(two, disj(neg(more), stays[0])))
        return at_least, conj(two, disj(neg(some), conj(stays[1], disj(neg(more), stays[0]))))

    def _new_word(self, name: str) -> Formula:
        self.used[name] = None
        return atom(name)

    def _allowed(self, local: Local) -> Formula:
        return disj(neg(self.rest[local][0]), self._asked(self._as_person(local)))

    def _as_person(self, local: Local) -> Person:
        sort, values = local
        return Person(sort, self.words.constants(sort, values), f"those of {self.words.call(local)}")

    def _gathered(self, scene: Scene, free: Sequence[Person]) -> tuple[Scene, Formula]:
        arrive: list[tuple[Person, Formula, Formula]] = [(p, TRUE, FALSE) for p in free]
        for local, (one, two) in self.rest.items():
            person, _ = self._moved(self._as_person(local), ("O", local[0]), self._as_person(local))
            arrive.append((person, one, two))
        known = conj(*(disj(neg(one), *(self._is(p, m) for m in self.words.counted)) for p, one, _ in arrive))
        shared = list(scene.shared)
        for local in self.words.counted:
            field = self.words.count_field(local)
            shared[field] = self._counted(local, arrive)
        return Scene(tuple(shared), scene.holders, ()), known

    def _counted(self, local: Local, arrive: Sequence[tuple[Person, Formula, Formula]]) -> Bits:
        """How many have the local afterwards, in words of its own."""
        ones = [f for p, one, _ in arrive if (f := conj(one, self._is(p, local))) is not FALSE]
        name = f"shared.{self.words.call(local)}"
        if self.words.many == 1:
            return self._named(name, (disj(*ones),))
        twos = [conj(two, self._is(p, local)) for p, _, two in arrive]
        some, more = disj(*ones), disj(*twos, *(conj(a, b) for a, b in combinations(ones, 2)))
        return self._named(name, (neg(some), conj(some, neg(more)), more))
