"""Decision diagrams and the conjunctions that are read off them, against truth tables."""

import random
from itertools import product

from model.export.diagram import Diagrams

QUESTIONS = "abcd"


def drawn(diagrams, rng, depth=4):
    """(node, function of the answers) of a random expression."""
    if depth == 0 or rng.random() < 0.1:
        name = rng.choice(QUESTIONS)
        return diagrams.question(name), lambda answers: answers[name]
    op = rng.choice(["either", "both", "negate", "choose", "minus", "equal", "subset", "true", "none"])
    means = {
        "either": lambda a, b: a or b,
        "both": lambda a, b: a and b,
        "negate": lambda a: not a,
        "choose": lambda c, a, b: a if c else b,
        "minus": lambda a, b: a and not b,
        "equal": lambda a, b: a == b,
        "subset": lambda a, b: b or not a,
        "true": lambda: True,
        "none": lambda: False,
    }[op]
    parts = [drawn(diagrams, rng, depth - 1) for _ in range(means.__code__.co_argcount)]
    node = diagrams.table[op](*(n for n, _ in parts))
    return node, lambda answers: means(*(f(answers) for _, f in parts))


def holds(cubes, answers):
    return any(all(answers[q] == yes for q, yes in cube.items()) for cube in cubes)


def everywhere():
    return [dict(zip(QUESTIONS, bits, strict=True)) for bits in product((False, True), repeat=len(QUESTIONS))]


def test_conjunctions_hold_where_the_expression_does_and_none_is_superfluous():
    """300 random expressions over four questions."""
    rng = random.Random(1)
    for _ in range(300):
        diagrams = Diagrams()
        node, means = drawn(diagrams, rng)
        cubes = diagrams.cubes(node)
        expected = [bool(means(a)) for a in everywhere()]
        assert expected == [holds(cubes, a) for a in everywhere()]
        for one in cubes:
            fewer = [c for c in cubes if c is not one]
            assert expected != [holds(fewer, a) for a in everywhere()]


def test_equal_expressions_are_one_node():
    """So that a value that stays is seen to stay."""
    diagrams = Diagrams()
    a, b = diagrams.question("a"), diagrams.question("b")
    assert a == diagrams.either(diagrams.both(a, b), diagrams.minus(a, b))
    assert diagrams.negate(diagrams.both(a, b)) == diagrams.either(diagrams.negate(a), diagrams.negate(b))
