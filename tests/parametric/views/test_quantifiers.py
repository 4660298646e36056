"""What a step asks of all processes, in every place where a guard can ask it: the packed search has the last word."""

import pytest

from model import Client, Design, Flag, every, operation, some, wait_for
from model.designs.catalogue import find_property, load
from model.designs.environment import load_in
from model.expr import always
from model.instance.problem import Problem
from model.parametric.views import quantifiers
from model.program.design import record
from tests.support.one_page import at_one_page, system_of


class Doors(Design):
    """Clients come in and go; what a subclass says opens the door to one more who is chosen."""

    inside = Flag("is inside", per=Client)
    marked = Flag("has a mark", per=Client)
    chosen = Flag("was chosen", per=Client)

    @operation
    def come(s, me):
        wait_for(~s.inside[me])
        s.inside[me] = True

    @operation
    def mark(s, me):
        wait_for(s.inside[me] & ~s.marked[me])
        s.marked[me] = True


@always
def at_most_one_is_chosen(s, client):
    """Two are never chosen."""
    return ~s.chosen[client] | every(Client, lambda other: ~s.chosen[other] | (other == client))


@always
def whoever_is_chosen_is_marked(s, client):
    """It has its mark when it is chosen."""
    return ~s.chosen[client] | s.marked[client]


def nobody(s, of):
    return every(Client, lambda other: ~of[other])


GUARDS = {
    "mine or nobody's": lambda s, me: s.chosen[me] | nobody(s, s.chosen),
    "nobody's": lambda s, me: nobody(s, s.chosen),
    "somebody's": lambda s, me: some(Client, lambda other: s.marked[other]),
    "mine or somebody's": lambda s, me: s.marked[me] | some(Client, lambda other: s.marked[other]),
    "not everybody's": lambda s, me: ~every(Client, lambda other: s.inside[other]),
    "mine or not everybody's": lambda s, me: s.marked[me] | ~every(Client, lambda other: s.inside[other]),
    "mine and nobody else's": lambda s, me: s.marked[me] & ~some(Client, lambda other: s.chosen[other]),
    "both ways": lambda s, me: (s.inside[me] & nobody(s, s.marked)) | (s.marked[me] & ~nobody(s, s.marked)),
    "two questions": lambda s, me: (s.marked[me] | nobody(s, s.inside)) & (s.inside[me] | nobody(s, s.chosen)),
    "as a truth of its own": lambda s, me: (s.marked[me] == nobody(s, s.chosen)) & s.marked[me],
}


def problem(guard, rule):
    def choose(s, me):
        wait_for(guard(s, me))
        s.chosen[me] = True

    return Problem.of(record(type("Made", (Doors,), {"choose": operation(choose), "__doc__": Doors.__doc__})), rule)


def agree(asked):
    """With 1 to 3 clients, on verdict and depth."""
    found = []
    for clients in (1, 2, 3):
        mine, packed = at_one_page(asked, clients)
        found.append((packed.depth if packed.word == "refuted" else None, None if mine.run is None else len(mine.run)))
    return all(a == b for a, b in found)


@pytest.mark.parametrize("rule", [at_most_one_is_chosen, whoever_is_chosen_is_marked], ids=lambda r: r.name)
@pytest.mark.parametrize("guard", GUARDS.values(), ids=GUARDS)
def test_a_question_about_all_is_answered_as_the_packed_search_answers_it(guard, rule):
    assert agree(problem(guard, rule))


def upside_down(monkeypatch):
    """Of a question that has to be answered yes, no is taken to be the answer with which more holds."""
    helps = quantifiers._helps
    turned = {True: False, False: True, None: None}
    monkeypatch.setattr(quantifiers, "_helps", lambda step, q: turned[helps(step, q)])


def unsigned(monkeypatch):
    """A negation does not turn round what helps."""
    monkeypatch.setattr(
        quantifiers,
        "_signs",
        lambda e, q, sign, real=quantifiers._signs: (None if s is None else True for s in real(e, q, sign)),
    )


@pytest.mark.parametrize(
    ("bug", "guard"), [(upside_down, "mine or nobody's"), (unsigned, "mine and nobody else's")], ids=["turned", "sign"]
)
def test_an_answer_that_is_taken_without_its_reason_is_found(monkeypatch, bug, guard):
    asked = problem(GUARDS[guard], at_most_one_is_chosen)
    assert agree(asked)
    bug(monkeypatch)
    assert not agree(asked)


def surrounded(design, rule):
    return Problem.of(record(load_in(design, "qemu")), find_property(rule, load(design)))


BOTH = [(d, p) for d in ("per-slot-cache", "top-layer-and-cache") for p in ("promise_kept", "no_lost_write")]


def test_who_holds_what_nobody_else_holds_needs_no_partner():
    """The big lock of an environment: with a partner, views of one would be looked at in pairs, for minutes."""
    assert [1] * 4 == [system_of(surrounded(*asked))[0].most for asked in BOTH]
