"""Bounded model checking: the moves unrolled one by one into bit-vectors, and z3 asked for a violation after each.

The model that z3 finds is replayed on plain integers before anyone sees it. A bound that is reached proves nothing.

Source: Biere, Cimatti, Clarke, Zhu: "Symbolic model checking without BDDs", TACAS 1999.
"""

from __future__ import annotations

import z3

from model.engines.unrolling import Query, Unrolling, unroll
from model.expr.algebra import Table
from model.instance.problem import Problem
from model.limits import Limits
from model.verdict import Refuted, Undetermined, Verdict


def search(asked: Problem, limits: Limits | None = None, *, table: Table | None = None) -> Verdict:
    """Look for a shortest run into a violation, of 0 moves, of 1, of 2, … up to a bound.

    Args:
        asked: a program, what must hold of it, and its sizes; nothing asked is undetermined.
        limits: `depth` is the bound, 20 by default; `seconds` holds for z3 too; `states` has no meaning here.
        table: the meaning of the operators, `model.expr.algebra.bit_vectors(pages)` by default.

    Returns:
        Refuted(states=0, depth=moves, detail=Run) with a shortest run; or Undetermined(reason, depth) where nothing
        was found up to that depth. Never Proved.

    Raises:
        Disagreement: what z3 found is no run of the plain-integer interpreter, or violates nothing there.
    """
    if not asked.checks:
        return Undetermined(reason="no property was asked", engine="bounded")
    return unroll(
        "bounded", limits or Limits(), lambda: [violated(Unrolling(asked, table))], "nothing found up to depth {bound}"
    )


def violated(runs: Unrolling) -> Query:
    """Whether a run from the initial state ends in a violation."""
    runs.start()
    return Query(runs, runs.violated, z3.sat, lambda depth: Refuted(depth=depth, detail=runs.run()), runs.go_on)
