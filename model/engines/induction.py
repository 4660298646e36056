"""k-induction: no violation in the first k moves, and k good states in a row are never followed by a bad one.

The states of the step case are arbitrary (locations within range) and all different: a shortest run into a violation
repeats no state.

Source: Sheeran, Singh, Stålmarck: "Checking safety properties using induction and a SAT-solver", FMCAD 2000.
"""

from __future__ import annotations

from time import monotonic

import z3

from model.engines.bounded import violated
from model.engines.unrolling import Query, Run, Unrolling, unroll, why
from model.expr.algebra import Table
from model.instance.problem import Problem
from model.limits import Limits
from model.verdict import Proved, Undetermined, Verdict


def search(asked: Problem, limits: Limits | None = None, *, table: Table | None = None) -> Verdict:
    """Prove the invariants, all taken together, by k-induction for k = 0, 1, 2, … up to a bound, or refute them.

    Args:
        asked: a program, what must hold of it, and the sizes that a proof is for; nothing asked is undetermined.
        limits: `depth` is the greatest k, 20 by default; `seconds` holds for z3 too; `states` has no meaning here.
        table: the meaning of the operators, `model.expr.algebra.bit_vectors(pages)` by default.

    Returns:
        Proved(states=0, depth=k, detail=k) where the invariants are k-inductive: they hold in the states after 0 to
        k moves, and k different good states in a row, from anywhere, are followed by good states only;
        Refuted(depth=moves, detail=`unrolling.Run`) with a shortest run; or Undetermined(reason, depth).

    Raises:
        unrolling.Disagreement: what z3 found is no run of the plain-integer interpreter.
    """
    if not asked.checks:
        return Undetermined(reason="no property was asked", engine="induction")

    def queries() -> list[Query]:
        return [violated(Unrolling(asked, table)), inductive(Unrolling(asked, table))]

    return unroll("induction", limits or Limits(), queries, "neither refuted nor k-inductive up to k = {bound}")


def inductive(runs: Unrolling) -> Query:
    """Whether different good states in a row, from anywhere, are followed by good ones only."""

    def go_on() -> None:
        runs.go_on()
        runs.anywhere()
        runs.new()

    runs.anywhere()
    return Query(runs, runs.violated, z3.unsat, lambda k: Proved(depth=k, detail=k), go_on)


def leaves(asked: Problem, limits: Limits) -> Run | Undetermined | None:
    """A state from anywhere where all invariants hold, and a move after which one does not: they are not inductive.

    Args:
        limits: `seconds` only.

    Returns:
        A run of one move whose first state may be unreachable; None where there is none; or why z3 cannot tell.

    Raises:
        unrolling.Disagreement: what z3 found is no move of the plain-integer interpreter.
    """
    begin, runs = monotonic(), Unrolling(asked)
    runs.anywhere()
    runs.go_on()
    found = runs.violated(limits.seconds)
    if found == z3.sat:
        return runs.run()
    return None if found == z3.unsat else Undetermined(engine="induction", **why(runs, limits, begin))
