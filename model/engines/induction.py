"""k-induction: no violation in the first k moves, and k good states in a row are never followed by a bad one.

The states of the step case are arbitrary (locations within range) and all different: a shortest run into a violation
repeats no state.

Source: Sheeran, Singh, Stålmarck: "Checking safety properties using induction and a SAT-solver", FMCAD 2000.
"""

from __future__ import annotations

from time import monotonic

import z3

from model.engines.bounded import DEPTH, Unrolling, why
from model.expr.algebra import Table
from model.instance.problem import Problem
from model.limits import Limits, Progress
from model.verdict import Proved, Refuted, Undetermined, Verdict


def search(asked: Problem, limits: Limits | None = None, *, table: Table | None = None) -> Verdict:
    """Prove the invariants, all taken together, by k-induction for k = 0, 1, 2, … up to a bound, or refute them.

    Args:
        asked: a program, what must hold of it, and the sizes that a proof is for; nothing asked is undetermined.
        limits: `depth` is the greatest k, 20 by default; `seconds` holds for z3 too; `states` has no meaning here.
        table: the meaning of the operators, `model.expr.algebra.bit_vectors(pages)` by default.

    Returns:
        Proved(states=0, depth=k, detail=k) where the invariants are k-inductive: they hold in the states after 0 to
        k moves, and k different good states in a row, from anywhere, are followed by good states only;
        Refuted(depth=moves, detail=`bounded.Run`) with a shortest run; or Undetermined(reason, depth).

    Raises:
        bounded.Disagreement: what z3 found is no run of the plain-integer interpreter.
    """
    limits, begin, done = limits or Limits(), monotonic(), 0
    bound = DEPTH if limits.depth is None else limits.depth

    def answer(kind: type[Verdict], **more: object) -> Verdict:
        return kind(engine="induction", seconds=monotonic() - begin, **more)  # type: ignore[arg-type]

    try:
        base, step = Unrolling(asked, table), Unrolling(asked, table)
        if not base.checks:
            return answer(Undetermined, reason="no property was asked")
        base.start()
        step.anywhere()
        for k in range(bound + 1):
            for case in (base, step):
                if stop := limits.reached(0, begin):
                    return answer(Undetermined, depth=done, reason=stop)
                found = case.violated(limits.left(begin))
                if found == z3.unknown:
                    return answer(Undetermined, depth=done, **why(case, limits, begin))
                if case is base and found == z3.sat:
                    return answer(Refuted, depth=k, detail=base.run())
                if case is step and found == z3.unsat:
                    return answer(Proved, depth=k, detail=k)
            done = k
            if limits.report:
                limits.report(Progress("induction", 0, k))
            if k < bound:
                base.go_on()
                step.go_on()
                step.anywhere()
                step.new()
    except KeyboardInterrupt:
        return answer(Undetermined, depth=done, reason="interrupted", interrupted=True)
    return answer(Undetermined, depth=done, reason=f"neither refuted nor k-inductive up to k = {bound}")
