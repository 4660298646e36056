"""Every mutant of the table can still be made; whether a test notices it, `python -m tests.mutation` tells."""

import pytest

from tests.mutation.table import MUTANTS
from tests.support.paths import ROOT


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_a_mutant_is_another_program(mutant):
    """What it replaces stands in its file, once."""
    text = (ROOT / mutant.file).read_text()
    assert text != mutant.applied(text)


def test_there_are_enough_of_them_and_no_two_alike():
    assert 60 <= len(MUTANTS) == len({m.key for m in MUTANTS}) == len({m.name for m in MUTANTS})
