"""Nothing passes silently: safe designs with one slip each are refused, refuted or marked."""

import pytest

from tests.slips.seeds import COUNT, KINDS, chosen
from tests.slips.table import run, table


def silent(found):
    return [f"{slip.name}: {why}" for slip, (word, why) in found if word in ("SILENT", "left open")]


def test_a_sample_of_slips():
    """Three or four of each kind."""
    assert [] == silent(run(chosen(20)))


@pytest.mark.slow
def test_three_hundred_slips():
    """As many of each kind; what is safe all the same is proved with a question that means something."""
    found = run(chosen())
    assert COUNT == len(found)
    assert dict.fromkeys(KINDS, COUNT // len(KINDS)) == {k: sum(s.kind == k for s, _ in found) for k in KINDS}
    assert [] == silent(found), table(found)
