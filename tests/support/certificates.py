"""Certificates with proofs, as files by name, made without the command."""

import os
import shutil
from pathlib import Path

import pytest

from model.designs.catalogue import find_property, load
from model.instance.problem import Problem
from model.limits import Limits
from model.parametric.inference import certificate as of_clauses
from model.parametric.inference.prove import prove as by_clauses
from model.parametric.proofs import proofs
from model.parametric.views import certificate as of_views
from model.parametric.views.decide import prove as by_views
from model.program.design import record

CALCULUS = "CLEARORDER_CPC"


def problem(design, promise):
    loaded = load(design)
    return Problem.of(record(loaded), find_property(promise, loaded))


def clauses(design, promise):
    asked = problem(design, promise)
    return of_clauses.contents(by_clauses(asked.program, asked.invariants).detail, design, [promise])


def views(design, promise):
    asked = problem(design, promise)
    return of_views.contents(by_views(asked, Limits(seconds=120)).detail, asked.program.digest, design, [promise])


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
