"""One table of operators per reading: what `union`, `subset`, `choose` … mean on integers, words, solvers and text.

A table has a row for every operator of the language. A reading that has no exact row for one refuses by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any

from model.errors import CannotSay
from model.expr import Expr, walk

Table = Mapping[str, Callable[..., Any]]

OPERATORS = (
    *("none", "all", "union", "meet", "minus", "subset", "equal"),
    *("true", "false", "both", "either", "negate", "choose"),
)  # "these", a constant set of pages, is written by instances only, where they spell out `whole` and `shifted`


def fold(expr: Expr, table: Table, leaf: Callable[[Expr], Any], memo: dict[int, Any] | None = None) -> Any:
    """Evaluate `expr` bottom up: operators by their row in `table`, everything else by `leaf`.

    Args:
        memo: values by node, to be shared between expressions that are evaluated in the same state.

    Raises:
        CannotSay: the table has no row for an operator and `leaf` gives None.
    """
    memo = {} if memo is None else memo
    for each in walk(expr):
        if id(each) in memo:
            continue
        if each.op in table:
            memo[id(each)] = table[each.op](*(memo[id(a)] if isinstance(a, Expr) else a for a in each.args))
            continue
        value = leaf(each)
        if value is None:
            raise CannotSay(f"this reading has no exact meaning for '{each.op}' ({each!r})")
        memo[id(each)] = value
    return memo[id(expr)]


BITWISE: Table = {  # sets whose bits Python's own operators combine
    "union": lambda a, b: a | b,
    "meet": lambda a, b: a & b,
    "minus": lambda a, b: a & ~b,
    "subset": lambda a, b: a & ~b == 0,
    "equal": lambda a, b: a == b,
}
INFIX: Table = {  # the same as source text, in a language that writes them as C does
    "none": lambda: "0",
    "union": lambda a, b: f"({a} | {b})",
    "meet": lambda a, b: f"({a} & {b})",
    "minus": lambda a, b: f"({a} & ~{b})",
    "equal": lambda a, b: f"({a} == {b})",
}


def integers(pages: int) -> Table:
    """A set of pages is an int with one bit a page; truth is a bool."""
    full = (1 << pages) - 1
    return {
        "none": lambda: 0,
        "all": lambda: full,
        **BITWISE,
        "true": lambda: True,
        "false": lambda: False,
        "both": lambda a, b: a and b,
        "either": lambda a, b: a or b,
        "negate": lambda a: not a,
        "choose": lambda c, a, b: a if c else b,
        "these": lambda bits: bits,
    }


def python_source(pages: int) -> Table:
    """The same reading as Python source text, for the engines that compile it once."""
    full = (1 << pages) - 1
    return {
        **INFIX,
        "all": lambda: str(full),
        "subset": lambda a, b: f"({a} & ~{b} == 0)",
        "true": lambda: "True",
        "false": lambda: "False",
        "both": lambda a, b: f"({a} and {b})",
        "either": lambda a, b: f"({a} or {b})",
        "negate": lambda a: f"(not {a})",
        "choose": lambda c, a, b: f"({a} if {c} else {b})",
        "these": str,
    }


def bit_vectors(pages: int) -> Table:
    """A set of pages is a z3 bit-vector with one bit a page."""
    import z3

    return {
        "none": lambda: z3.BitVecVal(0, pages),
        "all": lambda: z3.BitVecVal(-1, pages),
        **BITWISE,
        "true": lambda: z3.BoolVal(True),
        "false": lambda: z3.BoolVal(False),
        "both": z3.And,
        "either": z3.Or,
        "negate": z3.Not,
        "choose": z3.If,
        "these": lambda bits: z3.BitVecVal(bits, pages),
    }


def words(pages: int) -> Table:
    """The same reading as NumPy source text: a set is a column of uint64 or an int, a truth a column of bool or a bool.

    Whoever compiles the text gives the names in it a meaning (`packed.kernel`): FULL is the set of all pages,
    `pages` bits where the sets at hand stand in their word; `pick` is `choose` on columns.
    """
    return {
        **INFIX,
        "all": lambda: "FULL",
        "minus": lambda a, b: f"({a} & ({b} ^ FULL))",
        "subset": lambda a, b: f"({a} == 0)" if b == "0" else f"(({a} & ({b} ^ FULL)) == 0)",
        "true": lambda: "True",
        "false": lambda: "False",
        "both": lambda a, b: f"({a} & {b})",
        "either": lambda a, b: f"({a} | {b})",
        "negate": lambda a: f"({a} ^ True)",
        "choose": lambda c, a, b: f"pick({c}, {a}, {b})",
    }


def c_source(pages: int) -> Table:
    """The same reading as C source text, one state at a time: a set is a 64-bit word, a truth 0 or 1."""
    return {
        **words(pages),
        "true": lambda: "1",
        "false": lambda: "0",
        "negate": lambda a: f"(!{a})",
        "choose": lambda c, a, b: f"({c} ? {a} : {b})",
    }


def promela(pages: int) -> Table:
    """A set of pages is an unsigned number with one bit a page, truth is 0 or 1; each value is Promela text."""
    full = (1 << pages) - 1
    return {
        **INFIX,
        "all": lambda: str(full),
        "subset": lambda a, b: f"(({a} & ~{b}) == 0)",
        "true": lambda: "1",
        "false": lambda: "0",
        "both": lambda a, b: f"({a} && {b})",
        "either": lambda a, b: f"({a} || {b})",
        "negate": lambda a: f"(!{a})",
        "choose": lambda c, a, b: f"({c} -> {a} : {b})",
        "these": str,
    }


def tla() -> Table:
    """A set of pages is a subset of the constant Page, truth a BOOLEAN; each value is TLA+ text."""
    return {
        "none": lambda: "{}",
        "all": lambda: "Page",
        "union": lambda a, b: f"({a} \\cup {b})",
        "meet": lambda a, b: f"({a} \\cap {b})",
        "minus": lambda a, b: f"({a} \\ {b})",
        "subset": lambda a, b: f"({a} \\subseteq {b})",
        "equal": lambda a, b: f"({a} = {b})",
        "true": lambda: "TRUE",
        "false": lambda: "FALSE",
        "both": lambda a, b: f"({a} /\\ {b})",
        "either": lambda a, b: f"({a} \\/ {b})",
        "negate": lambda a: f"(~{a})",
        "choose": lambda c, a, b: f"(IF {c} THEN {a} ELSE {b})",
    }


def smtlib(pages: int) -> Table:
    """A set of pages is a bit-vector with one bit a page, truth a Bool; each value is SMT-LIB 2 text."""
    return {
        "none": lambda: f"#b{'0' * pages}",
        "all": lambda: f"#b{'1' * pages}",
        "union": lambda a, b: f"(bvor {a} {b})",
        "meet": lambda a, b: f"(bvand {a} {b})",
        "minus": lambda a, b: f"(bvand {a} (bvnot {b}))",
        "subset": lambda a, b: f"(= (bvand {a} {b}) {a})",
        "equal": lambda a, b: f"(= {a} {b})",
        "true": lambda: "true",
        "false": lambda: "false",
        "both": lambda a, b: f"(and {a} {b})",
        "either": lambda a, b: f"(or {a} {b})",
        "negate": lambda a: f"(not {a})",
        "choose": lambda c, a, b: f"(ite {c} {a} {b})",
        "these": lambda bits: f"#b{bits:0{pages}b}",
    }


def gates(pages: int, both: Callable[[int, int], int]) -> Table:
    """A set of pages is a tuple of AIGER literals, page 0 first; truth is one literal; 0 is false and 1 true.

    Args:
        both: the literal of an and-gate of two literals; a literal is negated by flipping its last bit.
    """

    def either(a: int, b: int) -> int:
        return both(a ^ 1, b ^ 1) ^ 1

    def same(a: int, b: int) -> int:
        return either(both(a, b), both(a ^ 1, b ^ 1))

    def every(bits: Iterable[int]) -> int:
        return reduce(both, bits, 1)

    def pick(c: int, a: int, b: int) -> int:
        return either(both(c, a), both(c ^ 1, b))

    def choose(c: int, a: Any, b: Any) -> Any:
        return pick(c, a, b) if isinstance(a, int) else tuple(pick(c, x, y) for x, y in zip(a, b, strict=True))

    def each(one: Callable[[int, int], int]) -> Callable[..., tuple[int, ...]]:
        return lambda a, b: tuple(one(x, y) for x, y in zip(a, b, strict=True))

    return {
        "none": lambda: (0,) * pages,
        "all": lambda: (1,) * pages,
        "union": each(either),
        "meet": each(both),
        "minus": each(lambda x, y: both(x, y ^ 1)),
        "subset": lambda a, b: every(either(x ^ 1, y) for x, y in zip(a, b, strict=True)),
        "equal": lambda a, b: every(same(x, y) for x, y in zip(a, b, strict=True)),
        "true": lambda: 1,
        "false": lambda: 0,
        "both": both,
        "either": either,
        "negate": lambda a: a ^ 1,
        "choose": choose,
        "these": lambda bits: tuple(bits >> page & 1 for page in range(pages)),
    }
