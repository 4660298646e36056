"""Lines of an operation that recording would lose without a word: which they are, and what to write instead.

An operation is run once, while it is recorded. What it assigns, waits for and yields is kept; everything else that it
writes down is not part of the design, however much it looks like it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True)
class Slip:
    """A line that would be lost: what is wrong, and where (columns in bytes of UTF-8, as `ast` counts them)."""

    message: str
    line: int
    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class Callee:
    """A function that is called: whether nothing of it runs until somebody drives it, and whether it gives a value."""

    name: str
    generator: bool = False
    gives: bool = False


ONCE = "an operation runs once, while it is recorded, so Python would answer for every run at once"

# kinds of nodes that have no meaning in an operation, and what to write
REFUSED: dict[type[ast.AST], str] = {
    ast.Try: "`try` swallows a refusal, and the line that was refused is lost; take it away and mend that line.",
    ast.TryStar: "`except*` swallows a refusal, and the refused line is lost; take it away and mend that line.",
    ast.While: f"`while` cannot be recorded: {ONCE}. What happens again and again is an operation, which the checker "
    "repeats; what is done to many pages takes a set of pages as a parameter.",
    ast.Match: f"`match` cannot look at the state: {ONCE}. Write choose(cond, a, b) for data, wait_for(...) "
    "for a guard.",
    ast.Assert: "`assert` is not recorded. Write wait_for(...) for a guard; what must hold is a property: @always.",
    ast.Delete: "`del` is not recorded. Write s.part = NONE to empty a set of pages, False to clear a flag.",
    ast.Global: "`global` keeps something outside the design, where no engine sees it. Declare a part, or use me.…",
    ast.Nonlocal: "`nonlocal` keeps something outside the design, where no engine sees it. Declare a part, or use me.…",
    ast.NamedExpr: "`:=` keeps a value outside the design. Write me.known = ... on a line of its own.",
    ast.Await: "`await` does not end a step. Write yield with the step's name.",
    ast.AsyncFor: "`async for` cannot be recorded; an operation is a plain `def` whose steps end at yield.",
    ast.AsyncWith: "`async with` takes no lock; write `with s.lock:`.",
    ast.AsyncFunctionDef: "`async def` is never run by anyone; an operation is a plain `def` whose steps end at yield.",
}
# operators of comparisons
COMPARED: dict[type[ast.cmpop], str] = {
    ast.Is: f"`is` asks whether two names mean one Python object, not whether two values are equal: {ONCE}. "
    "Write == for the state, and `a <= NONE` for an empty set of pages.",
    ast.IsNot: f"`is not` asks about Python objects, not about values: {ONCE}. Write != for the state, and "
    "`~(a <= NONE)` for a set of pages that is not empty.",
    ast.In: f"`in` cannot look at the state: {ONCE}. Write `page <= s.part` for pages that are in a set.",
    ast.NotIn: f"`not in` cannot look at the state: {ONCE}. Write `~(page <= s.part)`.",
}
CHAINED = (
    "`a <= b <= c` is Python's `(a <= b) and (b <= c)`, and `and` cannot look at the state. Write (a <= b) & (b <= c)."
)
LOST = "the value of this line is thrown away, so nothing of it is recorded. "
# what a line was probably meant to be, by the kind of its value
MEANT: dict[type[ast.AST], str] = {
    ast.BinOp: "Assign it: s.part -= pages takes pages away, s.part |= pages adds them.",
    ast.Compare: "Write `=` to assign, wait_for(...) to wait until it holds; a property returns what must hold.",
    ast.BoolOp: "Write wait_for(a & b) to wait until it holds.",
    ast.UnaryOp: "Write wait_for(...) to wait until it holds.",
    ast.Attribute: "Assign to it, or call it: s.lock.acquire() with its brackets.",
    ast.Subscript: "Assign to it: s.part[me] |= pages.",
    ast.Name: "Assign to a part or a register, or take the line away.",
    ast.ListComp: "Write a `for` loop.",
    ast.GeneratorExp: "Nobody runs it either. Write a `for` loop.",
}
ELSE_MEANT = "Assign it, wait for it, or take the line away."
RETURNED = (
    "nobody takes what an operation returns, so it is lost. Assign it to a part or a register; a bare `return` is fine."
)
RESULT_OF_YIELD = "`yield` ends a step and gives nothing back. Write it on a line of its own."
NEVER_REACHED = "this line is never reached, so nothing of it is recorded. Take it away, or what stands before it."
ENDS = (ast.Return, ast.Raise, ast.Break, ast.Continue)
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True)
class Called:
    """A call: the function inside that it means, whether something drives it, whether it is a line of its own."""

    at: ast.Call
    inner: Callee | None
    driven: bool
    alone: bool


@dataclass(frozen=True)
class Reading:
    """What the text of one function says, read once for every time that it is recorded.

    Attributes:
        fixed: lines that are lost whatever the names in the function mean.
        calls: calls, of which that depends on what is called.
        returned: values that it returns, which nobody takes of an operation.
        gives: it returns a value somewhere.
    """

    fixed: tuple[Slip, ...]
    calls: tuple[Called, ...]
    returned: tuple[Slip, ...]
    gives: bool

    @classmethod
    def of(cls, function: Function) -> Reading:
        """Read the syntax tree."""
        nodes = [*ast.walk(function)]
        returns = [n for n in own(function) if isinstance(n, ast.Return)]
        gives = isinstance(function, ast.Lambda) or any(r.value is not None for r in returns)
        fixed = (*_by_kind(nodes), *_yields(nodes), *_unused(function, nodes))
        returned = tuple(_slip(RETURNED, r) for r in returns if _something(r.value))
        return cls(fixed, tuple(_calls(function, nodes)), returned, gives)

    def slips(self, resolve: Callable[[ast.expr], Callee | None], *, acts: bool) -> Iterator[Slip]:
        """Every line of the function that recording would lose, in the order of the file.

        Args:
            resolve: what an expression that is called means, or None where that is unknown.
            acts: it is an operation: nobody takes what it returns.
        """
        found = [*self.fixed, *(self.returned if acts else ()), *_lost_calls(self.calls, resolve)]
        yield from sorted(found, key=lambda slip: (slip.line, slip.start))


def own(function: Function) -> Iterator[ast.AST]:
    """The nodes of a function that are not of a function or lambda inside it."""
    waiting: list[ast.AST] = [*function.body] if isinstance(function.body, list) else [function.body]
    while waiting:
        one = waiting.pop()
        yield one
        if not isinstance(one, SCOPES):
            waiting += ast.iter_child_nodes(one)


def _by_kind(nodes: list[ast.AST]) -> Iterator[Slip]:
    for one in nodes:
        if type(one) in REFUSED:
            yield _slip(REFUSED[type(one)], one)
        elif isinstance(one, ast.Compare):
            yield from _comparison(one)
        elif isinstance(one, ast.Expr) and not isinstance(
            one.value, ast.Call | ast.Constant | ast.Yield | ast.YieldFrom
        ):
            yield _slip(LOST + MEANT.get(type(one.value), ELSE_MEANT), one)
        elif isinstance(one, ast.AnnAssign) and one.value is None:
            yield _slip(LOST + MEANT[ast.Name], one)
        for body in ("body", "orelse", "finalbody"):
            yield from _after_the_end(getattr(one, body, None))


def _comparison(one: ast.Compare) -> Iterator[Slip]:
    for operator, right in zip(one.ops, one.comparators, strict=True):
        if type(operator) in COMPARED and not _asks_the_design(one.left, right):
            yield _slip(COMPARED[type(operator)], one)
            return
    if len(one.ops) > 1:
        yield _slip(CHAINED, one)


def _asks_the_design(left: ast.expr, right: ast.expr) -> bool:
    """`"cache" in s`, or something of the step that an observer is handed: known while the design is recorded."""
    named = isinstance(left, ast.Constant) and isinstance(right, ast.Name) and right.id == "s"
    return named or bool({_root(left), _root(right)} & {"step", "case"})


def _root(expr: ast.expr) -> str:
    while isinstance(expr, ast.Attribute):
        expr = expr.value
    return expr.id if isinstance(expr, ast.Name) else ""


def _after_the_end(body: object) -> Iterator[Slip]:
    lines = body if isinstance(body, list) else []
    for before, after in pairwise(lines):
        if isinstance(before, ENDS) and not _is_bare_yield(after):
            yield _slip(NEVER_REACHED, after)
            return


def _is_bare_yield(line: ast.AST) -> bool:
    """`yield` after `return` is how Python says that an empty function is a generator."""
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Yield) and line.value.value is None


def _yields(nodes: list[ast.AST]) -> Iterator[Slip]:
    alone = _alone(nodes)
    return (_slip(RESULT_OF_YIELD, n) for n in nodes if isinstance(n, ast.Yield) and id(n) not in alone)


def _calls(function: Function, nodes: list[ast.AST]) -> Iterator[Called]:
    inner = {n.name: _inner(n) for n in own(function) if isinstance(n, ast.FunctionDef)}
    driven, alone = _driven(nodes), _alone(nodes)
    for one in nodes:
        if isinstance(one, ast.Call):
            name = one.func.id if isinstance(one.func, ast.Name) else ""
            yield Called(one, inner.get(name), id(one) in driven, id(one) in alone)


def _lost_calls(calls: tuple[Called, ...], resolve: Callable[[ast.expr], Callee | None]) -> Iterator[Slip]:
    """Generators that nobody drives, and values of helpers that nobody takes."""
    for call in calls:
        callee = call.inner or resolve(call.at.func)
        if callee is None:
            continue
        if callee.generator and not call.driven:
            text = ast.unparse(call.at)
            yield _slip(
                f"{callee.name} has a yield, and nobody runs it here, so all of it is lost. Write `yield from {text}`.",
                call.at,
            )
        elif callee.gives and call.alone:
            yield _slip(f"the value of {callee.name}(...) is thrown away. {ELSE_MEANT}", call.at)


def _inner(function: ast.FunctionDef) -> Callee:
    nodes = list(own(function))
    generator = any(isinstance(n, ast.Yield | ast.YieldFrom) for n in nodes)
    return Callee(function.name, generator, any(isinstance(n, ast.Return) and _something(n.value) for n in nodes))


def _driven(nodes: list[ast.AST]) -> set[int]:
    """Calls under `yield from`, or that a `for` loop runs."""
    loops = {id(n.iter) for n in nodes if isinstance(n, ast.For)}
    return loops | {id(n.value) for n in nodes if isinstance(n, ast.YieldFrom)}


def _alone(nodes: list[ast.AST]) -> set[int]:
    """Values that are a line of their own, through `yield from` too."""
    found = {id(n.value): n.value for n in nodes if isinstance(n, ast.Expr)}
    return set(found) | {id(v.value) for v in found.values() if isinstance(v, ast.YieldFrom)}


def _unused(function: Function, nodes: list[ast.AST]) -> Iterator[Slip]:
    """Local names that are assigned and never read: most often `kernel = ...` where `s.kernel = ...` is meant."""
    if isinstance(function, ast.Lambda):
        return
    given = {a.arg for a in ast.walk(function.args) if isinstance(a, ast.arg)}
    loads = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    for one in own(function):
        targets = one.targets if isinstance(one, ast.Assign) else [one.target] if isinstance(one, _ASSIGNS) else []
        for name in (n for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)):
            if isinstance(name.ctx, ast.Store) and name.id not in loads | given and not name.id.startswith("_"):
                yield _slip(
                    f"{name.id} is assigned and never read, so nothing of it is recorded. Write s.{name.id} = ... for "
                    f"a part of the design, me.{name.id} = ... for a register; or take the line away.",
                    name,
                )


_ASSIGNS = (ast.AugAssign, ast.AnnAssign)


def _something(value: ast.expr | None) -> bool:
    return value is not None and not (isinstance(value, ast.Constant) and value.value is None)


def _slip(message: str, at: ast.AST) -> Slip:
    line: int = at.lineno  # type: ignore[attr-defined]
    start: int = at.col_offset  # type: ignore[attr-defined]
    one_line = at.end_lineno == line  # type: ignore[attr-defined]
    keyword = type(at).__name__.lower().removesuffix("star")
    if not one_line:  # a whole block: the word that it starts with
        return Slip(message, line, start, start + len(keyword))
    return Slip(message, line, start, at.end_col_offset)  # type: ignore[attr-defined]
