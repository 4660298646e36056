"""Random designs with the reference's verdicts, and tables of operators with one wrong row."""

from random import Random

from hypothesis import HealthCheck, given, settings

from model.engines import explicit
from model.limits import Limits
from model.verdict import Refuted, Undetermined
from tests.support.random_designs import SIZES, Tape, designs, questions, random_design

same_every_time = settings(
    max_examples=300,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def on_random_designs(check, most):
    """The test that a check says nothing against so many random designs, the same in every run."""

    @settings(same_every_time, max_examples=most)
    @given(designs())
    def test(data):
        check(data)

    return test


def hardest(asked):
    """(problem, the reference's verdict) of the question whose refutation is deepest, or of one that is proved.

    Nothing where the reference cannot tell of one of them.
    """
    answered = [(q, explicit.search(q, Limits(states=20_000))) for q in asked]
    if any(isinstance(v, Undetermined) for _, v in answered):
        return None
    return max(answered, key=lambda a: (isinstance(a[1], Refuted) and a[1].depth > 0, a[1].depth))


OTHER = {
    "none": "all",
    "all": "none",
    "union": "meet",
    "meet": "union",
    "minus": "meet",
    "subset": "equal",
    "equal": "subset",
    "true": "false",
    "false": "true",
    "both": "either",
    "either": "both",
}


def with_bug(table, operator):
    """The table with one wrong row: another operator's, or `choose` the wrong way round, or `negate` that does not."""
    wrong = {
        "choose": lambda condition, yes, no: table["choose"](condition, no, yes),
        "negate": lambda value: value,
    }
    return {**table, operator: wrong[operator] if operator in wrong else table[OTHER[operator]]}


_found, _random = [], Random("random designs")  # a longer sample goes on where a shorter one ended


def random_data(most=300):
    """The data of random designs that a finite search decides; the same in every run."""
    while len(_found) < most:
        data = random_design(Tape(_random.randbytes(300)))
        answered = [hardest(questions(data, *size)) for size in SIZES] if data else [None]
        if None not in answered:
            _found.append((data, answered))
    return _found[:most]


def sample(most=300):
    """(problem, the reference's verdict) of so many random designs, each at both sizes.

    The designs are made and the reference is asked once in a process, whoever compares with it.
    """
    return [each for _, answered in random_data(most) for each in answered]
