"""What an expression may say beside operators: choose, whole, shifted, hole, every, some, idle."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from model.errors import DesignError, here
from model.expr.names import one_line
from model.expr.nodes import ALL, NONE, Expr, lift, make, node, sets_of_pages
from model.expr.printer import show
from model.expr.sorts import Element, Index, Sort, element
from model.expr.traversal import indices, replace_index
from model.expr.tree import PAGES, TRUTH


def choose(condition: object, then: object, otherwise: object) -> Expr:
    """`then` where `condition` holds, else `otherwise`: the data branch of the language."""
    test, yes, no = lift(condition), lift(then), lift(otherwise)
    if test.sort != TRUTH:
        raise DesignError(f"choose(cond, a, b): cond is a truth value, and {show(test)} is a set of pages.", here())
    if yes.sort != no.sort:
        raise DesignError(f"choose(cond, a, b): a and b are of one kind, not {yes.sort} and {no.sort}.", here())
    return make("choose", test, yes, no)


def whole(pages: object, size: int) -> Expr:
    """All pages of every run of `size` pages that has one in `pages`: whole words, whole chunks."""
    return make("spread", *sets_of_pages("whole(...)", pages), _count(size, 1))


def shifted(pages: object, by: int) -> Expr:
    """Page p as page p + `by`: the same memory in a bitmap with another offset; what leaves the bitmap is dropped."""
    return make("shift", *sets_of_pages("shifted(...)", pages), _count(by, -1 << 16))


def hole(name: str, *inputs: object) -> Expr:
    """A set of pages that is yet to be found: page by page some Boolean function of the inputs.

    Args:
        name: what the synthesiser calls it; the same name twice is the same function.
        inputs: sets of pages, or truth values, which are the same for every page. `clearorder synthesize` fills
            it; everything else refuses a design that has one.
    """
    if not isinstance(name, str) or not inputs:
        raise DesignError('a hole has a name and what it may look at: hole("mask", s.cache, s.mine[me], want).', here())
    one_line(name, "a hole", here())
    given = [lift(value) for value in inputs]
    return make("hole", name, *(g if g.sort == PAGES else choose(g, ALL, NONE) for g in given))


def _count(number: object, least: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise DesignError(f"a number of pages is needed here, at least {least}, not {number!r}.", here())
    return number


def every(sort: Sort, body: Callable[[Element], Expr]) -> Expr:
    """True for every element of the sort; of sets of pages: the pages that are in all of them."""
    return _quantify("for_all", sort, body)


def some(sort: Sort, body: Callable[[Element], Expr]) -> Expr:
    """True for some element of the sort; of sets of pages: the pages that are in any of them."""
    return _quantify("exists", sort, body)


_fresh = count()


def _quantify(op: str, sort: Sort, body: Callable[[Element], Expr]) -> Expr:
    if not isinstance(sort, Sort):
        raise DesignError("every(...) and some(...) take an index sort first: every(Client, lambda c: ...).", here())
    fresh = Index("bound", sort.name, "?", next(_fresh))  # of its own: the body may hold another quantifier
    inside = lift(body(Element(fresh)))
    taken = {i.name for i in indices(inside)}
    names = (f"{sort.name[0].lower()}{n or ''}" for n in count())
    bound = Index("bound", sort.name, next(n for n in names if n not in taken))
    inside = replace_index(inside, fresh, bound)
    return node(op, (bound, inside), inside.sort, inside.when)


def stuck() -> Expr:
    """Some thread is inside an operation, and nothing is possible but a new write. A property's word."""
    return node("stuck", (), TRUTH)


def idle(who: Element) -> Expr:
    """The thread is between two operations."""
    return make("at", element(who).index, frozenset({0}))
