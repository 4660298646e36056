"""Results for the tests of reports, each asked once."""

from dataclasses import replace
from functools import cache

from model.designs.catalogue import find_property, load
from model.limits import Limits
from model.verify.portfolio import answer
from model.verify.question import Question
from tests.support.paths import DATA

RACE = [  # the moves of the shortest loss of top-layer
    "the guest: write page 0 (P1)",
    "MIGRATION: sync",
    "MIGRATION: collect",
    "MIGRATION: clear.cleared page 0",
    "MIGRATION: clear.read page 0",
    "the guest: write page 0 (P2)",
    "VGA: collect",
    "VGA: clear.cleared page 0",
    "the guest: stop",
    "MIGRATION: sync",
]
HOSTILE = DATA / "hostile_design.py"


@cache
def result(design, property="no_lost_write", pages=1, clients=2, **limits):
    """What the reference says."""
    loaded = load(design)
    sizes = {"Client": clients}
    return answer(Question(loaded, find_property(property, loaded), pages, sizes, "explicit", Limits(**limits)))


def proved():
    return result("per-slot-cache", "promise_kept")


def refuted():
    return result("top-layer")


def broken():
    """A broken promise and what follows it."""
    return result("naive", "promise_kept", pages=2, clients=1)


def recovered():
    """A broken promise that loses nothing."""
    return result("no-lock-register", "promise_kept")


def undetermined():
    return result("per-slot-cache", "no_lost_write", states=100)


def hostile():
    """A counterexample of the hostile design, under a hostile name."""
    name = 'my "design" <script>alert(2)</script> `x` | %0A::error::\n*) */ ]]> -- \x00\x07 漢字 #1 ; {0} [a](b)'
    return replace(result(str(HOSTILE)), design=name)


def every_kind():
    return [proved(), refuted(), broken(), recovered(), undetermined(), hostile()]
