"""Certificates with proofs, as files by name, made without the command."""

import os
import shutil
from pathlib import Path

import pytest

from model.parametric.inference import certificate as of_clauses
from model.parametric.proofs import proofs
from model.parametric.views import certificate as of_views
from tests.support.proofs import by_clauses, by_views

CALCULUS = "CLEARORDER_CPC"


def clauses(design, promise):
    return of_clauses.contents(by_clauses(design, promise).detail, design, [promise])


def views(design, promise):
    return of_views.contents(by_views(design, promise).detail, design, [promise])


def with_proofs(files):
    made, missing = proofs(files, 60)
    assert not missing
    return files | made


def ethos():
    """(program, calculus) of an Ethos that is here, or a skip that says what is missing."""
    program, rules = shutil.which("ethos"), os.environ.get(CALCULUS)
    if program is None:
        pytest.skip("ethos is not installed: github.com/cvc5/ethos")
    if rules is None or not Path(rules).is_file():
        pytest.skip(f"{CALCULUS} does not name cvc5's proofs/eo/cpc/Cpc.eo")
    return program, Path(rules)
