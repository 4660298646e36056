"""Inputs that passed in silence once: each is refused, refuted, or said to hold vacuously; none exits 0."""

import pytest
from click.testing import CliRunner

from model.check.command import command
from model.errors import ModelError
from tests.support.paths import ROOT

FOLDER = ROOT / "tests" / "data" / "reproducers" / "silent"
OWN = {"m59_property_bool": "prop", "m61b": "prop", "m61c": "prop", "machine_threads": "not_both"}
ASKED = {n: ("--property", p) for n, p in OWN.items()} | {
    "scope_fixed_sort": ("--property", "marks_stay", "--size", "Marker=2")
}


@pytest.mark.parametrize("name", sorted(f.stem for f in FOLDER.glob("*.py")))
def test_nothing_passes_silently(name):
    """The exit code is that of a refusal, a refutation, or of a question that is left open."""
    arguments = [str(FOLDER / f"{name}.py"), *ASKED.get(name, ()), "--pages", "1", "-q"]
    ran = CliRunner().invoke(command, arguments, standalone_mode=False)
    code = ran.exception.exit_code if isinstance(ran.exception, ModelError) else ran.return_value
    assert code in (1, 2, 3)
