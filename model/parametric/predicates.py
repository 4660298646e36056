"""The table of operators for formulas: what each one means of any number of pages."""

from __future__ import annotations

from typing import Any

from model.expr.algebra import Table
from model.parametric import logic
from model.parametric.logic import PAGE, conj, disj, forall, iff, implies, ite, neg


def predicates() -> Table:
    """A set of pages is a function from a page term to a formula of `model.parametric.logic`; truth is a formula."""

    def choose(test: Any, yes: Any, no: Any) -> Any:
        return (lambda p: ite(test, yes(p), no(p))) if callable(yes) else ite(test, yes, no)

    return {
        "none": lambda: lambda p: logic.FALSE,
        "all": lambda: lambda p: logic.TRUE,
        "union": lambda a, b: lambda p: disj(a(p), b(p)),
        "meet": lambda a, b: lambda p: conj(a(p), b(p)),
        "minus": lambda a, b: lambda p: conj(a(p), neg(b(p))),
        "subset": lambda a, b: forall(PAGE, lambda p: implies(a(p), b(p))),
        "equal": lambda a, b: forall(PAGE, lambda p: iff(a(p), b(p))),
        "true": lambda: logic.TRUE,
        "false": lambda: logic.FALSE,
        "both": conj,
        "either": disj,
        "negate": neg,
        "choose": choose,
    }
